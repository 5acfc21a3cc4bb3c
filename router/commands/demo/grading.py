"""Is an answer right? Compared with the reference, never by a model."""

import re

import orjson

from router.commands.demo.prompts import Reference

NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def is_right(reference: Reference, text: str, calls: tuple[tuple[str, str], ...]) -> bool:
    """Compare an answer with its reference; `calls` are names with their arguments as JSON text."""
    if reference.call is not None:
        name, arguments = reference.call
        return len(calls) == 1 and calls[0][0] == name and _same(calls[0][1], arguments)
    if reference.json is not None:
        return _same(text, reference.json)
    return _reads_right(reference, text)


def _same(text: str, value: object) -> bool:
    try:
        return bool(orjson.loads(text) == value)
    except orjson.JSONDecodeError:
        return False


def _reads_right(reference: Reference, text: str) -> bool:
    folded = text.casefold()
    if reference.exact is not None and _bare(text) != _bare(reference.exact):
        return False
    if reference.number is not None:
        found = NUMBER.findall(text)
        if not found or float(found[-1]) != reference.number:
            return False
    if reference.pattern is not None and not re.search(reference.pattern, text, re.IGNORECASE):
        return False
    return (
        bool(text.strip())
        and all(any(_has(folded, part) for part in parts) for parts in reference.contains)
        and not any(_has(folded, part) for part in reference.lacks)
    )


def _bare(text: str) -> str:
    return text.strip().rstrip(".").casefold()


def _has(folded: str, part: str) -> bool:
    return str(part).casefold() in folded
