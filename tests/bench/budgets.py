"""`python -m tests.bench.budgets`: what ten limits cost a request, reserved and settled, in us of CPU.

Fifty budgets are in force, nine apply to the request, one of them with two limits.
"""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import click
import uvloop

from policies.budgets.counters import Counters
from policies.budgets.keeper import Keeper
from policies.budgets.leases import LeasedCounters
from policies.budgets.memory import MemoryCounters
from policies.budgets.redis import RedisCounters
from policies.budgets.rules import Ruleset
from router.budget import Budget, BudgetScope, Per
from router.clock import SystemClock
from router.types import DOLLAR, Limits, Principal
from tests.bench.timing import awaited
from tests.support.budgets import attempt
from tests.support.redis_server import started
from tests.support.world import features, model, request

AMPLE = 100_000 * DOLLAR
APPLY = (
    *(
        Budget(name=f"{scope} {per}", scope=scope, per=per, usd=AMPLE)
        for scope, per in (
            (BudgetScope.ALL, Per.MONTH),
            (BudgetScope.ALL, Per.DAY),
            (BudgetScope.TEAM, Per.DAY),
            (BudgetScope.USER, Per.DAY),
            (BudgetScope.TAG, Per.WEEK),
            (BudgetScope.RUN, Per.TOTAL),
            (BudgetScope.SESSION, Per.TOTAL),
            (BudgetScope.PROVIDER, Per.MONTH),
        )
    ),
    Budget(name="pace", scope=BudgetScope.KEY, per=Per.MINUTE, requests=10**9, tokens=10**13),
)
OTHERS = tuple(
    Budget(name=f"other {n}", scope=BudgetScope.TEAM, per=Per.DAY, usd=1, match=frozenset({f"other {n}"}))
    for n in range(41)
)
CALL = replace(
    request(limits=Limits(output_tokens=200)),
    principal=Principal(key="k", team="t", user="u", tags=("a",), run="r", session="s"),
)
MODEL, TOLD, DONE = model("a", provider="p"), features({"a": 0.5}), attempt(cost=1000)


async def one(keeper: Keeper) -> None:
    purse = keeper.open(CALL)
    settle = await purse.reserve(CALL, TOLD, MODEL)
    settle(DONE)
    await purse.booked()


async def measured(counters: Counters, calls: int, at_once: int) -> float:
    """The best of some rounds, for each request."""
    keeper = Keeper(Ruleset([*APPLY, *OTHERS]), counters, clock=SystemClock())
    best = await awaited(partial(one, keeper), calls, at_once)
    await counters.close()
    return best


async def everything(calls: int) -> None:
    clock = SystemClock()
    with tempfile.TemporaryDirectory() as folder:
        server = started(Path(folder))
        rows: list[tuple[str, Callable[[], Counters], int]] = [
            ("memory", lambda: MemoryCounters(clock), 1),
            ("leases", lambda: LeasedCounters(Path(folder) / "budgets", clock), 1),
            *(
                ("redis", lambda: RedisCounters(server.url, prefix="b", expires=900, clock=clock), at_once)
                for at_once in (1, 32)
            ),
        ]
        for name, made, at_once in rows:
            cost = await measured(made(), calls, at_once)
            click.echo(f"{name:8} {at_once:3} at once  {cost:6.1f} us")
        server.stop()


@click.command()
@click.option("--calls", default=320, show_default=True, help="Requests a round.")
def main(calls: int) -> None:
    """Measure ten limits on every kind of counters."""
    uvloop.run(everything(calls))


if __name__ == "__main__":
    main()
