"""A provider with a bill of its own, that behaves as badly as providers do; what it bills, it remembers.

The last message of a request says `case N`; N and the model decide what happens: a run can be repeated.
The bill is worked out here, in plain integers, by nothing of Farthing's.
"""

import asyncio
import json
import random
import re
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Self

from aiohttp import web

CASE = re.compile(r"case (\d+)")

INPUT, CACHED, OUTPUT = 400_000, 40_000, 1_600_000
"""Picodollars a token of an ordinary prompt, and ten times as much for a dear model."""

LONG, LONG_INPUT = 1000, 800_000
"""A prompt of more tokens than this costs so much each, unless it is cached."""

FEE = 1_000_000
"""Picodollars a call, beside the tokens."""

DEAR = 10

FATES: Mapping[str, float] = MappingProxyType(
    {
        "honest": 30,
        "cached": 12,
        "anthropic": 4,
        "beside": 4,  # reasoning beside the completion, as Grok counts it
        "reported": 8,
        "double": 5,
        "shrinking": 2,
        "silent": 6,
        "negative": 2,
        "huge": 2,
        "nan": 2,
        "impossible": 2,
        "text": 2,
        "500": 4,
        "429": 2,
        "refusal": 4,  # fails a check: another model is asked, and both are billed
        "reset": 4,
        "cut": 4,
        "error": 3,
        "mute": 2,  # breaks off before the first byte, and bills the prompt all the same
    }
)
"""What happens to a request, and how often in a hundred or so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What a call really used."""

    input: int
    output: int
    cached: int = 0
    reasoning: int = 0


class Provider:
    """The server; `bill` has for each case what every call for it cost, in picodollars."""

    def __init__(self) -> None:
        self.bill: dict[int, list[int]] = defaultdict(list)
        self.fates: dict[str, int] = defaultdict(int)
        self.url = ""
        app = web.Application(client_max_size=1 << 26)
        app.router.add_post("/v1/chat/completions", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        self._calls = 0

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        model = body["model"]
        case = int(CASE.search(body["messages"][-1]["content"])[1])  # type: ignore[index]
        chance = random.Random(f"{case} {model}")
        (fate,) = chance.choices(list(FATES), weights=list(FATES.values()))
        self.fates[fate] += 1
        self._calls += 1
        answer = _Answer(f"gen-{self._calls}", fate, chance, body)
        if fate in {"500", "429"}:
            return web.json_response({"error": {"message": "no", "type": "x"}}, status=int(fate))
        # Billed from the start: the prompt is worked on whoever leaves, and the answer is written to its end.
        self.bill[case].append(answer.cost)
        if fate == "mute":
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        with suppress(ConnectionError):  # whoever has left is billed all the same
            return await (
                self._stream(request, answer) if body.get("stream") else self._whole(request, answer)
            )
        return web.Response()

    async def _whole(self, request: web.Request, answer: "_Answer") -> web.StreamResponse:
        await asyncio.sleep(answer.pause)
        text = json.dumps(answer.whole())  # may hold NaN, as Python's own does
        if answer.fate in {"reset", "cut", "error"}:
            text = text[: len(text) // 2] if answer.fate != "error" else '{"error": {"message": "died"}}'
        return web.Response(text=text, content_type="application/json")

    async def _stream(self, request: web.Request, answer: "_Answer") -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        pieces = answer.chunks()
        kept = (
            pieces if answer.fate not in {"reset", "cut", "error"} else pieces[: len(answer.words) // 2 + 1]
        )
        for position, piece in enumerate(kept):
            await response.write(b"data: " + json.dumps(piece).encode() + b"\n\n")
            if position == 1:
                await asyncio.sleep(answer.pause)
        if answer.fate == "reset":
            assert request.transport is not None
            request.transport.abort()
        elif answer.fate == "error":
            await response.write(b'data: {"error": {"message": "died", "code": 500}}\n\n')
        elif answer.fate != "cut":
            await response.write(b"data: [DONE]\n\n")
        return response


class _Answer:
    def __init__(self, name: str, fate: str, chance: random.Random, body: Mapping[str, Any]) -> None:
        self.name, self.fate, self.body = name, fate, body
        self.words = [f"word{chance.randrange(100)} " for _ in range(chance.randrange(4, 40))]
        if fate == "refusal":
            self.words = ["I'm sorry, ", "but I ", "can't help ", "with that."]
        prompt = len(json.dumps(body["messages"])) // 4
        thought = chance.randrange(1, 20) if fate == "beside" else 0
        self.tokens = Tokens(
            input=prompt,
            output=len(self.words) + thought,
            cached=prompt * chance.randrange(0, 9) // 10 if fate in {"cached", "anthropic"} else 0,
            reasoning=thought,
        )
        self.pause = chance.choice((0, 0, 0, 0.02))

    @property
    def cost(self) -> int:
        tokens, times = self.tokens, DEAR if self.body["model"] == "dear" else 1
        price = LONG_INPUT if tokens.input > LONG else INPUT
        fresh = tokens.input - tokens.cached
        return FEE + times * (fresh * price + tokens.cached * CACHED + tokens.output * OUTPUT)

    def whole(self) -> dict[str, Any]:
        message = {"role": "assistant", "content": "".join(self.words)}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        reports = self.reports()
        told = {"usage": reports[-1]} if reports else {}
        return {"id": self.name, "model": self.body["model"], "choices": [choice], **told}

    def chunks(self) -> list[dict[str, Any]]:
        envelope = {"id": self.name, "model": self.body["model"]}
        ends = [None] * len(self.words)
        said = [
            {**envelope, "choices": [{"index": 0, "delta": {"content": word}, "finish_reason": end}]}
            for word, end in zip(self.words, ends, strict=True)
        ]
        last = {**envelope, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
        assert self.body["stream_options"]["include_usage"] is True, "usage is always asked for"
        return [*said, last, *({**envelope, "choices": [], "usage": usage} for usage in self.reports())]

    def reports(self) -> list[dict[str, Any]]:
        """The usage as it is told: once, twice, wrongly or not at all."""
        used = self.tokens
        told: dict[str, Any] = {
            "prompt_tokens": used.input,
            "completion_tokens": used.output,
            "total_tokens": used.input + used.output,
            "prompt_tokens_details": {"cached_tokens": used.cached},
        }
        fresh = {"input_tokens": used.input - used.cached, "cache_read_input_tokens": used.cached}
        thought = {"completion_tokens_details": {"reasoning_tokens": used.reasoning}}
        nothing = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
        shapes: dict[str, list[dict[str, Any]]] = {
            "silent": [],
            "double": [told, told],
            "shrinking": [told, told | nothing],
            "anthropic": [{**fresh, "output_tokens": used.output}],
            "beside": [told | {"completion_tokens": used.output - used.reasoning} | thought],
            "reported": [told | {"prompt_tokens": used.input + 3, "cost": f"{self.cost / 10**12:.12f}"}],
        }
        return shapes.get(self.fate, [told | WRONG.get(self.fate, {})])


WRONG: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "negative": {"prompt_tokens": -5},
        "huge": {"prompt_tokens": 10**7, "completion_tokens": 10**7},
        "nan": {"completion_tokens": float("nan")},
        "impossible": {"prompt_tokens_details": {"cached_tokens": 10**6}},
        "text": {"completion_tokens": "many"},
    }
)
