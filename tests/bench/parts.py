"""`python -m tests.bench.parts`: what each piece of a request's way costs by itself, in microseconds of CPU.

Every piece is the real one, put together as `router.app` does, on the bodies of the load.
"""

import itertools
import statistics
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click
import orjson
from rich.console import Console
from rich.table import Table

from dashboards.metrics import Metrics
from evaluators import EVALUATORS
from policies.language import PolicySpec
from policies.meters import Health
from policies.policy import RoutedPolicy
from router.clock import SystemClock
from router.dialects import DIALECTS, WIRES
from router.difficulty import load
from router.draft import assemble
from router.entry import entries_of
from router.features import Measurer, TokenCounter, vocabulary
from router.ledger.spool import Spool
from router.pipeline import Pipeline
from router.pricing import charge
from router.seams import Renderer, Stream
from router.types import (
    Decision,
    Delta,
    Ending,
    Model,
    Outcome,
    Prices,
    Principal,
    Reply,
    Request,
    Usage,
)
from tests.bench import load as bodies
from tests.bench import machine, static

Answer = tuple[list[Delta], Ending]
T = TypeVar("T")

CHAT, WIRE = DIALECTS["chat"], WIRES["chat"]()
SIZES = (("qwen3-8b", 50_000, 8), ("llama-3.3-70b", 250_000, 70), ("qwen3-235b-a22b", 400_000, 235))
MODELS = tuple(
    Model(
        name=name,
        upstream="static",
        upstream_name=name,
        served_as=(static.NAME,),
        prices=Prices(input=price, output=3 * price),
        context_window=32768,
        params_b=size,
        open_weight=True,
    )
    for name, price, size in SIZES
)
BATCHES = 5


class Static:
    """An upstream without a network: what remains of a request is Farthing's own work."""

    def __init__(self, answer: Callable[[], Answer]) -> None:
        self._answer = answer

    async def send(self, _request: Request, _model: Model, /) -> Stream:
        deltas, ending = self._answer()
        yield tuple(deltas)
        yield ending

    async def close(self) -> None:
        """Nothing is open."""


class Showing:
    """A caller who takes everything, as bytes."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer

    async def send(self, deltas: Sequence[Delta], decision: Decision, _attempt: int, /) -> None:
        for delta in deltas:
            self._renderer.chunk(delta, decision.model.name)


class Pieces:
    """The parts of a running Farthing, and one request that went through them."""

    def __init__(self, folder: Path) -> None:
        self.bodies = itertools.cycle(bodies.questions("auto", stream=False))
        self.predictor = load()
        self.measure = Measurer(TokenCounter(vocabulary()), self.predictor)
        self.spool, self.metrics = Spool(folder, "bench"), Metrics()
        self.health = Health(SystemClock())
        self.policy = RoutedPolicy(
            "default",
            PolicySpec(),
            MODELS,
            health=self.health,
            strongest=MODELS[-1],
            evaluators={name: EVALUATORS[name]({}) for name in ("shape", "refusal")},
        )
        self.requests = itertools.cycle([parsed(body) for body in bodies.questions("auto", stream=False)])
        self.whole, self.streamed = self.pipeline(whole), self.pipeline(streamed)
        self.outcome = self.run()
        (attempt,) = self.outcome.attempts
        assert attempt.reply is not None, attempt.error
        self.request, self.features, self.reply = self.outcome.request, self.outcome.features, attempt.reply

    def pipeline(self, answer: Callable[[], Answer]) -> Pipeline:
        return Pipeline(
            models={model.name: model for model in MODELS},
            upstreams={"static": Static(answer)},
            measure=self.measure,
            charge=charge,
            count=len,
            sinks=[self.health, self.spool, self.metrics],
            clock=SystemClock(),
        )

    def run(self) -> Outcome:
        return driven(self.whole.run(next(self.requests), self.policy))

    def run_stream(self) -> Outcome:
        request = next(self.requests)
        return driven(self.streamed.run(request, self.policy, Showing(renderer(request))))

    def decide(self) -> Decision:
        plan, refused = self.policy.plan(self.request, self.features)
        assert plan is not None, refused
        return next(plan)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A piece, and what to call again and again."""

    name: str
    call: Callable[[], object]


