"""What a plan will come to before anything is spent: its steps, how likely each is, and what each costs.

A plan is walked as if every answer were rejected, which shows all that it may do.
A step is reached as often as the answer before it is rejected: wrong and caught, or right and condemned,
by what checks are believed to be worth (`priors.py`), as strategies reckon (`prospects.py`).
Prices are asked of `router.pricing` alone.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from policies.budgets.worst import most
from policies.candidates import Candidates
from policies.language import PolicySpec
from policies.priors import ANSWERS_ASKED, CHECKS, PASSES, TIMES, UNKNOWN_CHECK, kind_of
from policies.prospects import after_failure
from policies.standing import checking_costs, reliability
from router.pricing import quote
from router.seams import Plan
from router.types import (
    Attempt,
    Charge,
    Decision,
    Features,
    Grade,
    Model,
    Picodollars,
    Release,
    Reply,
    Request,
    Rescue,
    Status,
    Usage,
    Verdict,
)

UNBOUNDED_ANSWER = 16_384
"""Tokens an answer is taken for at most that neither the request nor the model bounds."""


COMPLAINING = 200
"""Tokens in which a model is told what is wrong with its draft, at most, about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One call that a plan may make; money in picodollars, `None` if the model is unpriced.

    `rejected` is the chance that its checks reject the answer; `read` are the prompt's tokens, `tokens`
    those the answer is expected to have if nothing bounds it, `bound` the most it may have.
    `prompt` is the price of the prompt, `answer` what `tokens` add to it; `checks` what they cost beside,
    as a multiple of both. `most` is the most that the call and its checks can cost.
    """

    model: Model
    rejected: float
    read: int
    tokens: float
    bound: float
    prompt: Picodollars | None
    answer: Picodollars | None
    checks: float
    most: Picodollars | None


def outlook(
    spec: PolicySpec, request: Request, features: Features, plan: Plan, catalogue: Mapping[str, Model]
) -> tuple[Step, ...]:
    """Walk a plan to its end and say what each of its steps may cost."""
    seen = _Seen(spec, request, features, catalogue)
    steps: list[Step] = []
    failed: float | None = None
    for decision in walked(plan, features, _most_watchful):
        steps.append(seen.step(decision, failed))
        if not steps[-1].rejected:
            break  # nothing looks at the answer
        failed = features.predictions[decision.model.name].success
    return tuple(steps)


def single(request: Request, features: Features, model: Model) -> Step:
    """Say what asking `model`, once and unchecked, costs."""
    return _priced(request, features, model)


def walked(plan: Plan, features: Features, condemned: Callable[[Decision], Verdict]) -> Iterator[Decision]:
    """Walk a plan as if `condemned` rejected every answer: what would be tried, in this order."""
    try:
        decision = next(plan)
        while True:
            yield decision
            decision = plan.send(_rejected(decision, features, condemned(decision)))
    except StopIteration:
        return
    finally:
        plan.close()


def _most_watchful(decision: Decision) -> Verdict:
    """The check that would have caught most did not pass the answer."""
    check = max(decision.checks, key=lambda name: CHECKS.get(name, UNKNOWN_CHECK).catch, default="")
    return Verdict(check=check, passed=False)


def _rejected(decision: Decision, features: Features, verdict: Verdict) -> Attempt:
    assert features.at is not None, "whoever looks ahead says of which moment"
    return Attempt(
        number=1,
        decision=decision,
        status=Status.REJECTED,
        started=features.at,
        duration_ms=0.0,
        reply=Reply(),
        verdicts=(verdict,),
        usage=Usage(),
        charge=Charge(amount=None, bound=None, grade=Grade.NONE),
    )


@dataclass(frozen=True, slots=True)
class _Seen:
    """One request under one policy."""

    spec: PolicySpec
    request: Request
    features: Features
    catalogue: Mapping[str, Model]

    def step(self, decision: Decision, failed: float | None) -> Step:
        """Make a step; `failed` is the chance that the model before it had."""
        model, p = decision.model, self.features.predictions[decision.model.name].success
        told = replace(self.features, moment=decision.moment) if decision.moment else self.features
        worth = reliability(decision.checks, told, Release.HELD)
        right = after_failure(p, failed) if failed is not None else p
        rejected = (1.0 - right) * worth.catch + right * worth.alarm
        times = 1.0
        if decision.variant:
            way, check = Rescue(decision.variant), decision.amendment.complaint.partition(":")[0]
            times, rejected = TIMES[way], 1.0 - PASSES[kind_of(check, "")].get(way, 0.5)
        answer = _priced(self.request, self.features, model, times=times)
        return replace(
            answer,
            rejected=rejected,
            checks=self._checks(decision) / times,
            most=self._most(decision, answer),
        )

    def _checks(self, decision: Decision) -> float:
        """What the checks of an answer cost, in answers of its model."""
        answering = Candidates([decision.model], self.catalogue)
        own = answering.costs(self.request, self.features)
        checking = checking_costs(
            self.spec, decision.checks, Release.HELD, self.request, self.features, answering, own
        )
        return float(checking[0] / own[0]) if checking is not None and own[0] else 0.0

    def _most(self, decision: Decision, answer: Step) -> Picodollars | None:
        """The most that an answer and its checks cost; whoever judges or repairs one reads it, too."""
        total = answer.most
        if decision.amendment.rescue is Rescue.REPAIR:
            draft = int(answer.bound) + COMPLAINING
            repaired = replace(self.features, prompt_tokens=self.features.prompt_tokens + draft)
            total = _most(self.request, repaired, decision.model)
        if total is None:
            return None
        read = self.features.prompt_tokens + int(answer.bound)
        judged = replace(self.features, prompt_tokens=read)
        for check in self.spec.checks:
            if check.name not in ANSWERS_ASKED or check.label not in decision.checks:
                continue
            names = check.options.get("models") or [check.options.get("model")]
            asked = [self.catalogue[name] for name in names if name in self.catalogue] or [decision.model]
            each = [_most(self.request, judged, model) for model in asked]
            if any(cost is None for cost in each):
                return None
            calls = int(check.options.get("samples", ANSWERS_ASKED[check.name]) + 0.99)
            total += calls * max(cost for cost in each if cost is not None)
        return total


def _most(request: Request, features: Features, model: Model) -> Picodollars | None:
    return most(request, features, model, output_tokens=UNBOUNDED_ANSWER)[0]


def _priced(request: Request, features: Features, model: Model, *, times: float = 1.0) -> Step:
    tokens = features.predictions[model.name].output_tokens * request.limits.choices
    limits = [limit for limit in (request.limits.output_tokens, model.max_output) if limit is not None]
    bound = min(limits) if limits else UNBOUNDED_ANSWER

    def price(output: float) -> Picodollars | None:
        return quote(
            model,
            input_tokens=features.prompt_tokens,
            output_tokens=output,
            at=features.at,
            images=features.images,
        )

    prompt, whole = price(0.0), price(tokens)
    return Step(
        model=model,
        rejected=0.0,
        read=features.prompt_tokens,
        tokens=times * tokens,
        bound=float(bound * request.limits.choices),
        prompt=prompt,
        answer=round(times * (whole - prompt)) if whole is not None and prompt is not None else None,
        checks=0.0,
        most=_most(request, features, model),
    )
