"""An OpenAI-compatible upstream on loopback that says what it is told to, and remembers what it was asked.

In a test, `async with FakeUpstream() as fake:`; as a process, `python -m tests.support.fake_upstream`.
What a model does is scripted (`fake.script("m", Fault("rst"), Answer(text="Hello."))`), or said by its name:
`fault-rst`, `fault-stream-rst@60` (after 60 events), `fake-empty` and the other `FLAVOURS`.
Any other name gets a good answer, made from the request.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType, TracebackType
from typing import Any, Self, TypeAlias

import click
import orjson
from aiohttp import web

from tests.support.fake_answers import EXTRAS, MESSAGE_EXTRAS, Answer
from tests.support.fake_exchange import COMMITTED, Behaviour, Exchange, Received
from tests.support.fake_faults import ANSWERS
from tests.support.fake_streams import LONG, STREAMS

__all__ = ["FAULTS", "FLAVOURS", "Answer", "FakeUpstream", "Fault", "Received"]

FAULTS: Mapping[str, Behaviour] = MappingProxyType({**ANSWERS, **STREAMS})
"""Every fault by its name; those that begin with `stream-` want a request for a stream."""

FLAVOURS: Mapping[str, Answer] = MappingProxyType(
    {
        "empty": Answer(text=""),
        "refusal": Answer(text="I'm sorry, but I can't help with that."),
        "alias": Answer(served_model="another-model"),
        "extras": Answer(envelope=EXTRAS, message=MESSAGE_EXTRAS),
        "slow": Answer(delay=1.5),
        "paced": Answer(text=LONG.text, gap=0.05),
        "long": LONG,
        "usage-none": Answer(usage="none"),
        "usage-double": Answer(usage="double"),
        "usage-absurd": Answer(usage="absurd"),
    }
)
"""Answers that a model named `fake-<flavour>` gives."""


PATHS: Mapping[str, str] = MappingProxyType(
    {"/chat/completions": "messages", "/completions": "prompt", "/embeddings": "input"}
)
"""What is served where, the longest path first, by the field that each needs."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault by name, and how many events of a stream go out in order before it."""

    name: str
    after: int = 3


Script: TypeAlias = Answer | Fault