def parts(pieces: Pieces) -> Iterator[Part]:
    """Every piece, in the order a request meets them."""
    request, reply, entries = pieces.request, pieces.reply, entries_of(pieces.outcome)
    vector, usage = pieces.features.vector, reply.usage or Usage()
    whole_answer, streamed_answer = whole(), streamed()
    calls: dict[str, Callable[[], object]] = {
        "dialect: parse the body": lambda: parsed(next(pieces.bodies)),
        "features: count tokens": lambda: pieces.measure.prompt_tokens(next(pieces.requests)),
        "classifier: describe": lambda: pieces.predictor.describe(next(pieces.requests).turns),
        "classifier: predict, 3 models": lambda: pieces.predictor.predict(vector, MODELS),
        "policy: plan and first decision": pieces.decide,
        "wire: encode": lambda: WIRE.encode(request, MODELS[0]),
        "wire: decode JSON": whole,
        "wire: decode 53 events": streamed,
        "draft: assemble JSON": lambda: assemble(*whole_answer),
        "draft: assemble 53 events": lambda: assemble(*streamed_answer),
        "check: shape": lambda: driven(pieces.policy.evaluators["shape"].judge(request, reply, nobody)),
        "check: refusal": lambda: driven(pieces.policy.evaluators["refusal"].judge(request, reply, nobody)),
        "pricing: charge": lambda: charge(MODELS[0], usage, None),
        "ledger: entries": lambda: entries_of(pieces.outcome),
        "ledger: write to the spool": lambda: pieces.spool.write(entries),
        "metrics: write": lambda: pieces.metrics.write(entries),
        "renderer: JSON": lambda: renderer(request).whole(reply, "m", {}),
        "renderer: 53 events": lambda: rendered(request, streamed_answer),
        "all, without network: JSON": pieces.run,
        "all, without network: 53 events": pieces.run_stream,
    }
    return (Part(name=name, call=call) for name, call in calls.items())


def parsed(body: bytes) -> Request:
    return CHAT.parse(body, request_id="0" * 32, principal=Principal(key="bench", team="bench"))


def whole(data: bytes = static.body()) -> Answer:
    decoder = WIRE.decoder(stream=False)
    list(decoder.feed(data))
    return decoder.end()


def streamed(data: bytes = b"".join(static.events())) -> Answer:
    decoder = WIRE.decoder(stream=True)
    deltas = list(decoder.feed(data))
    last, ending = decoder.end()
    return [*deltas, *last], ending


def renderer(request: Request) -> Renderer:
    return CHAT.renderer(request, created=0)


def rendered(request: Request, answer: Answer) -> bytes:
    made, (deltas, ending) = renderer(request), answer
    return b"".join(made.chunk(delta, "m") for delta in deltas) + made.ending(ending, "m", {})


async def nobody(_model: str, _request: Request) -> Reply:
    raise AssertionError("these checks ask no model")


def driven(work: Coroutine[Any, Any, T]) -> T:
    """Run what never waits to its end, without an event loop's own cost."""
    try:
        work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    raise AssertionError("it waited for something")


def microseconds(part: Part, *, seconds: float) -> float:
    """CPU time of one call: the median of some batches."""
    part.call()
    calls, spent = 1, 0.0
    while spent < seconds / BATCHES / 2:
        calls *= 2
        spent = _batch(part, calls)
    return statistics.median(_batch(part, calls) for _ in range(BATCHES)) / calls * 1e6


def _batch(part: Part, calls: int) -> float:
    call = part.call
    start = time.process_time()
    for _ in range(calls):
        call()
    return time.process_time() - start


@click.command()
@click.option("--seconds", default=0.5, help="Of measuring, for each part.")
@click.option(
    "--json", "path", type=click.Path(path_type=Path, dir_okay=False), help="Write the figures there."
)
def main(seconds: float, path: Path | None) -> None:
    """Measure the pieces of a request's way."""
    console, table = Console(), Table("piece", "CPU us")
    table.columns[1].justify = "right"
    about = machine.described()
    with tempfile.TemporaryDirectory(prefix="farthing-parts-") as folder:
        figures = {part.name: microseconds(part, seconds=seconds) for part in parts(Pieces(Path(folder)))}
    for name, figure in figures.items():
        table.add_row(name, f"{figure:,.1f}")
    console.print(about, table)
    if path:
        path.write_bytes(orjson.dumps({"about": about, "us": figures}, option=orjson.OPT_INDENT_2))


if __name__ == "__main__":
    main()
