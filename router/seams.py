"""Every extension point, one Protocol each.

Built-in parts use the seams strangers use, and each kind stands in one visible table
(`RULES`, `STRATEGIES`, `EVALUATORS`, `DIALECTS`, `WIRES`, `UPSTREAMS`).
"""

from collections.abc import (
    AsyncGenerator,
    Callable,
    Generator,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from datetime import datetime
from typing import Any, Protocol, TypeAlias

from router.budget import Standing
from router.entry import LedgerEntry
from router.errors import OverBudget, Refusal, UpstreamError
from router.types import (
    Attempt,
    CostClass,
    Decision,
    Delta,
    Ending,
    Features,
    Model,
    Outcome,
    Prediction,
    Principal,
    Reply,
    Request,
    Segment,
    Turn,
    Verdict,
)

Plan: TypeAlias = Generator[Decision, Attempt, None]
"""Yields what to try next and is sent what came of it; does no I/O (the idea of httpx's auth flows)."""

Burst: TypeAlias = tuple[Delta, ...]
"""Deltas that arrived together, never none: what one read brought is passed on with one write."""

Stream: TypeAlias = AsyncGenerator[Burst | Ending, None]
"""A reply as it comes: bursts, and one `Ending` last."""


class Clock(Protocol):
    """Where time comes from; tests bring their own."""

    def monotonic(self) -> float: ...

    def now(self) -> datetime: ...


class Rule(Protocol):
    """Says why `model` may not serve `request`, or `None` if it may."""

    def __call__(self, request: Request, features: Features, model: Model, /) -> str | None: ...


class Strategy(Protocol):
    """Orders candidates that every rule let pass (never an empty list) into a plan."""

    def __call__(self, request: Request, features: Features, candidates: Sequence[Model], /) -> Plan: ...


class Ask(Protocol):
    """Asks models on a check's behalf; every call is booked as a row of its own. Raises `UpstreamError`.

    `model` is the name of the one that made the reply which is judged.
    """

    @property
    def model(self) -> str: ...

    async def __call__(self, model: str, request: Request, /) -> Reply: ...


class Watch(Protocol):
    """A self-check at work on one growing reply; its work is linear in the reply's length.

    Whoever got a verdict feeds it no more.
    """

    def feed(self, burst: Burst, /) -> Verdict | None:
        """Take what came; say a failing verdict as soon as it is certain, whatever may follow."""
        ...


class Evaluator(Protocol):
    """A self-check with its options; it never raises, and holds the state of no reply.

    `name` stands in verdicts, `asks` names the models it asks (beside the one that answered).
    """

    @property
    def name(self) -> str: ...

    @property
    def cost_class(self) -> CostClass: ...

    @property
    def asks(self) -> Sequence[str]: ...

    def watch(self, request: Request, /) -> Watch | None:
        """Begin to watch a reply grow; `None`: it can only be judged whole."""
        ...

    async def judge(self, request: Request, reply: Reply, ask: Ask, /) -> Verdict | None:
        """Judge a whole reply (`None`: not this check's subject, or it could not be told).

        What a watch of it says in the end is said here too.
        """
        ...


class EvaluatorMaker(Protocol):
    """Makes a self-check of its options, as they were written; raises `ValueError` for wrong ones.

    `schema` is the JSON Schema of the options.
    """

    @property
    def schema(self) -> Mapping[str, Any]: ...

    def __call__(self, options: Mapping[str, Any], /) -> Evaluator: ...


class Predictor(Protocol):
    """The classifier: numbers that describe the conversation, and what each model will make of it."""

    @property
    def scale(self) -> str:
        """Names what the numbers mean: vectors of another scale tell this classifier nothing."""
        ...

    def describe(self, turns: Sequence[Turn], /) -> tuple[float, ...]: ...

    def predict(
        self, vector: tuple[float, ...], models: Sequence[Model], segment: Segment = ..., /
    ) -> Mapping[str, Prediction]: ...


class Measure(Protocol):
    """Tells what can be told about a request without spending anything."""

    def __call__(self, request: Request, models: Sequence[Model], policy: str = "", /) -> Features: ...


class Upstream(Protocol):
    """A way to reach models: streams a reply, raises `UpstreamError`; closing the stream ends the work."""

    def send(self, request: Request, model: Model, /) -> Stream: ...

    async def close(self) -> None: ...


class Decoder(Protocol):
    """Turns an upstream's bytes into deltas; any split of the bytes gives the same deltas.

    `feed` yields what is good before it raises `UpstreamError` for what is not.
    `end` is called when the bytes are over: it returns what had to wait for that, or raises `UpstreamError`.
    """

    def feed(self, data: bytes, /) -> Iterator[Delta]: ...

    def end(self) -> tuple[list[Delta], Ending]: ...


class Wire(Protocol):
    """A protocol spoken to upstreams: no I/O, bytes in and out."""

    path: str

    def encode(self, request: Request, model: Model, /) -> bytes: ...

    def decoder(self, request: Request, /, *, stream: bool) -> Decoder: ...

    def failure(self, status: int, body: bytes, *, retry_after: float | None) -> UpstreamError:
        """Make an error of an answer that is not 200."""
        ...


class Writer(Protocol):
    """Writes one reply for the caller, in the caller's dialect, once it is whole.

    `note` is what Farthing adds about the reply (model, reason, attempts, cost);
    an empty one adds nothing, for answers whose headers say it.
    """

    def whole(self, reply: Reply, model: str, note: Mapping[str, Any], /) -> bytes: ...


class Renderer(Writer, Protocol):
    """Writes one reply as it comes, too."""

    def chunk(self, delta: Delta, model: str, /) -> bytes: ...

    def ending(self, ending: Ending, model: str, note: Mapping[str, Any], /) -> bytes: ...

    def keepalive(self) -> bytes: ...

    def failure(self, status: int, error: Exception, /) -> bytes: ...


class Dialect(Protocol):
    """What callers speak: a body becomes a `Request`, a reply becomes bytes, an error becomes their error.

    It is served at `path`, below `/v1`.
    The renderer of a request that streams is a `Renderer`.
    """

    name: str
    path: str

    def parse(self, body: bytes, *, request_id: str, principal: Principal) -> Request: ...

    def renderer(self, request: Request, *, created: int) -> Writer: ...

    def error(self, status: int, error: Exception, /) -> bytes: ...


class Caller(Protocol):
    """The one waiting for a streamed answer, as the pipeline sees it; the first `send` fixes the headers."""

    async def send(self, deltas: Sequence[Delta], decision: Decision, attempt: int, /) -> None: ...


class Sink(Protocol):
    """Where what happened flows: ledger, meters, metrics. Runs on the event loop, so it must not wait."""

    def write(self, entries: Iterable[LedgerEntry], /) -> None: ...


class Follower(Protocol):
    """Who remembers what came of requests; told once each is over, on the event loop, so it must not wait."""

    def follow(self, outcome: Outcome, /) -> None: ...


class Policy(Protocol):
    """Rules and a strategy under one name: what may be tried for a request, in which order."""

    name: str
    strongest: Model | None
    """The best single model of this policy: what savings are compared with."""
    evaluators: Mapping[str, Evaluator]
    """The self-checks that its decisions name."""

    cheapest: Model | None
    """The cheapest one: a random mix of the two is what routing must beat."""

    def candidates(self, request: Request, /) -> Sequence[Model]: ...

    def choose(self, request: Request, features: Features, /) -> "Policy":
        """Return the policy that is for this request: itself, unless it is a choice of several."""
        ...

    def plan(self, request: Request, features: Features, /) -> tuple[Plan | None, Mapping[str, Refusal]]:
        """Return the plan (`None`: nothing may be tried) and, for each model struck out, why."""
        ...


Settle: TypeAlias = Callable[[Attempt], None]
"""Books what a call did cost in the place of what was held for it; a second time it does nothing."""


class Purse(Protocol):
    """What one request may spend: asked before each upstream call made for it, told after it.

    `refused` is the last refusal; `unchecked` is true if something was spent without asking the budgets.
    """

    refused: OverBudget | None
    unchecked: bool

    async def reserve(self, asked: Request, features: Features, model: Model, /) -> Settle:
        """Hold back the most that a call with `asked` can cost; raises `OverBudget` if that is not borne."""
        ...

    async def booked(self) -> None:
        """Wait until what was settled is booked: nobody who is killed then has answered for nothing."""
        ...

    def standings(self) -> Sequence[Standing]:
        """How the limits that apply stood when this was last asked for something."""
        ...


class Budgets(Protocol):
    """What may be spent; every request has a purse of it."""

    def open(self, request: Request, /) -> Purse: ...

    async def standing(self, principal: Principal, /) -> Sequence[Standing]:
        """How every limit stands that applies to whoever asks; raises `Unaccounted`."""
        ...
