"""Puts our prompts to a live model, some at a time, the way every request goes; each call is a ledger row."""

import asyncio
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace

import orjson

from router.errors import Denied, OverBudget, RateLimited, Refusal, TimedOut
from router.learning.calibrating import Calibration, Question
from router.pipeline import Pipeline
from router.seams import Evaluator, Plan, Policy
from router.types import (
    NOTHING,
    Attempt,
    Decision,
    Features,
    Model,
    Picodollars,
    Principal,
    Release,
    Request,
    Turn,
)

TAG = "farthing-calibrate"
MOST_FAILURES = 6
"""Calls without an answer, in a row, after which the model is given up."""

PAUSES = (1.0, 3.0, 9.0)
"""Seconds before a call is tried again that was refused for its rate, or took too long."""

MOST_TOKENS = 4096
"""Of an answer: enough to think, and no more."""


class OnlyThis:
    """The policy of a calibration: this model, unchecked, and no savings are reckoned."""

    def __init__(self, model: Model) -> None:
        self.model, self.name = model, TAG
        self.strongest: Model | None = None
        self.cheapest: Model | None = None
        self.evaluators: Mapping[str, Evaluator] = NOTHING

    def candidates(self, _request: Request, /) -> Sequence[Model]:
        return (self.model,)

    def choose(self, _request: Request, _features: Features, /) -> Policy:
        return self

    def plan(self, _request: Request, _features: Features, /) -> tuple[Plan | None, Mapping[str, Refusal]]:
        return self._steps(), {}

    def _steps(self) -> Generator[Decision, Attempt, None]:
        yield Decision(model=self.model, reason="calibration", release=Release.HELD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How many prompts, how many at once, and what they may cost."""

    prompts: int
    at_once: int = 8
    cost: Picodollars | None = None


@dataclass(slots=True, kw_only=True)
class Progress:
    """How far a calibration is; `why` says why it ended early, if it did."""

    asked: int = 0
    right: int = 0
    cost: Picodollars = 0
    unpriced: int = 0
    why: str = ""
    failures: int = 0
    """In a row."""


async def put_all(
    calibration: Calibration,
    pipeline: Pipeline,
    limits: Limits,
    progress: Progress,
    *,
    tell: Callable[[], None],
    new_id: Callable[[], str],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Ask until there were enough prompts, or the money is gone, or the model does not answer.

    `progress.why` says why it ended early; what is told before a cancellation stays told.
    """
    policy = OnlyThis(calibration.model)
    while progress.asked < limits.prompts and not progress.why:
        room = min(limits.at_once, limits.prompts - progress.asked)
        if limits.cost is not None and progress.asked:
            each = max(progress.cost // progress.asked, 1)
            room = min(room, int((limits.cost - progress.cost) // each))
            if room < 1:
                progress.why = "the next prompt might have cost more than is allowed"
                return
        async with asyncio.TaskGroup() as group:
            for question in calibration.ask(room):
                group.create_task(
                    _put(question, calibration, pipeline, policy, progress, tell, new_id, sleep)
                )


async def _put(
    question: Question,
    calibration: Calibration,
    pipeline: Pipeline,
    policy: OnlyThis,
    progress: Progress,
    tell: Callable[[], None],
    new_id: Callable[[], str],
    sleep: Callable[[float], Awaitable[None]],
) -> None:
    request = _request(question, calibration.model, new_id())
    outcome = await pipeline.run(request, policy)
    progress.cost += outcome.cost or 0
    for pause in PAUSES:
        if not isinstance(outcome.failure, RateLimited | TimedOut):
            break
        await sleep(pause)
        outcome = await pipeline.run(replace(request, id=new_id()), policy)
        progress.cost += outcome.cost or 0
    if outcome.failure is not None:
        _failed(outcome.failure, progress)
        return
    progress.failures = 0
    progress.unpriced += outcome.cost is None
    chosen = outcome.chosen
    text = chosen.reply.text if chosen is not None and chosen.reply is not None else ""
    right = await asyncio.to_thread(question.item.check, text)
    calibration.tell(question, right=right)
    progress.asked += 1
    progress.right += right
    tell()


def _failed(error: Exception, progress: Progress) -> None:
    progress.failures += 1
    hopeless = isinstance(error, Denied | OverBudget) or progress.failures >= MOST_FAILURES
    if hopeless:
        progress.why = str(error) or type(error).__name__


def _request(question: Question, model: Model, request_id: str) -> Request:
    text = question.item.prompt
    body = {
        "model": model.name,
        "messages": [{"role": "user", "content": text}],
        "temperature": 0,
        "max_tokens": min(MOST_TOKENS, model.max_output or MOST_TOKENS),
    }
    return Request(
        id=request_id,
        asked=model.name,
        dialect="chat",
        principal=Principal(tags=(TAG,)),
        turns=(Turn(role="user", text=text),),
        body=orjson.loads(orjson.dumps(body)),
    )


def priced(progress: Progress) -> Picodollars | None:
    """What it cost, `None` if not all of it has a price."""
    return None if progress.unpriced else progress.cost
