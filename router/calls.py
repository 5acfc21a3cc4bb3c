"""Tool calls on their way to the caller: each is kept until its arguments are whole.

Half a call is worse than none: a client that acts on it runs a command that nobody wrote.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import orjson

from router.seams import Burst
from router.types import Delta, ToolCall

MARKS = re.compile(r'[\\"{}\[\]]')


class Extent:
    """Tells where one JSON object or list ends; each character is looked at once."""

    def __init__(self) -> None:
        self._depth = 0
        self._quoted = self._escaping = False

    def closed_by(self, text: str) -> bool:
        """Take the next piece of the text; true if the outermost bracket closes in it."""
        if not text:
            return False
        escaped = 0 if self._escaping else -1
        for match in MARKS.finditer(text):
            at, mark = match.start(), match[0]
            if at == escaped:
                continue
            if self._quoted:
                if mark == "\\":
                    escaped = at + 1
                elif mark == '"':
                    self._quoted = False
            elif mark == '"':
                self._quoted = True
            elif mark != "\\" and self._bracket(mark):
                return True
        self._escaping = escaped == len(text)
        return False

    def _bracket(self, mark: str) -> bool:
        self._depth += 1 if mark in "{[" else -1
        return self._depth <= 0


@dataclass(slots=True)
class _Held:
    """One call: its pieces as they came, and how far its arguments are."""

    pieces: list[Delta] = field(default_factory=list)
    extent: Extent = field(default_factory=Extent)
    whole: bool = False

    @property
    def parses(self) -> bool:
        try:
            # Some servers leave the arguments of a call without any empty.
            orjson.loads("".join(d.tool_calls[0].arguments for d in self.pieces) or "{}")
        except orjson.JSONDecodeError:
            return False
        return True


class HeldCalls:
    """Lets text pass, and every tool call when its arguments are whole JSON, or when its choice is over.

    `broken` says that there is a call that will never be; nothing of it was let pass.
    """

    def __init__(self) -> None:
        self._held: dict[tuple[int, int], _Held] = {}
        self.broken = False

    def take(self, burst: Burst) -> list[Delta]:
        """Take what came, and give what may be shown of this and of what was kept."""
        if not self._held and not any(delta.tool_calls for delta in burst):
            return list(burst)
        return [shown for delta in burst for shown in self._taken(delta)]

    def _taken(self, delta: Delta) -> Iterator[Delta]:
        rest = replace(delta, tool_calls=()) if delta.tool_calls else delta
        if delta.finish_reason is None and _says_something(rest):
            yield rest
        for piece in delta.tool_calls:
            yield from self._piece(delta, piece)
        if delta.finish_reason is not None:
            yield from self._over(delta.choice)
            yield rest

    def _piece(self, delta: Delta, piece: ToolCall) -> Iterator[Delta]:
        held = self._held.setdefault((delta.choice, piece.index), _Held())
        if held.whole:
            self.broken |= bool(piece.arguments.strip())
            return
        held.pieces.append(Delta(choice=delta.choice, tool_calls=(piece,), envelope=delta.envelope))
        if held.extent.closed_by(piece.arguments):
            yield from self._released(held)

    def rest(self) -> list[Delta]:
        """Give what was still kept when the reply was over."""
        return [shown for held in self._held.values() if not held.whole for shown in self._released(held)]

    def _over(self, choice: int) -> Iterator[Delta]:
        for (owner, _), held in sorted(self._held.items(), key=lambda item: item[0]):
            if owner == choice and not held.whole:
                yield from self._released(held)

    def _released(self, held: _Held) -> Iterator[Delta]:
        held.whole = True
        if held.parses:
            yield from held.pieces
        else:
            self.broken = True
        held.pieces = []


def _says_something(delta: Delta) -> bool:
    return bool(
        delta.text or delta.refusal or delta.role or delta.extra or delta.logprobs or delta.choice_extra
    )
