"""`/v1/files` and `/v1/batches`, as OpenAI's clients know them."""

import asyncio
from collections.abc import AsyncIterator

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from batch.jobs import DAY, ENDPOINTS, Batch, File, Move, State, new_id
from batch.seams import Shelf, Store
from batch.wire import asked_batch, batch_object, file_object, listing
from router.door import keep_within_kind, may_spend
from router.errors import BadRequest, UnknownObject
from router.http import Identify, Own, answer, own
from router.seams import Clock
from router.types import Principal

PURPOSES = frozenset({"batch", "batch_output"})
PAGE, MOST_BATCHES, MOST_FILES = 20, 100, 10_000
CHUNK = 256 << 10
LONGEST_FIELD = 4096


class BatchRoutes:
    """The handlers over a store and a shelf; what blocks runs in a thread.

    A caller sees the files and batches of its own key, and of no other.
    """

    def __init__(self, store: Store, shelf: Shelf, *, clock: Clock) -> None:
        self._store, self._shelf, self._clock = store, shelf, clock

    def add(self, app: web.Application, prefix: str, identify: Identify, /) -> None:
        def add(method: str, path: str, handler: Own) -> None:
            app.router.add_route(method, path, own(identify, handler))

        add("POST", f"{prefix}/files", self.upload)
        add("GET", f"{prefix}/files", self.files)
        add("GET", f"{prefix}/files/{{id}}", self.file)
        add("DELETE", f"{prefix}/files/{{id}}", self.drop_file)
        add("GET", f"{prefix}/files/{{id}}/content", self.content)
        add("POST", f"{prefix}/batches", self.create)
        add("GET", f"{prefix}/batches", self.batches)
        add("GET", f"{prefix}/batches/{{id}}", self.batch)
        add("POST", f"{prefix}/batches/{{id}}/cancel", self.cancel)
        add("POST", f"{prefix}/batches/{{id}}/retry", self.retry)

    async def upload(self, http: web.Request, who: Principal) -> web.StreamResponse:
        """Take `multipart/form-data`, the file streamed to disk; fields may come before or after it."""
        may_spend(who)
        if not http.content_type.startswith("multipart/"):
            raise BadRequest("A file is uploaded as multipart/form-data.")
        file_id, fields, name, size = new_id("file-"), dict[str, str](), "", -1
        try:
            async for part in await http.multipart():
                if not isinstance(part, BodyPartReader):
                    raise BadRequest("The form has a part within a part.")
                if part.name == "file" and size < 0:
                    name = part.filename or "file.jsonl"
                    size = await self._shelf.receive(file_id, _chunks(part))
                elif part.name is not None:
                    fields[part.name] = (await part.read_chunk(LONGEST_FIELD)).decode(errors="replace")
        except (ValueError, AssertionError, HttpProcessingError) as error:
            await asyncio.to_thread(self._shelf.drop, file_id)
            raise BadRequest(f"The form cannot be read: {error}.") from None
        try:
            file = self._uploaded(file_id, fields, name, size, who)
        except BadRequest:
            await asyncio.to_thread(self._shelf.drop, file_id)
            raise
        await asyncio.to_thread(self._store.add_file, file)
        return answer(file_object(file))

    def _uploaded(self, file_id: str, fields: dict[str, str], name: str, size: int, who: Principal) -> File:
        if size < 0:
            raise BadRequest("The form has no part `file`.", param="file")
        purpose = fields.get("purpose", "")
        if purpose != "batch":
            raise BadRequest('`purpose` must be "batch".', param="purpose")
        now = self._now()
        seconds = fields.get("expires_after[seconds]")
        if fields.get("expires_after[anchor]", "created_at") != "created_at":
            raise BadRequest('`expires_after[anchor]` must be "created_at".', param="expires_after")
        if seconds is not None and not (seconds.isascii() and seconds.isdigit() and int(seconds) >= 3600):
            raise BadRequest("`expires_after[seconds]` must be at least 3600.", param="expires_after")
        expires = now + min(int(seconds), 10_000 * DAY) if seconds is not None else None
        return File(
            id=file_id,
            purpose=purpose,
            # Bytes that are no UTF-8 come as halves of characters, which nobody can write down.
            name=name[:512].encode("utf-8", "replace").decode(),
            size=size,
            created=now,
            owner=who.key,
            expires=expires,
        )

    async def files(self, http: web.Request, who: Principal) -> web.StreamResponse:
        limit = _limit(http, usual=MOST_FILES, most=MOST_FILES)
        if http.query.get("order", "desc") != "desc":
            raise BadRequest('`order` must be "desc": files are listed from the newest.', param="order")
        rows = await asyncio.to_thread(
            self._store.files,
            who.key,
            purpose=http.query.get("purpose"),
            after=http.query.get("after"),
            limit=limit + 1,
        )
        now = self._now()
        more = len(rows) > limit
        page = [file_object(file) for file in rows[:limit] if not _expired(file, now)]
        return answer(listing(page, limit) | {"has_more": more})

    async def file(self, http: web.Request, who: Principal) -> web.StreamResponse:
        return answer(file_object(await self._file(http.match_info["id"], who)))

    async def content(self, http: web.Request, who: Principal) -> web.StreamResponse:
        file = await self._file(http.match_info["id"], who)
        headers = {"Content-Type": "application/octet-stream"}
        return web.FileResponse(await asyncio.to_thread(self._shelf.path, file.id), headers=headers)

    async def drop_file(self, http: web.Request, who: Principal) -> web.StreamResponse:
        file = await self._file(http.match_info["id"], who)
        if any(batch.input_file == file.id for batch in await asyncio.to_thread(self._store.under_way)):
            raise BadRequest("A batch that is under way reads this file; cancel it first.")
        await asyncio.to_thread(self._store.drop_file, file.id)
        await asyncio.to_thread(self._shelf.drop, file.id)
        return answer({"id": file.id, "object": "file", "deleted": True})

    async def create(self, http: web.Request, who: Principal) -> web.StreamResponse:
        """Take a batch; its file is read by the runner, so that this answers at once."""
        body = await http.read()
        batch = asked_batch(body, batch_id=new_id("batch_"), principal=who, now=self._now())
        keep_within_kind(who, ENDPOINTS[batch.endpoint], batch.lane)
        file = await self._file(batch.input_file, who)
        if file.purpose not in PURPOSES:
            raise BadRequest('The file has another purpose than "batch".', param="input_file_id")
        await asyncio.to_thread(self._store.add_batch, batch)
        return answer(batch_object(batch))

    async def batches(self, http: web.Request, who: Principal) -> web.StreamResponse:
        limit = _limit(http, usual=PAGE, most=MOST_BATCHES)
        rows = await asyncio.to_thread(
            self._store.batches, who.key, after=http.query.get("after"), limit=limit + 1
        )
        return answer(listing([batch_object(batch) for batch in rows], limit))

    async def batch(self, http: web.Request, who: Principal) -> web.StreamResponse:
        return answer(batch_object(await self._batch(http, who)))

    async def cancel(self, http: web.Request, who: Principal) -> web.StreamResponse:
        """Stop a batch: lines under way end, the others are given up, and what is done is kept."""
        batch = await self._batch(http, who)
        stoppable = (State.VALIDATING, State.IN_PROGRESS)
        moved = await asyncio.to_thread(
            self._store.move,
            batch.id,
            Move(before=stoppable, state=State.CANCELLING, at=self._now()),
        )
        batch = await self._batch(http, who)
        if not moved and batch.state not in {State.CANCELLING, State.CANCELLED}:
            raise BadRequest(f"A batch that is {batch.state} cannot be cancelled.")
        return answer(batch_object(batch))

    async def retry(self, http: web.Request, who: Principal) -> web.StreamResponse:
        """Try failed and given-up lines of a batch that is over once more, in a window as long as before."""
        batch = await self._batch(http, who)
        if not batch.state.over or batch.state is State.FAILED:
            raise BadRequest(f"A batch that is {batch.state} has no lines to try again.")
        if await asyncio.to_thread(self._store.file, batch.input_file) is None:
            raise BadRequest("The input file is not there any more: no line can be tried again.")
        now = self._now()
        count = await asyncio.to_thread(
            self._store.retry_failed, batch.id, at=now, deadline=now + batch.window
        )
        if not count:
            raise BadRequest("No line of this batch failed in a way that another try could mend.")
        return answer(batch_object(await self._batch(http, who)))

    async def _file(self, file_id: str, who: Principal) -> File:
        file = await asyncio.to_thread(self._store.file, file_id)
        if file is None or file.owner != who.key or _expired(file, self._now()):
            raise UnknownObject(f"There is no file {file_id[:80]!r}.", param="file_id")
        return file

    async def _batch(self, http: web.Request, who: Principal) -> Batch:
        batch_id = http.match_info["id"]
        batch = await asyncio.to_thread(self._store.batch, batch_id)
        if batch is None or batch.principal.key != who.key:
            raise UnknownObject(f"There is no batch {batch_id[:80]!r}.", param="batch_id")
        return batch

    def _now(self) -> int:
        return int(self._clock.now().timestamp())


def _expired(file: File, now: int) -> bool:
    return file.expires is not None and file.expires <= now


async def _chunks(part: BodyPartReader) -> AsyncIterator[bytes]:
    while chunk := await part.read_chunk(CHUNK):
        yield chunk


def _limit(http: web.Request, *, usual: int, most: int) -> int:
    text = http.query.get("limit", str(usual))
    limit = int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(most)) else 0
    if not 1 <= limit <= most:
        raise BadRequest(f"`limit` must be a whole number from 1 to {most}.", param="limit")
    return limit