class FakeUpstream:
    """The server. `url` is its base URL with `/v1`; `requests` are all it got, in order."""

    def __init__(self, port: int = 0) -> None:
        self.port = port
        self.requests: list[Received] = []
        self._scripts: dict[str, deque[Script]] = defaultdict(deque)
        self._changed = asyncio.Condition()
        self._runner = web.AppRunner(
            self._app(), access_log=None, handler_cancellation=True, shutdown_timeout=0.2
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    def script(self, model: str, *scripts: Script) -> None:
        """Queue what `model` does next: each script serves one request, the last one all that follow."""
        self._scripts[model].extend(scripts)

    def clear(self) -> None:
        """Forget every request and every script."""
        self.requests.clear()
        self._scripts.clear()

    def of(self, model: str) -> list[Received]:
        """The requests for one model (by the name it has here), in order."""
        return [request for request in self.requests if request.model == model]

    async def wait(self, done: Callable[[], bool], *, within: float = 5) -> bool:
        """Wait until `done` holds, looked at whenever a request changes; tell whether it does."""
        async with self._changed:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait_for(done), within)
        return done()

    def _app(self) -> web.Application:
        app = web.Application(client_max_size=1 << 30)
        app.router.add_get("/_requests", self._tell)
        app.router.add_delete("/_requests", self._forget)
        app.router.add_post("/_script", self._learn)
        app.router.add_get("/v1/models", self._models)
        app.router.add_get("/health", self._health)
        app.router.add_post("/{path:.*}", self._serve)
        return app

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        received = Received(
            number=len(self.requests),
            method=request.method,
            path=request.path_qs,
            headers=dict(request.headers),
            raw=raw,
            body=_object(raw),
            opened=asyncio.get_running_loop().time(),
        )
        self.requests.append(received)
        await self._notify()
        try:
            response = await self._behave(request, received)
        except (asyncio.CancelledError, ConnectionError):
            received.state = "disconnected"
            raise
        else:
            received.state = "answered"
            return response
        finally:
            received.closed = asyncio.get_running_loop().time()
            await self._notify()

    async def _behave(self, request: web.Request, received: Received) -> web.StreamResponse:
        asked = next((field for path, field in PATHS.items() if received.path.endswith(path)), None)
        if asked is None:
            return web.json_response({"error": {"message": "No such path.", "type": "not_found"}}, status=404)
        others = {*PATHS.values()} - {asked}
        if not isinstance(received.body.get(asked), str | list) or others & {*received.body}:
            return web.json_response({"error": {"message": f"No {asked}.", "type": "bad"}}, status=400)
        followed = received.path.startswith("/elsewhere")  # a redirect: whoever follows it gets an answer
        script = Answer() if followed else self._next(received.model)
        if isinstance(script, Answer):
            return await Exchange(request=request, received=received, answer=script).reply()
        answer = LONG if script.after > COMMITTED else Answer()
        exchange = Exchange(request=request, received=received, answer=answer)
        return await FAULTS[script.name](exchange, script.after)

    def _next(self, model: str) -> Script:
        queue = self._scripts.get(model)
        if queue:
            return queue.popleft() if len(queue) > 1 else queue[0]
        return _named(model)

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _tell(self, request: web.Request) -> web.Response:
        """List requests; with `state`, wait up to `within` seconds until there is one in that state."""
        model, state = request.query.get("model"), request.query.get("state")

        def found() -> list[Received]:
            mine = [one for one in self.requests if model in {None, one.model}]
            return [one for one in mine if state in {None, one.state}]

        if state:
            await self.wait(lambda: bool(found()), within=float(request.query.get("within", 5)))
        return web.json_response([one.as_json() for one in found()])

    async def _forget(self, _request: web.Request) -> web.Response:
        self.clear()
        return web.json_response({})

    async def _learn(self, request: web.Request) -> web.Response:
        """Take scripts: `{"model": ..., "scripts": [{"fault": "rst", "after": 3}, {"text": "Hello."}]}`."""
        order = await request.json()
        self.script(order["model"], *(script_of(item) for item in order["scripts"]))
        return web.json_response({})

    async def _models(self, _request: web.Request) -> web.Response:
        names = ["fake", *(f"fake-{name}" for name in FLAVOURS), *(f"fault-{name}" for name in FAULTS)]
        rows = [{"id": name, "object": "model", "created": 1, "owned_by": "fake"} for name in names]
        return web.json_response({"object": "list", "data": rows})

    async def _health(self, _request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})


def script_of(item: Mapping[str, Any]) -> Script:
    """Read one script from JSON: a fault by its name, or the fields of an `Answer`."""
    if "fault" in item:
        return Fault(item["fault"], item.get("after", 3))
    known = asdict(Answer()).keys() & item.keys()
    calls = tuple((name, arguments) for name, arguments in item.get("tool_calls", ()))
    return replace(Answer(), **{name: item[name] for name in known} | {"tool_calls": calls})


def _named(model: str) -> Script:
    if model.startswith("fault-"):
        name, _, after = model.removeprefix("fault-").partition("@")
        return Fault(name, int(after or 3))
    return FLAVOURS.get(model.removeprefix("fake-"), Answer()) if model.startswith("fake-") else Answer()


def _object(raw: bytes) -> dict[str, Any]:
    with suppress(orjson.JSONDecodeError):
        body = orjson.loads(raw)
        return body if isinstance(body, dict) else {}
    return {}


async def serve(port: int) -> None:
    """Serve until the process is stopped."""
    async with FakeUpstream(port) as fake:
        click.echo(f"fake upstream: listening on http://127.0.0.1:{fake.port}")
        await asyncio.Event().wait()


@click.command()
@click.option("--port", type=int, default=0, help="0 takes a free one, which is printed.")
def main(port: int) -> None:
    """Run the fake upstream as a process."""
    with suppress(KeyboardInterrupt):
        asyncio.run(serve(port))


if __name__ == "__main__":
    main()
