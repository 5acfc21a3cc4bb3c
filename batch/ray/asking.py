"""Asking a server for the lines of a block, so many at once; nothing here knows of Ray."""

import asyncio
from dataclasses import asdict
from typing import Any

import aiohttp
import orjson

from batch.intake import line_of
from batch.ray.blocks import Block, Book, Done, Order
from router.errors import FarthingError

TRIES = 6
"""Of a line whose server is busy, or away; the pause between two begins with a second, and doubles."""

LONGEST_PAUSE = 60.0
BUSY = frozenset({429, 500, 502, 503, 504})
PATIENCE = aiohttp.ClientTimeout(total=None, sock_connect=10)


class ServerAway(FarthingError):
    """The server does not answer any more; what is done is kept, and a second run goes on from there."""


class Asking:
    """Works through blocks, with connections that are kept between them."""

    def __init__(self, order: Order) -> None:
        self._order = order
        headers = {"x-farthing-lane": "background", "x-farthing-run-id": order.run}
        if order.key is not None:
            headers["Authorization"] = f"Bearer {order.key}"
        self._session = aiohttp.ClientSession(
            headers=headers, timeout=PATIENCE, connector=aiohttp.TCPConnector(limit=order.at_once)
        )
        self._room = asyncio.Semaphore(order.at_once)

    async def close(self) -> None:
        await self._session.close()

    async def work(self, block: Block) -> Done:
        """Ask for all lines of a block that are not done; raise `ServerAway`."""
        book = Book(self._order.folder, block)
        if book.whole and not (self._order.again and book.failed):
            return book.count()
        if book.whole:
            book.reopen()
        known, seen = book.known(), set[str]()
        try:
            async with asyncio.TaskGroup() as group:
                for offset, raw in block.lines(self._order.file):
                    if offset not in known:
                        await self._room.acquire()
                        group.create_task(self._line(offset, raw, seen, book))
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        done = book.seal()
        return Done(lines=done.lines, before=len(known), failed=done.failed)

    async def _line(self, offset: int, raw: bytes, seen: set[str], book: Book) -> None:
        try:
            book.add(await self._asked(offset, raw, seen))
        finally:
            self._room.release()

    async def _asked(self, offset: int, raw: bytes, seen: set[str]) -> dict[str, Any]:
        line, _ = line_of(0, offset, raw, self._order.endpoint, seen)
        row: dict[str, Any] = {"at": offset, "id": f"line_{offset}", "custom_id": line.custom_id}
        if line.problem is not None:
            said = asdict(line.problem)
            # Which line of the file it is, nobody has counted.
            message = f"Byte {offset}: {line.problem.message.partition(': ')[2]}"
            return row | {"response": None, "error": said | {"line": None, "message": message}}
        body = orjson.dumps(orjson.loads(raw)["body"])
        status, request_id, answer = await self._answer(body)
        response = {"status_code": status, "request_id": request_id, "body": answer}
        return row | {"response": response, "error": None}

    async def _answer(self, body: bytes) -> tuple[int, str | None, Any]:
        for tried in range(1, TRIES + 1):
            pause = min(2.0 ** (tried - 1), LONGEST_PAUSE)
            try:
                status, headers, said = await self._post(body)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                if tried == TRIES:
                    raise ServerAway(f"{self._order.url} does not answer: {error}.") from None
            else:
                if status not in BUSY or tried == TRIES:
                    return status, headers.get("x-request-id"), said
                pause = min(max(pause, _seconds(headers.get("Retry-After"))), LONGEST_PAUSE)
            await asyncio.sleep(pause)
        raise AssertionError

    async def _post(self, body: bytes) -> tuple[int, Any, Any]:
        url = self._order.url.removesuffix("/v1") + self._order.endpoint
        headers = {"Content-Type": "application/json"}
        async with self._session.post(url, data=body, headers=headers) as response:
            raw = await response.read()
        try:
            return response.status, response.headers, orjson.loads(raw)
        except orjson.JSONDecodeError:
            return response.status, response.headers, {"error": {"message": "The answer is no JSON."}}


def _seconds(text: str | None) -> float:
    return float(text) if text and text.isascii() and text.isdigit() else 0.0
