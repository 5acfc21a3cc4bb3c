"""`python -m tests.bench.hot`: what policy and budgets together cost a request, in us of CPU.

Fifty policies are in force over two hundred models; fifty budgets, nine of which apply, one with two limits.
A request's way is gone as the pipeline goes it: which policy, its rules, its strategy's first step,
then money reserved, and settled.
The last column is the sum measured as one, not added up.
"""

import tempfile
from dataclasses import replace
from pathlib import Path

import click
import uvloop

from policies.budgets.counters import Counters
from policies.budgets.keeper import Keeper
from policies.budgets.memory import MemoryCounters
from policies.budgets.redis import RedisCounters
from policies.budgets.rules import Ruleset
from policies.budgets.wire import packed
from router.app import Household, gather
from router.clock import SystemClock
from router.config import parse
from router.types import Capability, Features, Limits, Model, Principal, Request
from tests.bench.budgets import APPLY, OTHERS
from tests.bench.timing import awaited, microseconds
from tests.support.budgets import attempt
from tests.support.redis_server import started
from tests.support.world import request

MODELS = 200
PING = packed("PING")


def configuration(among: int) -> str:
    """Fifty policies over two hundred models; a policy is for `among` of them."""
    models = "\n".join(
        f"  - {{name: m{i}, upstream: sim, price: {{input: {(i + 1) / 100}, output: {3 * (i + 1) / 100}}},"
        f" params_b: {1 + i}, context_window: {8192 * (1 + i % 16)}, open_weight: true,"
        f" capabilities: [{'tools' if i % 2 else 'json_object'}]}}"
        for i in range(MODELS)
    )
    chosen = f"models: {{where: {{open_weight: true, params_b: {{at_most: {among}}}}}}}"
    teams = "\n".join(
        f"  t{i}: {{when: {{team: t{i}, prompt_tokens: {{at_least: {i}}}}}, {chosen}}}" for i in range(30)
    )
    tags = "\n".join(f"  w{i}: {{when: {{tag: 'x{i}-*', tools: true}}, {chosen}}}" for i in range(19))
    head = "upstreams: {sim: {kind: simulated}}\nmodels:"
    return f"{head}\n{models}\npolicies:\n  default: {{}}\n{teams}\n{tags}\n"


class Way:
    """One request's way through policy and budgets."""

    def __init__(self, among: int, counters: Counters, asked: Request) -> None:
        clock = SystemClock()
        self.asked = asked
        # Nothing is sent, so there is no session to send it with.
        house = Household(parse(configuration(among), environ={}), gather(None, clock))  # type: ignore[arg-type]
        self.policy = house.policy("auto")
        self.features: Features = house.pipeline.plan(asked, self.policy)[0]
        self.keeper = Keeper(Ruleset([*APPLY, *OTHERS]), counters, clock=clock)
        self.model = self.decide()
        self.done = attempt(cost=1000)

    def choose(self) -> object:
        return self.policy.choose(self.asked, self.features)

    def rules(self) -> object:
        return self.policy.choose(self.asked, self.features).plan(self.asked, self.features)

    def decide(self) -> Model:
        plan, refused = self.policy.choose(self.asked, self.features).plan(self.asked, self.features)
        assert plan is not None, refused
        model = next(plan).model
        plan.close()
        return model

    async def budgets(self) -> None:
        await self._spend(self.model)

    async def everything(self) -> None:
        await self._spend(self.decide())

    async def _spend(self, model: Model) -> None:
        purse = self.keeper.open(self.asked)
        settle = await purse.reserve(self.asked, self.features, model)
        settle(self.done)
        await purse.booked()


def requests() -> dict[str, Request]:
    who = Principal(key="k", team="t7", user="u", tags=("a", "b"), run="r", session="s")
    plain = replace(request(limits=Limits(output_tokens=200)), principal=who, asked="auto")
    return {"plain": plain, "tools": replace(plain, needs=frozenset({Capability.TOOLS}))}


async def everything(calls: int) -> None:
    click.echo(f"{'':34}  which  +rules  +first   budgets      sum")
    for among in (5, 20, MODELS):
        for name, asked in requests().items():
            way = Way(among, MemoryCounters(SystemClock()), asked)
            pieces = [microseconds(call, calls) for call in (way.choose, way.rules, way.decide)]
            pieces += [await awaited(call, calls) for call in (way.budgets, way.everything)]
            figures = "".join(f"{piece:8.1f}" for piece in pieces[:3])
            spent = "".join(f"{piece:9.1f}" for piece in pieces[3:])
            click.echo(f"{name:6} {among:3} of {MODELS} models, memory  {figures} {spent} us")
    with tempfile.TemporaryDirectory() as folder:
        server = started(Path(folder))
        for at_once in (1, 32):
            counters = RedisCounters(server.url, prefix="b", expires=900, clock=SystemClock())
            way = Way(20, counters, requests()["plain"])
            bare = await awaited(lambda counters=counters: counters._put(PING), calls, at_once)  # type: ignore[misc]
            both = [await awaited(call, calls, at_once) for call in (way.budgets, way.everything)]
            spent = "".join(f"{piece:9.1f}" for piece in both)
            click.echo(
                f"plain   20 of {MODELS} models, Redis, {at_once:2} at once, bare PING {bare:5.1f} {spent} us"
            )
            await counters.close()
        server.stop()


@click.command()
@click.option("--calls", default=128, show_default=True, help="Requests a round.")
def main(calls: int) -> None:
    """Measure policy and budgets as one."""
    uvloop.run(everything(calls))


if __name__ == "__main__":
    main()
