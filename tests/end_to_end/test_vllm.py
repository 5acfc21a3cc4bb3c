"""A real vLLM that Farthing starts, keeps, fills and stops.

The tests share one engine, which the last one ends.
"""

import json
import os
import random
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from openai import OpenAI

from batch.engine import EngineState
from router.ledger.store import Ledger, reading
from tests.support.vllm_engine import RealEngine, real_engine

pytestmark = pytest.mark.service

BLOCKS = 320
"""Of 32 tokens: less than all prefixes of the test below need, so that order decides what is still there."""


WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight")


@pytest.fixture(scope="module")
def engine(tmp_path_factory) -> Iterator[RealEngine]:
    with real_engine(tmp_path_factory.mktemp("vllm"), flags=(f"--num-gpu-blocks-override={BLOCKS}",)) as one:
        yield one


def body(user: str, system: str = "", *, tokens: int = 16) -> dict[str, Any]:
    said = [{"role": "system", "content": system}] if system else []
    return {
        "model": "tiny",
        "max_tokens": tokens,
        "ignore_eos": True,
        "messages": [*said, {"role": "user", "content": user}],
    }


def submitted(client: OpenAI, bodies: list[dict[str, Any]]) -> str:
    lines = (
        json.dumps({"custom_id": f"q{n}", "method": "POST", "url": "/v1/chat/completions", "body": one})
        for n, one in enumerate(bodies)
    )
    file = client.files.create(file=("in.jsonl", "\n".join(lines).encode()), purpose="batch")
    return client.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
    ).id


def ended(client: OpenAI, batch_id: str, *, within: float = 150) -> Any:
    end = time.monotonic() + within
    while (batch := client.batches.retrieve(batch_id)).status != "completed":
        assert time.monotonic() < end, batch
        time.sleep(0.2)
    return batch


def answers(client: OpenAI, batch: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in client.files.content(batch.output_file_id).text.splitlines()]


def booked(data: Path, what: str, where: str, *values: Any, rows: int = 1) -> tuple[Any, ...]:
    """Ask the ledger, once `rows` rows that `where` names have been drained into it."""
    end = time.monotonic() + 30
    while True:
        with reading(Ledger(data)) as ledger:
            count, *found = ledger.execute(
                f"SELECT count(*), {what} FROM ledger WHERE {where}",
                list(values),
            ).fetchone()
        if count >= rows:
            return tuple(found)
        assert time.monotonic() < end, f"{count} rows of {rows}"
        time.sleep(0.2)


def variables(process: int) -> dict[str, str]:
    pairs = Path(f"/proc/{process}/environ").read_text().split("\0")
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)


