"""Prose and code apart, in Markdown that may still grow: each character is looked at once."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

FENCE = re.compile(r" {0,3}(`{3,}|~{3,})[ \t]*([^`\n]*)\n?$")

TICKS, TILDES = "```", "~~~"

DEEPEST = 3
"""Spaces before a fence; a line that is further in is code."""

LONGEST_FENCE = 200
"""Characters after which a line that began like a fence is none."""


def beginnings(text: str) -> Iterator[int]:
    """Give where lines begin that may be fences: others are not looked at one by one."""
    at, ticks, tildes = 0, text.find(TICKS), text.find(TILDES)
    while ticks >= 0 or tildes >= 0:
        mark = ticks if tildes < 0 or 0 <= ticks < tildes else tildes
        start = text.rfind("\n", at, mark) + 1 or at
        if mark - start <= DEEPEST and not text[start:mark].strip(" "):
            yield start
        at = text.find("\n", mark) + 1
        if not at:
            return
        if 0 <= ticks < at:
            ticks = text.find(TICKS, at)
        if 0 <= tildes < at:
            tildes = text.find(TILDES, at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A stretch of prose (`language` is `None`), or a whole fenced block and the language it claims."""

    text: str
    language: str | None = None
    closed: bool = True


class Fences:
    """Takes a growing text and gives pieces: prose at once, a fenced block when it is over."""

    def __init__(self) -> None:
        self._held = ""  # the line that is coming, while it may be a fence
        self._settled = False  # the line that is coming is none
        self._fence = ""
        self._language: str | None = None
        self._parts: list[str] = []

    def feed(self, text: str) -> list[Piece]:
        """Take what came, and give what can be told."""
        if self._language is None and not self._held and "`" not in text and "~" not in text:
            text = self._prose(text)
            return [Piece(text=text)] if text else []
        pieces: list[Piece] = []
        text, self._held = self._held + text, ""
        at = 0
        for start in beginnings(text):
            end = text.find("\n", start) + 1
            if not end or (start == 0 and self._settled):
                continue
            self._lines(text[at:start])
            self._line(text[start:end], pieces)
            at = end
        last = max(at, text.rfind("\n", at) + 1)
        self._lines(text[at:last])
        self._begin(text[last:])
        return self._flushed(pieces)

    def end(self) -> list[Piece]:
        """Give what is left; a block that was never closed says so."""
        pieces: list[Piece] = []
        if self._held:
            held, self._held = self._held, ""
            self._line(held, pieces)
        if self._language is not None:
            pieces.append(Piece(text="".join(self._parts), language=self._language, closed=False))
            self._parts, self._language = [], None
        return self._flushed(pieces)

    def _prose(self, text: str) -> str:
        """Take what has no mark of a fence in it; spaces at the end may yet be the beginning of one."""
        start = text.rfind("\n") + 1
        if start == 0 and self._settled:
            return text
        self._settled = bool(text[start:].strip(" "))
        if not self._settled:
            text, self._held = text[:start], text[start:]
        return text

    def _begin(self, start: str) -> None:
        """Take the start of a line whose end has not come."""
        begun = start.lstrip(" ")
        may_be_fence = not self._settled and (not begun or begun[0] in "`~")
        if may_be_fence and len(start) <= LONGEST_FENCE:
            self._held = start
        elif start:
            self._settled = True
            self._parts.append(start)

    def _lines(self, lines: str) -> None:
        """Take whole lines that are no fences."""
        if lines:
            self._parts.append(lines)
            self._settled = False

    def _line(self, line: str, pieces: list[Piece]) -> None:
        fence = None if self._settled or len(line) > LONGEST_FENCE else FENCE.match(line)
        self._settled = False
        if fence is None:
            self._parts.append(line)
        elif self._language is None:
            self._flush(pieces)
            self._fence, info = fence[1], fence[2].split()
            self._language = info[0].lower() if info else ""
        elif fence[1].startswith(self._fence) and not fence[2].strip():
            pieces.append(Piece(text="".join(self._parts), language=self._language))
            self._parts, self._language = [], None
        else:
            self._parts.append(line)

    def _flush(self, pieces: list[Piece]) -> None:
        if self._parts:
            pieces.append(Piece(text="".join(self._parts)))
            self._parts = []

    def _flushed(self, pieces: list[Piece]) -> list[Piece]:
        if self._language is None:
            self._flush(pieces)
        return pieces


def pieces_of(text: str) -> list[Piece]:
    """Take a whole text apart."""
    fences = Fences()
    return fences.feed(text) + fences.end()
