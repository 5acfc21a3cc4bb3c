"""A stand-in for `vllm serve` with a service curve, to see the scheduler alone: `double serve M --port N`.

All that run get a token a step, which takes longer the more they are; others wait, lower `priority` first.
"""

import asyncio
import heapq
import itertools
import sys
from pathlib import Path

import orjson
from aiohttp import web

SLOTS = 64
STEP, EACH = 0.004, 0.0001
"""Seconds a step takes, and what every call under way adds."""

SCRIPT = "#!{python}\nimport sys\nsys.path.insert(0, {root!r})\nfrom tests.bench.double import main\nmain()\n"
CHUNK = b'data: {"model":"tiny","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}\n\n'
LAST = (
    b'data: {"model":"tiny","choices":[{"index":0,"delta":{},"finish_reason":"length"}]}\n\ndata: [DONE]\n\n'
)


class Call:
    def __init__(self, tokens: int) -> None:
        self.left = tokens
        self.first, self.last = asyncio.Event(), asyncio.Event()


class Engine:
    def __init__(self) -> None:
        self.running: list[Call] = []
        self.waiting: list[tuple[int, int, Call]] = []
        self.ended, self._order, self._news = 0, itertools.count(), asyncio.Event()

    def take(self, tokens: int, priority: int) -> Call:
        call = Call(tokens)
        heapq.heappush(self.waiting, (priority, next(self._order), call))
        self._news.set()
        return call

    async def run(self, _: object) -> None:
        self._task = asyncio.ensure_future(self._steps())

    async def _steps(self) -> None:
        due = asyncio.get_running_loop().time()
        while True:
            while self.waiting and len(self.running) < SLOTS:
                self.running.append(heapq.heappop(self.waiting)[2])
            if not self.running:
                self._news.clear()
                await self._news.wait()
                due = asyncio.get_running_loop().time()
                continue
            due += STEP + EACH * len(self.running)
            await asyncio.sleep(due - asyncio.get_running_loop().time())
            for call in self.running:
                call.left -= 1
                call.first.set()
                if not call.left:
                    call.last.set()
                    self.ended += 1
            self.running = [call for call in self.running if call.left]

    async def chat(self, request: web.Request) -> web.StreamResponse:
        body = orjson.loads(await request.read())
        call = self.take(body["max_tokens"], body.get("priority", 0))
        if body.get("stream"):
            response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            await response.prepare(request)
            await call.first.wait()
            await response.write(CHUNK)
            await call.last.wait()
            await response.write(LAST)
            return response
        await call.last.wait()
        usage = {"prompt_tokens": 40, "completion_tokens": body["max_tokens"], "total_tokens": 0}
        message = {"role": "assistant", "content": "a" * body["max_tokens"]}
        choice = {"index": 0, "message": message, "finish_reason": "length"}
        return web.json_response({"id": "x", "model": "tiny", "choices": [choice], "usage": usage})

    async def metrics(self, _: web.Request) -> web.Response:
        return web.Response(
            text=f"vllm:num_requests_running {len(self.running)}\n"
            f"vllm:num_requests_waiting {len(self.waiting)}\n"
            f"vllm:kv_cache_usage_perc 0.1\nvllm:request_success_total {self.ended}\n"
        )

    async def health(self, _: web.Request) -> web.Response:
        return web.Response()


def main() -> None:
    engine, app = Engine(), web.Application()
    app.router.add_post("/v1/chat/completions", engine.chat)
    app.router.add_get("/metrics", engine.metrics)
    app.router.add_get("/health", engine.health)
    app.on_startup.append(engine.run)
    port = int(sys.argv[sys.argv.index("--port") + 1])
    web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None)


def written(folder: Path) -> Path:
    """Write the program where an installed vLLM would have its own; return the folder above."""
    program = folder / "v" / "bin" / "vllm"
    program.parent.mkdir(parents=True)
    program.write_text(SCRIPT.format(python=sys.executable, root=str(Path(__file__).parents[2])))
    program.chmod(0o700)
    return folder
