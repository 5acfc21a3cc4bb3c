"""`background: true` on a request: it is answered later, as a batch of one line, and polled for by its id.

Nothing is kept of it but what a batch keeps, so it outlives every process; the files go when it expires.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import web

from batch.jobs import DAY, Batch, File, Move, State, new_id
from batch.seams import Shelf, Store
from router.catalog.money import usd_text
from router.errors import BadRequest, UnknownObject
from router.http import Identify, answer, own
from router.seams import Clock, Dialect
from router.types import Lane, Principal, Request

PREFIX = "bg_"
CUSTOM_ID = "request"

WITHIN = 3600
"""Seconds within which it is answered, or given up."""

KEPT = DAY
"""Seconds from its beginning that the answer can be asked for."""

OURS = frozenset({"background", "stream", "stream_options"})
"""Fields that are said to Farthing, and not to a model."""

STATUS: Mapping[State, str] = {
    State.VALIDATING: "queued",
    State.IN_PROGRESS: "in_progress",
    State.FINALIZING: "in_progress",
    State.CANCELLING: "in_progress",
    State.COMPLETED: "completed",
    State.CANCELLED: "cancelled",
    State.EXPIRED: "failed",
    State.FAILED: "failed",
}
"""In the words of OpenAI's background responses."""


class Background:
    """The handlers over a store and a shelf, and a `router.server.Deferral`; a caller sees its own key's."""

    def __init__(self, store: Store, shelf: Shelf, *, clock: Clock) -> None:
        self._store, self._shelf, self._clock = store, shelf, clock

    def add(self, app: web.Application, prefix: str, identify: Identify, /) -> None:
        path = f"{prefix}/farthing/background/{{id}}"
        app.router.add_get(path, own(identify, self.poll))
        app.router.add_post(f"{path}/cancel", own(identify, self.cancel))

    async def defer(self, request: Request, dialect: Dialect, /) -> Mapping[str, object]:
        """Put a request in the queue, durably; return what is told of it."""
        now, endpoint = self._now(), f"/v1{dialect.path}"
        body = {name: value for name, value in request.body.items() if name not in OURS}
        line = {"custom_id": CUSTOM_ID, "method": "POST", "url": endpoint, "body": body}
        batch = Batch(
            id=new_id(PREFIX),
            principal=request.principal,
            endpoint=endpoint,
            input_file=new_id("file-"),
            window=WITHIN,
            created=now,
            output_window=KEPT,
            max_cost=request.limits.cost,
            lane=Lane.BACKGROUND,
            labels=request.labels,
        )
        await asyncio.to_thread(self._keep, batch, orjson.dumps(line))
        return _told(batch)

    def _keep(self, batch: Batch, line: bytes) -> None:
        size = self._shelf.write(batch.input_file, [line])
        self._store.add_file(
            File(
                id=batch.input_file,
                purpose="batch",
                name=f"{batch.id}.jsonl",
                size=size,
                created=batch.created,
                owner=batch.principal.key,
                expires=batch.created + KEPT,
            )
        )
        self._store.add_batch(batch)

    async def poll(self, http: web.Request, who: Principal) -> web.StreamResponse:
        batch = await self._own(http, who)
        return answer(_told(batch, await asyncio.to_thread(self._result, batch)))

    async def cancel(self, http: web.Request, who: Principal) -> web.StreamResponse:
        """Give it up if nobody has begun; a call that is under way ends, and its answer is kept."""
        batch = await self._own(http, who)
        move = Move(before=(State.VALIDATING, State.IN_PROGRESS), state=State.CANCELLING, at=self._now())
        moved = await asyncio.to_thread(self._store.move, batch.id, move)
        batch = await self._own(http, who)
        if not moved and batch.state not in {State.CANCELLING, State.CANCELLED}:
            raise BadRequest(f"A request that is {STATUS[batch.state]} cannot be cancelled.")
        return answer(_told(batch, await asyncio.to_thread(self._result, batch)))

    async def _own(self, http: web.Request, who: Principal) -> Batch:
        name = http.match_info["id"]
        batch = await asyncio.to_thread(self._store.batch, name) if name.startswith(PREFIX) else None
        if batch is None or batch.principal.key != who.key or batch.created + KEPT <= self._now():
            raise UnknownObject(f"There is no background request {name[:80]!r}.", param="id")
        return batch

    def _result(self, batch: Batch) -> Mapping[str, Any] | None:
        """Read what became of it from the file that was written at its end; blocks."""
        file_id = batch.output_file or batch.error_file
        file = self._store.file(file_id) if file_id is not None else None
        if file is None:
            return None
        written: Mapping[str, Any] = orjson.loads(self._shelf.read(file.id, 0, file.size))
        return written

    def _now(self) -> int:
        return int(self._clock.now().timestamp())


def _told(batch: Batch, written: Mapping[str, Any] | None = None) -> dict[str, object]:
    """Write how it stands; `written` is its line of the output or error file."""
    response: Mapping[str, Any] = (written or {}).get("response") or {}
    good = response.get("status_code") == 200
    status = STATUS[batch.state]
    if good or status == "completed":
        status = "completed" if good else "failed"
    return {
        "id": batch.id,
        "object": "farthing.background",
        "status": status,
        "endpoint": batch.endpoint,
        "created_at": batch.created,
        "expires_at": batch.created + KEPT,
        "status_code": response.get("status_code"),
        "response": response.get("body") if good else None,
        "error": None if good else _error(batch, written),
        "farthing": {"cost_usd": usd_text(batch.counts.spent)},
    }


def _error(batch: Batch, written: Mapping[str, Any] | None) -> object:
    """Say why there is no answer, as the request would have been told by itself."""
    if written is not None:
        return written["error"] or written["response"]["body"]["error"]
    problem = batch.problems[0] if batch.problems else None
    return {"code": problem.code, "message": problem.message} if problem else None
