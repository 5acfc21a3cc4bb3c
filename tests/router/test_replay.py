"""What was decided is decided again, from the ledger alone."""

from collections import Counter
from dataclasses import replace

import orjson
import pytest

from policies.replay import READ, Replayed, decided_again, same
from router.app import Household, gather
from router.clock import SystemClock
from router.config import parse
from router.dialects import DIALECTS
from router.ledger.decisions import requests
from router.ledger.drain import drain
from router.ledger.spool import Spool
from router.ledger.store import Ledger, reading
from router.types import Principal
from tests.router.recorded import CONFIG, record
from tests.support.world import Book


@pytest.fixture(scope="module")
def parts():
    return gather(None, SystemClock())


def written(rows, folder):
    """Put rows through spool and drainer, as a server would."""
    ledger = Ledger(folder)
    spool = Spool(ledger.spool, "w")
    spool.write(rows)
    spool.close()
    drain(ledger)
    return ledger


def replayed(parts, ledger, config=CONFIG):
    """Decide every recorded request again, and count what came out."""
    told = Replayed()
    house = Household(parse(config, environ={}), replace(parts, moment=told, draw=told.draw, sinks=[]))
    counts = Counter()
    with reading(ledger) as connection:
        for rows in requests(connection, READ):
            if rows[0]["arm"] == "control":
                counts["drawn"] += 1
                continue
            for row, decision, _ in decided_again(house.policy(rows[0]["asked"]), rows, told):
                counts["same" if same(row, decision) else "other"] += 1
                if not same(row, decision):
                    counts[
                        f"{row['request_id']} {row['policy']} {row['model']} {row['reason']} != {decision}"
                    ] += 1
    return counts


async def repeats(parts, folder, count):
    # Meters of its own, as the server's are that recorded: who decides again later has seen nothing of it.
    rows = await record(gather(None, SystemClock()), count)
    ledger = written(rows, folder)
    counts = replayed(parts, ledger)
    decisions = sum(row.purpose == "answer" for row in rows)
    drawn = len({row.request_id for row in rows if row.arm == "control"})
    assert counts["drawn"] == drawn
    assert counts["same"] + sum(row.arm == "control" for row in rows) == decisions, counts.most_common(5)
    return rows, ledger


async def test_every_decision_of_a_run_is_made_again_from_the_ledger(parts, tmp_path):
    rows, _ = await repeats(parts, tmp_path, 400)
    assert len({row.policy for row in rows}) >= 9
    assert any(row.attempt > 1 for row in rows)
    assert any(row.moment for row in rows), "some decision looked at what rests or how fast models are"


@pytest.mark.e2e
async def test_ten_thousand_requests_are_decided_again_without_a_difference(parts, tmp_path):
    await repeats(parts, tmp_path, 10_000)


async def test_another_policy_decides_otherwise(parts, tmp_path):
    ledger = written(await record(parts, 60), tmp_path)
    other = CONFIG.replace("  default: {}", "  default: {models: [huge]}")
    assert replayed(parts, ledger, other)["other"] > 5


OTHERS = """
upstreams: {sim: {kind: simulated, first_token_ms: 0}}
models:
  - {name: chatty, upstream: sim, price: {input: 1, output: 1}}
  - {name: writer, upstream: sim, price: {input: 2, output: 2}, serves: [completions]}
  - {name: vectors, upstream: sim, price: {input: 1, output: 0}, serves: [embeddings], context_window: 100}
"""


async def test_texts_and_vectors_are_decided_again_too(parts, tmp_path):
    book = Book()
    house = Household(parse(OTHERS, environ={}), replace(parts, sinks=[book]))
    long = {"input": ["a word or two " * 20] * 30}
    for name, body in (("completions", {"prompt": ["Once", "Then"]}), ("embeddings", long)):
        raw = orjson.dumps({"model": "auto", **body})
        request = DIALECTS[name].parse(raw, request_id=name, principal=Principal())
        await house.pipeline.run(request, house.policy("auto"))
    ledger = written(book.rows, tmp_path)

    assert [(row.model, row.endpoint) for row in book.rows] == [
        ("writer", "completions"),
        ("vectors", "embeddings"),
    ]
    assert replayed(parts, ledger, OTHERS) == {"same": 2}
    two = OTHERS + "  - {name: more, upstream: sim, price: {input: 1, output: 0}, serves: [embeddings]}\n"
    assert replayed(parts, ledger, two)["other"] == 1, "of two models for vectors none is chosen"
