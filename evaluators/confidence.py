"""Was the model sure of its words?

The score is the geometric mean of the tokens' probabilities, over the whole answer or its weakest window.
Cost class: logprobs: they have to be asked for upstream.
Limits: a model may be sure and wrong, and one that was tuned hard is sure of everything;
compare scores of one model only. Without log-probabilities there is no verdict.
"""

import math
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from evaluators.base import Check
from router.seams import Ask, Burst, Watch
from router.types import CostClass, Reply, Request, Verdict

LEAST = -100.0
"""A log-probability below this is as good as impossible."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confidence(Check):
    """Fails an answer whose tokens were too improbable to its own model."""

    name = "confidence"
    cost_class = CostClass.LOGPROBS
    threshold: Annotated[float, Field(gt=0, lt=1, description="The least score that passes.")] = 0.5
    measure: Annotated[
        Literal["mean", "window", "min"],
        Field(description="Of which tokens: all, the weakest `window` in a row, or the weakest one."),
    ] = "mean"
    window: Annotated[int, Field(ge=2, le=1_000, description="Tokens of a window.")] = 20

    def watch(self, request: Request, /) -> Watch | None:  # noqa: ARG002 - the seam
        # A mean may yet rise.
        return None if self.measure == "mean" else _Watch(self)

    async def judge(self, request: Request, reply: Reply, ask: Ask, /) -> Verdict | None:  # noqa: ARG002 - the seam
        if not reply.choices:
            return None
        gauge = Gauge(self)
        for value in logprobs_of(reply.choices[0].logprobs):
            gauge.add(value)
        score = gauge.score()
        return None if score is None else self._verdict(score)

    def _verdict(self, score: float) -> Verdict:
        return self.passed(score=score) if score >= self.threshold else self.failed("unsure", score=score)


class Gauge:
    """A running score."""

    def __init__(self, check: Confidence) -> None:
        self._measure = check.measure
        self._span = 1 if check.measure == "min" else check.window
        self._recent: deque[float] = deque()
        self._sum, self._count, self._worst = 0.0, 0, 0.0

    def add(self, value: float) -> None:
        self._count += 1
        self._sum += value
        if self._measure == "mean":
            return
        self._recent.append(value)
        if len(self._recent) > self._span:
            self._sum -= self._recent.popleft()
        if len(self._recent) == self._span:
            self._worst = min(self._worst, self._sum / self._span)

    def score(self) -> float | None:
        """Give the score so far; an answer shorter than a window is one."""
        if not self._count:
            return None
        short = self._measure == "mean" or len(self._recent) < self._span
        return min(1.0, math.exp(self._sum / self._count if short else self._worst))

    @property
    def settled(self) -> bool:
        """Whether what was seen can only get worse."""
        return self._measure != "mean" and len(self._recent) == self._span


class _Watch:
    def __init__(self, check: Confidence) -> None:
        self._check, self._gauge = check, Gauge(check)

    def feed(self, burst: Burst, /) -> Verdict | None:
        for delta in burst:
            if delta.choice != 0 or delta.logprobs is None:
                continue
            for value in logprobs_of(delta.logprobs):
                self._gauge.add(value)
        score = self._gauge.score() if self._gauge.settled else None
        if score is not None and score < self._check.threshold:
            return self._check.failed("unsure", score=score)
        return None


def logprobs_of(logprobs: Mapping[str, Any] | None) -> Iterator[float]:
    """Read the log-probabilities of the tokens that were chosen; what is none is left out."""
    content = logprobs.get("content") if isinstance(logprobs, Mapping) else None
    for token in content if isinstance(content, list) else ():
        value = token.get("logprob") if isinstance(token, dict) else None
        if isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value):
            yield max(LEAST, min(0.0, float(value)))
