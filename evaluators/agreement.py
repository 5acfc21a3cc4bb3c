"""Do other attempts at the same question come to the same answer?

Asks the same model again, or other cheap ones, and compares what the answers come to (`normal.py`).
The score is the share of them that agree with the answer.
Cost class: paid: `samples` calls, and as many answers' time as the slowest takes.
Limits: only answers with a point can be compared (a number, a choice, an object, a few words);
others get no verdict, and nothing is spent. Models that err alike agree.
"""

from dataclasses import dataclass
from itertools import cycle, islice
from typing import Annotated

from pydantic import Field

from evaluators.asking import again, ask_all
from evaluators.base import Check
from evaluators.normal import normal_form
from router.seams import Ask
from router.types import CostClass, Reply, Request, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement(Check):
    """Fails an answer that too few other attempts agree with."""

    name = "agreement"
    cost_class = CostClass.PAID
    samples: Annotated[int, Field(ge=1, le=32, description="How many more answers are asked for.")] = 3
    models: Annotated[
        tuple[str, ...],
        Field(description="Whom to ask, in turn; left out, the model that answered."),
    ] = ()
    threshold: Annotated[
        float, Field(gt=0, le=1, description="The least share that must agree, the answer not counted.")
    ] = 0.5
    temperature: Annotated[
        float, Field(ge=0, le=2, description="Chance in the samples; without it they are all alike.")
    ] = 0.7

    @property
    def asks(self) -> tuple[str, ...]:
        return self.models

    async def judge(self, request: Request, reply: Reply, ask: Ask, /) -> Verdict | None:
        answer = _point(reply)
        if answer is None:
            return None
        once_more = again(request, temperature=self.temperature)
        models = islice(cycle(self.models or (ask.model,)), self.samples)
        replies = await ask_all(ask, [(model, once_more) for model in models])
        if not replies:
            return None
        score = sum(_point(each) == answer for each in replies) / len(replies)
        if score >= self.threshold:
            return self.passed(score=score)
        return self.failed("others answer otherwise", score=score)


def _point(reply: Reply) -> str | None:
    """What the first choice comes to; what it wants to call counts as its answer."""
    if not reply.choices:
        return None
    first = reply.choices[0]
    if first.tool_calls:
        return "; ".join(
            f"{call.name} {normal_form(call.arguments) or call.arguments}" for call in first.tool_calls[:20]
        )
    return normal_form(first.text)
