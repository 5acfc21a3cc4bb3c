"""Reading an uploaded file: its lines, where they lie, what is wrong with them, in which order to go.

A wrong line spoils nothing but itself.
Lines whose prompts begin alike are put beside each other,
so that an engine's prefix cache finds the beginning of the second where the first has left it.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from sys import intern
from typing import Any
from zlib import crc32

import orjson

from batch.jobs import ENDPOINTS, MOST_LINES, Line, Problem
from router.dialects.bodies import too_deep

BLOCK = 256
"""Bytes of a prompt that are compared at once; engines cache by blocks of 16 to 128 tokens."""

BLOCKS = 24
LONGEST_ID = 512
LONGEST_LINE = 16 << 20

MOST_PROBLEMS = 100
"""Lines that are named of a file in which no line can be used."""

BOM = b"\xef\xbb\xbf"
"""What some editors put before the first line."""


class Unreadable(Exception):
    """The file as a whole cannot be a batch."""

    def __init__(self, *problems: Problem) -> None:
        self.problems, first = problems, problems[0]
        super().__init__(first.message if first.line is None else f"No line can be used. {first.message}")


def read_lines(path: Path, endpoint: str) -> list[Line]:
    """Return every line that is not blank, with its place; raise `Unreadable` if the file is no batch.

    Memory is bounded by the number of lines, not by their length.
    """
    seen: set[str] = set()
    lines: list[Line] = []
    keys: list[bytes] = []
    for number, offset, raw in _raw(path):
        if len(lines) >= MOST_LINES:
            raise Unreadable(
                Problem(code="too_many_lines", message=f"The file has more than {MOST_LINES:,} lines.")
            )
        line, key = line_of(number, offset, raw, endpoint, seen)
        lines.append(line)
        keys.append(key)
    if not lines:
        raise Unreadable(Problem(code="empty_file", message="The file has no lines."))
    if all(line.problem is not None for line in lines):
        raise Unreadable(*(line.problem for line in lines[:MOST_PROBLEMS] if line.problem is not None))
    order = sorted(range(len(lines)), key=lambda at: (lines[at].model, keys[at], at))
    for place, at in enumerate(order):
        lines[at] = replace(lines[at], place=place)
    return lines


def endpoint_of(path: Path) -> str:
    """Tell the endpoint of a file by the first line that names one."""
    with path.open("rb") as file:
        for raw in file:
            try:
                url = orjson.loads(raw.removeprefix(BOM))["url"]
            except (orjson.JSONDecodeError, KeyError, TypeError):
                continue
            if isinstance(url, str) and url in ENDPOINTS:
                return url
    return next(iter(ENDPOINTS))


def _raw(path: Path) -> Iterator[tuple[int, int, bytes]]:
    """Yield (number, offset, bytes) of lines that are not blank; a line without end is cut to be refused."""
    with path.open("rb") as file:
        offset = number = 0
        while raw := file.readline(LONGEST_LINE + 1):
            start, number = offset, number + 1
            offset += len(raw)
            while raw and not raw.endswith(b"\n") and (more := file.readline(LONGEST_LINE)):
                offset += len(more)
                if more.endswith(b"\n"):
                    break
            if number == 1 and raw.startswith(BOM):
                start, raw = len(BOM), raw[len(BOM) :]
            if raw.strip():
                yield number, start, raw


def line_of(number: int, offset: int, raw: bytes, endpoint: str, seen: set[str]) -> tuple[Line, bytes]:
    try:
        value = _object(raw)
        custom_id = _custom_id(value, seen)
    except _Wrong as wrong:
        return Line(
            number=number, custom_id=None, offset=offset, length=len(raw), problem=wrong.at(number)
        ), b""
    try:
        body = _body(value, endpoint)
    except _Wrong as wrong:
        problem = wrong.at(number)
        line = Line(number=number, custom_id=custom_id, offset=offset, length=len(raw), problem=problem)
        return line, b""
    line = Line(
        number=number, custom_id=custom_id, offset=offset, length=len(raw), model=intern(body["model"])
    )  # thousands name the same
    return line, _key(body)


class _Wrong(Exception):
    def __init__(self, code: str, message: str, param: str | None = None) -> None:
        self.code, self.message, self.param = code, message, param
        super().__init__(message)

    def at(self, line: int) -> Problem:
        return Problem(code=self.code, message=f"Line {line}: {self.message}", line=line, param=self.param)


def _object(raw: bytes) -> dict[str, Any]:
    if len(raw) > LONGEST_LINE:
        raise _Wrong("line_too_long", f"The line is longer than {LONGEST_LINE >> 20} MiB.")
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise _Wrong("invalid_json_line", f"This is not valid JSON: {error}.") from None
    if not isinstance(value, dict):
        raise _Wrong("invalid_json_line", "This is not a JSON object.")
    if too_deep(raw, value):
        raise _Wrong("invalid_json_line", "This is nested too deep.")
    return value


def _custom_id(value: dict[str, Any], seen: set[str]) -> str:
    given = value.get("custom_id")
    if not isinstance(given, str) or not given:
        raise _Wrong("missing_required_parameter", "`custom_id` must be a string.", "custom_id")
    if len(given) > LONGEST_ID:
        raise _Wrong("invalid_value", f"`custom_id` is longer than {LONGEST_ID} characters.", "custom_id")
    if given in seen:
        raise _Wrong(
            "duplicate_custom_id", f"`custom_id` {given[:80]!r} stands on an earlier line.", "custom_id"
        )
    seen.add(given)
    return given


def _body(value: dict[str, Any], endpoint: str) -> dict[str, Any]:
    if value.get("method", "POST") != "POST":
        raise _Wrong("invalid_method", '`method` must be "POST".', "method")
    url = value.get("url")
    if url != endpoint:
        raise _Wrong(
            "invalid_url", f"`url` must be {endpoint!r}, as the batch says, not {str(url)[:80]!r}.", "url"
        )
    body = value.get("body")
    if not isinstance(body, dict):
        raise _Wrong("missing_required_parameter", "`body` must be an object.", "body")
    if not isinstance(body.get("model"), str) or not body["model"]:
        raise _Wrong("missing_required_parameter", "`body.model` must be a string.", "model")
    if body.get("stream"):
        raise _Wrong("invalid_value", "`body.stream` cannot be true in a batch.", "stream")
    return body


def _key(body: dict[str, Any]) -> bytes:
    """Return a key by which prompts that begin alike sort together: a checksum after each block, chained.

    Of two other beginnings one in four thousand million has the same, and merely stands elsewhere.
    """
    said = body.get("messages") or body.get("prompt") or body.get("input")
    text = orjson.dumps((body.get("tools"), said))[: BLOCK * BLOCKS]
    chain, checksum = [], 0
    for start in range(0, len(text), BLOCK):
        checksum = crc32(text[start : start + BLOCK], checksum)
        chain.append(checksum.to_bytes(4, "big"))
    return b"".join(chain)
