"""Recorded answers of real models through the real server: the ledger's sums are right to the picodollar.

The upstream keeps its own bill, from the decimals of the price list and the tokens it reported;
nothing of Farthing's arithmetic is in it.
"""

import asyncio
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import duckdb
import orjson
import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from tests.support.server import running

DATA = Path(__file__).parents[3] / "shared" / "data"

PRICES = {  # USD per million tokens, as the lists of 2025 had them
    "mistral-7b-instruct-v0.1": (Decimal("0.11"), Decimal("0.19")),
    "mixtral-8x7b-instruct-v0.1": (Decimal("0.54"), Decimal("0.541")),
    "llama-3.1-70b-instruct": (Decimal("0.88"), Decimal("0.880003")),
}

PROMPTS = 400

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not DATA.exists(), reason="the recorded answers (../shared/data) are not here"),
]


def recorded():
    """Prompts of the validation split that all three models answered: text -> model -> answer and tokens."""
    rows = duckdb.sql(
        f"""
        SELECT p.prompt_text, r.model, r.response_text, coalesce(o.tokens_in, 50), coalesce(o.tokens_out, 20)
        FROM '{DATA}/responses.parquet' r
        JOIN '{DATA}/prompts.parquet' p USING (prompt_id)
        JOIN '{DATA}/outcomes.parquet' o
          ON (o.prompt_id, o.model, o.source) = (r.prompt_id, r.model, r.source)
        WHERE p.split = 'validation' AND r.model IN {tuple(PRICES)}
        ORDER BY p.prompt_id, r.model, r.source
        """
    ).fetchall()
    answers = defaultdict(dict)
    for prompt, model, text, tokens_in, tokens_out in rows:
        answers[prompt].setdefault(model, (text, int(tokens_in), int(tokens_out)))
    whole = {prompt: models for prompt, models in answers.items() if len(models) == len(PRICES)}
    return dict(list(whole.items())[:PROMPTS])


class RecordedModels:
    """An upstream that says what the models said, and keeps a bill."""

    def __init__(self, answers):
        self.answers, self.bill, self.calls = answers, Decimal(0), 0

    async def complete(self, http):
        body = orjson.loads(await http.read())
        model = body["model"]
        text, tokens_in, tokens_out = self.answers[body["messages"][-1]["content"]][model]
        price_in, price_out = PRICES[model]
        self.bill += (price_in * tokens_in + price_out * tokens_out) / 1_000_000
        self.calls += 1
        usage = {
            "prompt_tokens": tokens_in,
            "completion_tokens": tokens_out,
            "total_tokens": tokens_in + tokens_out,
        }
        if not body.get("stream"):
            choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
            return web.json_response({"id": "x", "model": model, "choices": [choice], "usage": usage})
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(http)
        for piece in [text[i : i + 40] for i in range(0, len(text), 40)]:
            await _event(
                response, model, choices=[{"index": 0, "delta": {"content": piece}, "finish_reason": None}]
            )
        await _event(response, model, choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}])
        await _event(response, model, choices=[], usage=usage)
        await response.write(b"data: [DONE]\n\n")
        return response


async def _event(response, model, **fields):
    await response.write(b"data: " + orjson.dumps({"id": "x", "model": model, **fields}) + b"\n\n")


def config(port):
    rows = "\n".join(
        f"  - {{name: {name}, upstream: recorded, context_window: 32768, "
        f"price: {{input: {price_in}, output: {price_out}}}}}"
        for name, (price_in, price_out) in PRICES.items()
    )
    return (
        f"upstreams:\n  recorded: {{kind: openai, base_url: 'http://127.0.0.1:{port}/v1'}}\nmodels:\n{rows}\n"
        "policies:\n  default: {quality: 0.9}\n"
    )


async def ask(session, url, prompt, limit, *, stream):
    body = {"model": "auto", "stream": stream, "messages": [{"role": "user", "content": prompt}]}
    async with limit, session.post(f"{url}/chat/completions", json=body) as response:
        data = await response.read()
        assert response.status == 200, data
        if not stream:
            return Decimal(response.headers["x-farthing-cost-usd"])
        last = data.decode().split("\n\n")[-3]
        return Decimal(orjson.loads(last.removeprefix("data: "))["farthing"]["cost_usd"])


async def test_the_ledgers_sum_is_the_upstreams_bill_to_the_picodollar(tmp_path):
    upstream = RecordedModels(recorded())
    app = web.Application()
    app.router.add_post("/v1/chat/completions", upstream.complete)
    limit = asyncio.Semaphore(16)
    async with TestServer(app) as fake, ClientSession() as session:
        with running(config(fake.port), tmp_path) as server:
            costs = await asyncio.gather(
                *(
                    ask(session, server.url, p, limit, stream=n % 2 == 0)
                    for n, p in enumerate(upstream.answers)
                )
            )
            ledger = server.data / "ledger.duckdb"
    with duckdb.connect(str(ledger), read_only=True) as connection:
        rows, picodollars, requests = connection.execute(
            "SELECT count(*), sum(cost), count(DISTINCT request_id) FROM ledger"
        ).fetchone()
    assert len(costs) == len(upstream.answers) == requests
    assert rows == upstream.calls
    assert int(picodollars) == upstream.bill * 10**12 == sum(costs) * 10**12
