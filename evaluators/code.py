"""Does the code in the answer parse?

Only blocks that claim a language are read: Python by `ast`, JSON by orjson, SQL by sqlglot if it is installed
(`pip install farthing[sql]`).
Cost class: free; a block of 2 kB of dense Python costs a third of a millisecond, nearly all of it CPython's
parser; of JSON next to nothing.
Limits: what parses may still be wrong; more than `MOST` characters of code are not parsed, because a parser
holds everyone else up; blocks with ellipses, prompts or magics are fragments and pass.
"""

import ast
import re
import symtable
import textwrap
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from types import MappingProxyType

import orjson

from evaluators import sql
from evaluators.fences import Fences, Piece
from evaluators.text import Scan, TextCheck
from router.types import Request

MOST = 20_000
"""Characters of code in one answer that are parsed."""

DEEPEST = 60
"""Brackets within brackets; a parser may take exponential time for more."""

BRACKET = re.compile(r"[\[\](){}]")
STEP: Mapping[str, int] = MappingProxyType({"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1})

FRAGMENT = re.compile(r"^[ \t]*(?:>>>|\.\.\.|In \[|%|!|\$ |#\s*\.\.\.|\+|-{3}|@@)", re.MULTILINE)
ELLIPSIS = re.compile(r"\.\.\.|\u2026|<[a-z_ ]+>|//|/\*")


def _python(code: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            _parse(textwrap.dedent(code) if code[:1].isspace() else code)
        except SyntaxError as error:
            # What is cut off in the middle is the business of `shape`.
            excused = "too many" in str(error) or "Exceeds the limit" in str(error)
            return excused or FRAGMENT.search(code) is not None
        except (ValueError, MemoryError, RecursionError, OverflowError):
            return True
    return True


def _parse(code: str) -> None:
    """Raise what `ast.parse` raises.

    A table of symbols is quicker to have than a tree; but it is stricter, so what it refuses is parsed again.
    """
    try:
        symtable.symtable(code, "<answer>", "exec")
    except SyntaxError:
        ast.parse(code)


def _json(code: str) -> bool:
    if ELLIPSIS.search(code):
        return True
    try:
        orjson.loads(code)
    except orjson.JSONDecodeError as error:
        return "recursion" in str(error).lower() or _lines(code)
    return True


def _lines(code: str) -> bool:
    """Tell whether it is JSON line by line."""
    try:
        return len([orjson.loads(line) for line in code.splitlines() if line.strip()]) > 1
    except orjson.JSONDecodeError:
        return False


PARSERS: Mapping[str, tuple[str, Callable[[str], bool]]] = MappingProxyType(
    {
        "python": ("Python", _python),
        "py": ("Python", _python),
        "python3": ("Python", _python),
        "json": ("JSON", _json),
        "sql": ("SQL", sql.parses),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Code(TextCheck):
    """Fails an answer with a closed block of Python, JSON or SQL that does not parse."""

    name = "code"

    def __post_init__(self) -> None:
        sql.parser()  # now, while nobody waits for an answer

    def scan(self, request: Request) -> Scan:  # noqa: ARG002 - the seam
        return _Scan()


class _Scan:
    def __init__(self) -> None:
        self._fences, self._left = Fences(), MOST

    def feed(self, text: str, /) -> str | None:
        return self._wrong(self._fences.feed(text))

    def end(self) -> str | None:
        return self._wrong(self._fences.end())

    def _wrong(self, pieces: list[Piece]) -> str | None:
        for piece in pieces:
            parser = PARSERS.get(piece.language or "")
            if parser is None or not piece.closed:
                continue
            self._left -= len(piece.text)
            if self._left < 0 or _depth(piece.text) > DEEPEST:
                continue
            language, parses = parser
            if not parses(piece.text):
                return f"{language} that does not parse"
        return None


def _depth(code: str) -> int:
    """The most brackets that are open at once (or more), strings and comments not told apart."""
    many = code.count("(") + code.count("[") + code.count("{")
    if many <= DEEPEST:
        return many
    return max(accumulate(map(STEP.__getitem__, BRACKET.findall(code))))
