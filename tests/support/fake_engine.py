"""A stand-in for an engine, or a provider, that writes down every call it sees before it answers.

`python -m tests.support.fake_engine serve MODEL --port P --journal FILE` answers as `vllm serve` would.
What it has written outlives it: a test that kills it, and whoever asks it, can compare the books.
"""

import asyncio
import json
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from aiohttp import web

LINE = re.compile(r"line (\d+)")


@dataclass(frozen=True, slots=True)
class Seen:
    """One call that arrived: the id its answer has, or would have had, whose line it was, what it used."""

    id: str
    model: str
    line: int
    input: int
    output: int


def seen(journal: Path) -> Iterator[Seen]:
    """Read what was written down so far."""
    if journal.exists():
        for row in journal.read_text().splitlines():
            yield Seen(**json.loads(row))


class FakeEngine:
    """Answers after `delay` seconds; the model `hollow` says nothing to every fifth line, so it climbs."""

    def __init__(self, journal: Path, *, hollow: str, delay: float) -> None:
        self._journal = os.open(journal, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        self._hollow, self._delay = hollow, delay
        self._running = self._ended = 0

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._answer)
        app.router.add_get("/health", self._health)
        app.router.add_get("/metrics", self._metrics)
        return app

    async def _answer(self, http: web.Request) -> web.Response:
        body: dict[str, Any] = await http.json()
        found = LINE.search(body["messages"][-1]["content"])
        number = int(found[1]) if found else -1
        call = {
            "id": f"chatcmpl-{secrets.token_hex(8)}",
            "model": body["model"],
            "line": number,
            "input": 20 + number % 7,
            "output": 3 + number % 5,
        }
        os.write(self._journal, json.dumps(call).encode() + b"\n")
        self._running += 1
        try:
            await asyncio.sleep(self._delay)
        finally:
            self._running -= 1
            self._ended += 1
        text = "" if body["model"] == self._hollow and number % 5 == 0 else f"It is {2 * number}."
        return web.json_response(
            {
                "id": call["id"],
                "object": "chat.completion",
                "created": 1_790_000_000,
                "model": body["model"],
                "choices": [
                    {
                        "index": 0,
                        "finish_reason": "stop",
                        "message": {"role": "assistant", "content": text},
                    }
                ],
                "usage": {
                    "prompt_tokens": call["input"],
                    "completion_tokens": call["output"],
                    "total_tokens": call["input"] + call["output"],
                },
            }
        )

    async def _health(self, _http: web.Request) -> web.Response:
        return web.Response()

    async def _metrics(self, _http: web.Request) -> web.Response:
        told = {"num_requests_running": self._running, "num_requests_waiting": 0}
        told |= {"kv_cache_usage_perc": 0, "request_success_total": self._ended}
        return web.Response(text="".join(f"vllm:{name} {value}\n" for name, value in told.items()))


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("words", nargs=-1)
@click.option("--host", default="127.0.0.1")
@click.option("--port", type=int, required=True)
@click.option("--served-model-name", multiple=True)
@click.option("--journal", type=click.Path(path_type=Path), required=True)
@click.option("--delay", type=float, default=0.03)
def main(
    words: tuple[str, ...],
    host: str,
    port: int,
    served_model_name: tuple[str, ...],
    journal: Path,
    delay: float,
) -> None:
    """Serve until stopped; what else vLLM would be told (`words`) makes no difference."""
    engine = FakeEngine(journal, hollow="small", delay=delay)
    web.run_app(engine.app(), host=host, port=port, print=None, access_log=None, handler_cancellation=True)


if __name__ == "__main__":
    main()
