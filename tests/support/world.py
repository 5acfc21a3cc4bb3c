"""Small worlds for tests: a clock that stands still, upstreams that follow a script, a caller who listens."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from datetime import UTC, datetime, timedelta

from router.entry import LedgerEntry
from router.errors import UpstreamError
from router.seams import Stream
from router.types import (
    Capability,
    Charge,
    Decision,
    Delta,
    Ending,
    Features,
    Grade,
    Model,
    Prediction,
    Prices,
    Principal,
    Request,
    Turn,
    Usage,
)


@dataclass
class FakeClock:
    """Time that passes only when it is told to."""

    at: float = 0.0

    def monotonic(self) -> float:
        return self.at

    def now(self) -> datetime:
        return datetime(2026, 11, 23, tzinfo=UTC) + timedelta(seconds=self.at)


def request(text: str = "What is 2 + 2?", **fields) -> Request:
    """A request with one user message."""
    body = {"model": "auto", "messages": [{"role": "user", "content": text}]}
    given = {"asked": "auto", "stream": False, "body": body, **fields}
    return Request(
        id="r1", dialect="chat", principal=Principal(), turns=(Turn(role="user", text=text),), **given
    )


def model(name: str, *, price: int = 1, **fields) -> Model:
    """A model that can do everything; `price` is in dollars per million tokens."""
    given = {
        "upstream": "fake",
        "upstream_name": name,
        "prices": Prices(input=price * 10**6, output=price * 10**6),
        "context_window": 100_000,
        "capabilities": frozenset(Capability),
        **fields,
    }
    return Model(name=name, **given)


def features(
    chances: Mapping[str, float], *, prompt_tokens: int = 10, output_tokens: float = 100
) -> Features:
    predictions = {name: Prediction(success=p, output_tokens=output_tokens) for name, p in chances.items()}
    return Features(prompt_tokens=prompt_tokens, predictions=predictions)


@dataclass
class Script:
    """An upstream that plays, for each model, one scripted reply after another; the last is repeated.

    A reply is a list of texts (streamed one by one), of deltas, of errors to raise, of things to wait for.
    """

    replies: Mapping[str, list[Sequence[str | Delta | BaseException | Callable[[], Awaitable[object]]]]]
    sent: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    usage: Usage | None = field(default_factory=lambda: Usage(input=10, output=5))

    async def send(self, request: Request, model: Model, /) -> Stream:
        self.sent.append(model.name)
        self.requests.append(request)
        script = self.replies[model.name]
        parts = script.pop(0) if len(script) > 1 else script[0]
        try:
            for part in parts:
                if isinstance(part, BaseException):
                    raise part
                if callable(part):
                    await part()
                    continue
                delta = (
                    part if isinstance(part, Delta) else Delta(text=part, served_model=model.upstream_name)
                )
                yield (delta,)
            if not any(isinstance(part, Delta) and part.finish_reason for part in parts):
                yield (Delta(finish_reason="stop"),)
            yield Ending(usage=self.usage, served_model=model.upstream_name)
        finally:
            self.closed.append(model.name)

    async def close(self) -> None: ...


async def items_of(stream: Stream) -> list[Delta | Ending]:
    """Everything a reply brings, its bursts taken apart."""
    return [item async for burst in stream for item in (burst if isinstance(burst, tuple) else (burst,))]


@dataclass
class Ear:
    """A caller that keeps what it is sent; it leaves (raises) after `patience` sends."""

    heard: list[Delta] = field(default_factory=list)
    models: list[str] = field(default_factory=list)
    patience: int | None = None

    async def send(self, deltas: Sequence[Delta], decision: Decision, attempt: int, /) -> None:
        if self.patience is not None and len(self.models) >= self.patience:
            raise ConnectionResetError
        self.heard += deltas
        self.models.append(decision.model.name)

    @property
    def text(self) -> str:
        return "".join(delta.text for delta in self.heard)


@dataclass
class Book:
    """A sink that keeps every row."""

    rows: list[LedgerEntry] = field(default_factory=list)

    def write(self, entries, /) -> None:
        self.rows += entries


def flat_charge(model: Model, usage: Usage, _at: datetime | None = None) -> Charge:
    """Price input and output, nothing else."""
    prices = model.prices
    if prices is None or usage.input is None or usage.output is None:
        return Charge(amount=None, bound=None, grade=Grade.UNPRICED)
    amount = prices.input * usage.input + prices.output * usage.output
    return Charge(amount=amount, bound=amount, grade=Grade.COMPUTED)


def boom(message: str = "down") -> UpstreamError:
    return UpstreamError(message)


def row(**given) -> LedgerEntry:
    """A ledger row of an ordinary accepted answer."""
    ordinary = {
        "time": datetime(2026, 11, 23, tzinfo=UTC),
        "request_id": "r1",
        "attempt": 1,
        "purpose": "answer",
        "final": True,
        "status": "accepted",
        "dialect": "chat",
        "stream": False,
        "policy": "default",
        "config": "c1",
        "asked": "auto",
        "model": "small",
        "upstream": "fake",
        "substituted": False,
        "reason": "cheapest adequate",
        "release": "held",
        "usage_grade": "reported",
        "cost_grade": "computed",
        "cost": 1_000_000,
        "duration_ms": 10.0,
        "prompt_tokens": 10,
        "tags": (),
    }
    unknown = {
        column.name: None
        for column in fields(LedgerEntry)
        if column.default is MISSING and column.default_factory is MISSING
    }
    return LedgerEntry(**{**unknown, **ordinary, **given})
