"""The ledger against a provider's bill, when everything goes wrong that can.

`pytest -n 0 -m e2e tests/end_to_end/test_bill.py --bill-requests 20000` is the whole of it.
"""

import asyncio
import random
import sys
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field

import aiohttp
import pytest

from tests.support.billing import Provider
from tests.support.ledger import rows
from tests.support.server import running

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

AT_ONCE = 48
KNOWN = {"computed", "reported"}

CONFIG = """
upstreams:
  provider: {{kind: openai, base_url: "{url}", provider: acme, timeouts: {{total: 20}}}}
models:
  - {{name: cheap, upstream: provider, max_output: 100, context_window: 20000, price: {cheap}}}
  - {{name: dear, upstream: provider, max_output: 100, context_window: 20000, price: {dear}}}
policies:
  default: {{strategy: cascade, models: [cheap, dear]}}
"""
PRICE = (
    "{{input: {0}, cached_input: {1}, output: {2}, request: 0.000001, "
    "overrides: [{{above: 1000, input: {3}}}]}}"
)


@dataclass
class Told:
    """What the callers saw."""

    statuses: Counter = field(default_factory=Counter)
    left: int = 0


async def call(session, url, case, told, chance):
    """Ask one question, plain or streamed; one caller in ten leaves before the end."""
    text = f"case {case}" if case % 7 else f"{'context ' * 600} case {case}"
    stream, leaves = case % 2 == 0, chance.random() < 0.1
    body = {"model": "auto", "stream": stream, "messages": [{"role": "user", "content": text}]}
    try:
        async with asyncio.timeout(chance.uniform(0.001, 0.03) if leaves else 60):
            async with session.post(
                f"{url}/chat/completions", json=body, headers={"x-request-id": f"case-{case}"}
            ) as answer:
                told.statuses[answer.status] += 1
                await answer.read()
    except (TimeoutError, aiohttp.ClientError):
        told.left += leaves


async def call_all(count, server, told):
    gate, chance = asyncio.Semaphore(AT_ONCE), random.Random(20261124)

    async def one(case):
        async with gate:
            await call(session, server.url, case, told, chance)

    connector = aiohttp.TCPConnector(limit=AT_ONCE)
    async with aiohttp.ClientSession(connector=connector) as session:
        await asyncio.gather(*(one(case) for case in range(count)))


def by_case(ledger):
    found = defaultdict(list)
    for row in ledger:
        found[int(row["request_id"].partition("case-")[2].partition("~")[0].split(".")[0])].append(row)
    return found


def told_of(row):
    names = ("model", "status", "error", "cost", "cost_bound", "cost_grade", "usage_flaw")
    return {name: row[name] for name in names}


async def test_the_ledger_is_the_bill_where_usage_is_known_and_bounds_it_elsewhere(tmp_path, pytestconfig):
    count, told = pytestconfig.getoption("--bill-requests"), Told()
    began = time.monotonic()
    async with Provider() as provider:
        config = CONFIG.format(
            url=provider.url,
            cheap=PRICE.format(0.4, 0.04, 1.6, 0.8),
            dear=PRICE.format(4, 0.4, 16, 8),
        )
        with running(config, tmp_path) as server:
            await call_all(count, server, told)
            assert await asyncio.to_thread(server.stop) == 0
        log = server.log
        ledger = by_case(rows(server.data))
    exact, bounded, unbounded, wrong = 0, 0, 0, []
    sums = Counter()
    for case in set(ledger) | set(provider.bill):
        booked, billed = ledger.get(case, []), sum(provider.bill.get(case, []))
        amount = sum(row["cost"] or 0 for row in booked)
        bounds = [row["cost_bound"] for row in booked]
        sums["billed"] += billed
        sums["booked"] += amount
        if all(row["cost_grade"] in KNOWN for row in booked):
            exact += 1
            sums["known, billed"] += billed
            sums["known, booked"] += amount
            if amount != billed:
                wrong.append((case, "exact", amount, billed, [told_of(row) for row in booked]))
        elif None in bounds:
            unbounded += 1
        else:
            bounded += 1
            sums["bound"] += sum(bounds)
            if not billed <= sum(bounds):
                wrong.append((case, "bound", sum(bounds), billed, [told_of(row) for row in booked]))
    grades = Counter(row["cost_grade"] for case in ledger.values() for row in case)
    sys.stdout.write(
        f"{count} requests in {time.monotonic() - began:.0f} s, {dict(told.statuses)}, {told.left} left\n"
        f"{sum(grades.values())} rows {dict(grades)}; cases: {exact} known, {bounded} bounded\n"
        f"{dict(sums)}\n{dict(provider.fates)}\n"
    )
    sys.stdout.write("".join(f"{each}\n" for each in wrong[:12]))
    assert wrong == []
    assert unbounded == 0
    assert sums["known, booked"] == sums["known, billed"] > 0
    assert exact > count / 2
    assert min(grades[grade] for grade in ("computed", "reported", "estimated")) > 0
    assert "Traceback" not in log
