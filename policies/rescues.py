"""Second tries of the same model: which are worth thinking of after a given failure."""

from collections.abc import Generator, Iterator, Mapping
from dataclasses import replace

from policies.caps import Caps
from policies.language import PolicySpec
from policies.priors import PASSES, TIMES, kind_of
from policies.prospects import after_failure
from policies.steps import decision
from router.types import (
    Amendment,
    Attempt,
    Decision,
    Features,
    Model,
    Picodollars,
    Request,
    Rescue,
    Status,
)


def rescues(
    spec: PolicySpec, request: Request, features: Features, attempt: Attempt
) -> Iterator[tuple[Rescue, float, float, float]]:
    """Yield each way, its chance to pass, that to be right if so (as a factor), and its cost in answers.

    A model is asked twice at most.
    A caller who fixed the seed or a temperature of zero would get the same answer again.
    A repair needs the rejected answer whole, and thinking a model that is known to take the order.
    """
    model = attempt.decision.model
    if attempt.decision.variant:
        return
    failed = next(verdict for verdict in attempt.verdicts if not verdict.passed)
    kind = kind_of(failed.check, failed.reason)
    p = features.predictions[model.name].success
    # A wrong form tells nothing of how hard the request is; a doubtful sense does.
    right = after_failure(p, p) / p if kind == "sense" and p > 0 else 1.0
    whole = attempt.reply is not None and attempt.reply.complete
    for way, prior in PASSES[kind].items():
        if way not in spec.escalation.rescue:
            continue
        if (
            (way is Rescue.RESAMPLE and request.repeatable)
            or (way is Rescue.REPAIR and not whole)
            or (way is Rescue.THINK and model.thinking is None)
        ):
            continue
        yield way, features.moment.get(f"passes:{kind}:{way}", prior), right, TIMES[way]


def amended(step: Decision, way: Rescue, attempt: Attempt) -> Decision:
    """Make of a step to the same model a second try, that knows of the answer which was rejected."""
    failed = next(verdict for verdict in attempt.verdicts if not verdict.passed)
    complaint = f"{failed.check}: {failed.reason}"
    return replace(step, amendment=Amendment(rescue=way, draft=attempt.reply, complaint=complaint))


class SecondTries:
    """Second tries for strategies that have an order of their own, and weigh no plans.

    `weights` are what they would have little of, by model: picodollars, or milliseconds.
    """

    def __init__(
        self,
        spec: PolicySpec,
        request: Request,
        features: Features,
        costs: Mapping[str, Picodollars],
        caps: Caps,
        weights: Mapping[str, float],
    ) -> None:
        self._spec, self._request, self._features = spec, request, features
        self._costs, self._caps, self._weights = costs, caps, weights

    def after(self, attempt: Attempt, following: Model | None) -> Generator[Decision, Attempt, Attempt]:
        """Ask the same model once more, if that takes less for each success than going on."""
        again = self._again(attempt, following)
        if again is None:
            return attempt
        attempt = yield again
        self._caps.note(attempt)
        return attempt

    def _again(self, attempt: Attempt, following: Model | None) -> Decision | None:
        if attempt.status is not Status.REJECTED:
            return None
        model = attempt.decision.model
        own = self._costs.get(model.name, 0)
        chance = self._features.predictions[model.name].success
        options = [
            (times / (passes * right), way)
            for way, passes, right, times in rescues(self._spec, self._request, self._features, attempt)
            if passes * right > 0 and self._caps.allow(int(times * own))
        ]
        if not options:
            return None
        takes, way = min(options)
        if following is not None:
            here, there = self._weights.get(model.name), self._weights.get(following.name)
            ahead = self._features.predictions[following.name].success
            # What cannot be compared is not tried.
            if here is None or there is None or here * takes * ahead >= there * chance:
                return None
        failed = next(verdict for verdict in attempt.verdicts if not verdict.passed)
        told = f"{way}: {failed.check} said {failed.reason}"
        last = following is None or self._caps.calls == 1
        step = decision(self._spec, self._request, model, told, self._costs.get(model.name), last=last)
        return amended(step, way, attempt)