def family(process: int) -> list[int]:
    """The living processes of the group the engine leads: its API server, core and workers."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == process and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def test_it_is_started_healthy_logged_and_tells_nobody(engine):
    health = requests.get(f"{engine.url}/health", timeout=5)
    said = variables(engine.process)

    assert health.status_code == 200
    assert "vLLM" in engine.files.log.read_text() or "vllm" in engine.files.log.read_text()
    assert (said["VLLM_NO_USAGE_STATS"], said["DO_NOT_TRACK"]) == ("1", "1")
    # Where vLLM counts uses, it writes down here what it sends.
    assert not list(Path(said["VLLM_CONFIG_ROOT"]).glob("**/usage_stats.json"))


def test_a_chat_is_answered_and_what_the_engine_counted_is_booked(engine):
    before = engine.metric("vllm:prompt_tokens_total"), engine.metric("vllm:generation_tokens_total")

    answer = engine.client.chat.completions.create(
        **{k: v for k, v in body("what is the sum of one and two").items() if k != "ignore_eos"},
        extra_body={"ignore_eos": True},
        extra_headers={"x-farthing-user": "chat"},
    )

    counted = engine.metric("vllm:prompt_tokens_total"), engine.metric("vllm:generation_tokens_total")
    usage = (answer.usage.prompt_tokens, answer.usage.completion_tokens)
    row = booked(
        engine.server.data,
        "any_value(input_tokens), any_value(output_tokens), any_value(usage_grade), any_value(cost)",
        "\"user\" = 'chat'",
    )
    assert answer.model == "tiny"
    assert usage == tuple(int(after - b) for after, b in zip(counted, before, strict=True))
    assert row[:3] == (*usage, "reported")
    assert row[3] == usage[0] * 10_000 + usage[1] * 20_000, "0.01 and 0.02 dollars a million tokens"


def test_streams_and_log_probabilities_come_through(engine):
    stream = engine.client.chat.completions.create(
        model="tiny",
        messages=[{"role": "user", "content": "what is"}],
        max_tokens=8,
        stream=True,
        logprobs=True,
        top_logprobs=2,
        stream_options={"include_usage": True},
        extra_body={"ignore_eos": True},
    )
    chunks = list(stream)
    tokens = [t for c in chunks if c.choices and c.choices[0].logprobs for t in c.choices[0].logprobs.content]

    assert sum(bool(c.choices and c.choices[0].delta.content) for c in chunks) > 1
    assert len(tokens) == 8
    assert all(token.logprob <= 0 and len(token.top_logprobs) == 2 for token in tokens)
    assert chunks[-1].usage.completion_tokens == 8


def test_texts_are_continued_as_they_stand_from_words_or_from_numbers(engine):
    before = engine.metric("vllm:prompt_tokens_total"), engine.metric("vllm:generation_tokens_total")
    ask = engine.client.completions.create
    options = {"max_tokens": 6, "extra_body": {"ignore_eos": True}, "temperature": 0}

    words = ask(model="auto", prompt="what is the sum", echo=True, logprobs=1, **options)
    stream = list(ask(model="tiny", prompt="what is the sum", stream=True, **options))
    numbers = ask(
        model="tiny", prompt=[[5, 6, 7, 8], [9, 10]], extra_headers={"x-farthing-user": "ids"}, **options
    )

    assert words.choices[0].text.startswith("what is the sum"), "no chat template is put around it"
    said = words.choices[0].text.removeprefix("what is the sum")
    assert "".join(chunk.choices[0].text for chunk in stream if chunk.choices) == said
    assert len(words.choices[0].logprobs.tokens) == words.usage.prompt_tokens + 6
    assert [choice.index for choice in numbers.choices] == [0, 1]
    assert (numbers.usage.prompt_tokens, numbers.usage.completion_tokens) == (6, 12)
    counted = engine.metric("vllm:prompt_tokens_total"), engine.metric("vllm:generation_tokens_total")
    assert (counted[0] - before[0], counted[1] - before[1]) == (2 * words.usage.prompt_tokens + 6, 24)
    what = "any_value(cost), any_value(usage_grade), any_value(endpoint)"
    assert booked(engine.server.data, what, "\"user\" = 'ids'") == (
        6 * 10_000 + 12 * 20_000,
        "reported",
        "completions",
    )


def test_what_the_prefix_cache_saves_is_booked_at_its_own_price(engine):
    engine.forget_prefixes()
    long = "a farthing is a quarter of a penny " * 30
    for user in ("cold", "warm"):
        engine.client.chat.completions.create(
            model="tiny",
            messages=[{"role": "user", "content": long}],
            max_tokens=4,
            extra_headers={"x-farthing-user": user},
        )

    what = "any_value(cached_tokens), any_value(cost)"
    cold, warm = (booked(engine.server.data, what, '"user" = ?', user) for user in ("cold", "warm"))

    assert (cold[0] or 0) == 0
    assert warm[0] >= 128
    assert warm[1] < cold[1]


def test_a_batch_is_answered_and_booked_as_the_engine_counts(engine):
    client = engine.client
    before = engine.load().ended
    tokens = engine.metric("vllm:generation_tokens_total")

    batch = ended(
        client, submitted(client, [body(f"What is {n} + {n}?", tokens=8 + n % 8) for n in range(200)])
    )

    lines = answers(client, batch)
    where = "batch = ? AND purpose = 'answer'"
    output, cost = booked(engine.server.data, "sum(output_tokens), sum(cost)", where, batch.id, rows=200)
    assert [line["custom_id"] for line in lines] == [f"q{n}" for n in range(200)]
    assert engine.load().ended - before == 200
    assert output == engine.metric("vllm:generation_tokens_total") - tokens
    assert cost == sum(
        round(float(line["response"]["body"]["farthing"]["cost_usd"]) * 1e12) for line in lines
    )


def test_lines_that_begin_alike_hit_the_prefix_cache_more_than_in_the_order_of_the_file(engine):
    shuffled = random.Random(7)
    prefixes = [" ".join(shuffled.choices(WORDS, k=250)) for _ in range(80)]
    bodies = [body(f"What is {n}?", prefix, tokens=4) for prefix in prefixes for n in range(5)]
    shuffled.shuffle(bodies)

    def hits(work) -> float:
        engine.forget_prefixes()
        before = engine.load()
        work()
        after = engine.load()
        return (after.prefix_hits - before.prefix_hits) / (after.prefix_queries - before.prefix_queries)

    def one(sent: dict[str, Any]) -> None:
        requests.post(f"{engine.url}/v1/chat/completions", json=sent, timeout=60).raise_for_status()

    def in_file_order() -> None:
        with ThreadPoolExecutor(16) as threads:
            list(threads.map(one, bodies))

    file_order = hits(in_file_order)
    ours = hits(lambda: ended(engine.client, submitted(engine.client, bodies)))

    assert ours > file_order + 0.2


def test_a_killed_engine_is_started_again_and_its_batch_completes(engine):
    client, killed = engine.client, engine.process
    batch_id = submitted(client, [body(f"Tell {n}.", tokens=64) for n in range(400)])
    while client.batches.retrieve(batch_id).request_counts.completed < 40:
        time.sleep(0.05)

    os.kill(killed, signal.SIGKILL)
    batch = ended(client, batch_id)

    engine.reached(EngineState.READY)
    assert engine.process != killed
    assert (batch.request_counts.completed, batch.request_counts.failed) == (400, 0)
    assert [line["custom_id"] for line in answers(client, batch)] == [f"q{n}" for n in range(400)]
    assert not family(killed), "a killed engine's core and workers end too"
    assert "it is tried again in 2 s" in engine.server.log


def test_stopping_the_server_leaves_no_process_of_the_engine(engine):
    group = engine.process
    assert len(family(group)) >= 2

    engine.server.stop(within=40)

    assert family(group) == []
    assert engine.files.state() is EngineState.STOPPED
