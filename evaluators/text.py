"""Checks of an answer's text: one scan, used while it grows and on the whole, so that both say the same."""

import asyncio
from collections import deque
from typing import Protocol

from evaluators.base import Check
from router.seams import Ask, Burst, Watch
from router.types import Reply, Request, Verdict

PIECE = 8_192
"""Characters that are looked at before anybody else on the loop has a turn."""


class Scan(Protocol):
    """Reads the text of one choice once, in pieces."""

    def feed(self, text: str, /) -> str | None:
        """Take what came; say what is wrong as soon as it is certain."""
        ...

    def end(self) -> str | None:
        """Say what is wrong with the whole."""
        ...


class TextCheck(Check):
    """A free check that is a scan of every choice's text."""

    __slots__ = ()

    def scan(self, request: Request) -> Scan:
        raise NotImplementedError

    def watch(self, request: Request, /) -> Watch | None:
        return _TextWatch(self, request)

    async def judge(self, request: Request, reply: Reply, ask: Ask, /) -> Verdict | None:  # noqa: ARG002 - the seam
        for choice in reply.choices:
            reason = await self._wrong(request, choice.text)
            if reason is not None:
                return self.failed(reason)
        return self.passed() if reply.choices else None

    async def _wrong(self, request: Request, text: str) -> str | None:
        scan = self.scan(request)
        if len(text) <= PIECE:
            return (scan.feed(text) if text else None) or scan.end()
        for at in range(0, len(text), PIECE):
            reason = scan.feed(text[at : at + PIECE])
            if reason is not None:
                return reason
            await asyncio.sleep(0)
        return scan.end()


class _TextWatch:
    """Scans every choice as it grows; of a burst that is too long, the rest has to wait for the next one."""

    def __init__(self, check: TextCheck, request: Request) -> None:
        self._check, self._request = check, request
        self._scans: dict[int, Scan] = {}
        self._waiting: deque[tuple[int, str]] = deque()

    def feed(self, burst: Burst, /) -> Verdict | None:
        for delta in burst:
            if delta.text:
                self._waiting.append((delta.choice, delta.text))
        left = PIECE
        while self._waiting and left > 0:
            choice, text = self._waiting.popleft()
            if len(text) > left:
                self._waiting.appendleft((choice, text[left:]))
                text = text[:left]
            left -= len(text)
            scan = self._scans.get(choice)
            if scan is None:
                scan = self._scans[choice] = self._check.scan(self._request)
            reason = scan.feed(text)
            if reason is not None:
                return self._check.failed(reason)
        return None
