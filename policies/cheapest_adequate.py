"""The cheapest plan that is good enough, by what a request will cost in total.

A plan starts at a model and, when a check rejects the answer, asks the same model again or climbs.
Its cost is that of its answers and checks, each as often as it is expected to be needed (`prospects.py`).
It is adequate if its chance of success is at least `quality` times that of the best single model;
the cheapest adequate one is taken.
"""

from collections.abc import Mapping, Sequence

from policies.caps import Caps
from policies.estimate import expected_cost
from policies.language import PolicySpec
from policies.priors import ANSWERS_ASKED, kind_of
from policies.prospects import Prospect, after_failure, best, best_start, prospects, rescued
from policies.rescues import amended, rescues
from policies.standing import checking_costs, doubts, in_force, needed, reliability, switch_cost
from policies.steps import decision, ends_it
from router.seams import Plan
from router.types import (
    NOTHING,
    Attempt,
    Decision,
    Features,
    Model,
    Picodollars,
    Release,
    Request,
    Rescue,
    Status,
)


class CheapestAdequate:
    """Starts where an adequate plan is cheapest; after a failed check, whatever is expected to cost least."""

    def __init__(self, spec: PolicySpec) -> None:
        self._spec = spec
        self._checks = tuple(check.label for check in spec.checks)

    def __call__(self, request: Request, features: Features, candidates: Sequence[Model], /) -> Plan:
        """Try the start of the cheapest adequate plan, then whatever the last attempt calls for.

        After a rejected answer a second try of the same model or a stronger one, while there are any;
        a weaker one only if it is good enough even so.
        After an upstream's failure every other model may be next.
        Ties go to the stronger model, then to the first name.
        """
        way = _Way(self._spec, request, features, candidates, in_force(self._checks, features))
        step: Decision | None = way.start()
        while step is not None:
            attempt = yield step
            way.note(attempt)
            if ends_it(attempt):
                return
            step = way.rescue(attempt) if attempt.status is Status.REJECTED else way.failover(attempt)


class _Costs(dict[str, Picodollars]):
    """What an answer of each model is expected to cost, reckoned when it is asked for."""

    def __init__(self, request: Request, features: Features, models: Mapping[str, Model]) -> None:
        super().__init__()
        self._request, self._features, self._models = request, features, models

    def __missing__(self, name: str) -> Picodollars:
        cost = self[name] = self.reckoned(name)
        return cost

    def reckoned(self, name: str) -> Picodollars:
        """Reckon it, without keeping it: quicker for what is asked once."""
        return expected_cost(self._request, self._features, self._models[name]) or 0

    def all(self) -> "_Costs":
        for name in self._models:
            self[name]
        return self


class _Way:
    """One request's way through the candidates."""

    def __init__(
        self,
        spec: PolicySpec,
        request: Request,
        features: Features,
        candidates: Sequence[Model],
        checks: tuple[str, ...],
    ) -> None:
        self._spec, self._request, self._features, self._checks = spec, request, features, checks
        self._caps = Caps(spec.escalation)
        self._left = {model.name: model for model in candidates}
        self._chance = {name: features.predictions[name].success for name in self._left}
        self._costs = _Costs(request, features, dict(self._left))
        release = spec.stream_release if request.stream else Release.HELD
        self._reliability = reliability(checks, features, release)
        asks = any(check.name in ANSWERS_ASKED for check in spec.checks)
        self._checking = checking_costs(spec, checks, self._costs.all(), release) if asks else NOTHING
        self._enough = needed(spec, features, max(self._chance.values()))
        self._promised = "least" in features.moment

    def start(self) -> Decision | None:
        if self._promised:
            ahead = self._ahead(self._left)
            name, there = min(ahead.items(), key=self._rank)
        else:
            name, there = best_start(
                self._chance,
                self._total if self._checking or self._features.moment else self._costs.reckoned,
                enough=self._enough,
                checks=self._reliability,
                calls=self._caps.calls,
            )
        poor = self._poor(name, there)
        told = f"most likely to succeed{doubts(self._features)}" if poor else "cheapest adequate"
        return self._step(self._left[name], told)

    def failover(self, attempt: Attempt) -> Decision | None:
        """Go on to the next best after an upstream that failed, whatever its strength."""
        failed = attempt.decision.model.name
        ranked = [name for name, _ in self._ranked(self._ahead(self._left)) if name in self._left]
        if not ranked or not self._caps.allow(self._costs[ranked[0]]):
            return None
        return self._step(self._left[ranked[0]], f"failover: {failed} {type(attempt.error).__name__}")

    def rescue(self, attempt: Attempt) -> Decision | None:
        """Choose between asking the same model again and another, after its answer was rejected."""
        model = attempt.decision.model
        failed = next(verdict for verdict in attempt.verdicts if not verdict.passed)
        hard = kind_of(failed.check, failed.reason) == "sense"
        options = self._others(model.name, hard=hard)
        climb = options[0][1] if options else None
        seconds = self._seconds(attempt, climb)
        affordable = [option for option in (*seconds, *options) if self._caps.allow(int(option[1].cost))]
        if not affordable:
            return None
        name, prospect = best(affordable, self._enough)
        if name in self._left:
            weaker = self._chance[name] <= self._chance[model.name]
            if weaker and prospect.success < self._enough:
                return None
            return self._step(self._left[name], f"escalated: {failed.check} said {failed.reason}")
        way = Rescue(name)
        return amended(self._step(model, f"{way}: {failed.check} said {failed.reason}"), way, attempt)

    def note(self, attempt: Attempt) -> None:
        self._caps.note(attempt)
        self._left.pop(attempt.decision.model.name, None)

    def _seconds(self, attempt: Attempt, climb: Prospect | None) -> list[tuple[str, Prospect]]:
        """What asking the same model again promises; nothing if that was done already."""
        model = attempt.decision.model
        options = []
        for way, passes, right, times in rescues(self._spec, self._request, self._features, attempt):
            cost = times * self._costs[model.name]
            after = climb if climb is not None and self._caps.calls > 1 else Prospect(cost=0.0, success=0.0)
            options.append((str(way), rescued(passes, right * self._chance[model.name], cost, after)))
        return options

    def _others(self, failed: str, *, hard: bool) -> list[tuple[str, Prospect]]:
        """What every other model promises now that `failed` has failed; the best climb first.

        Only a failure of sense tells that the request is `hard`: a wrong form says little of it.
        """
        if not self._left:
            return []
        ahead = self._ahead(self._left)
        told = (
            ahead
            if not hard
            else {
                name: there._replace(success=after_failure(there.success, self._chance[failed]))
                for name, there in ahead.items()
            }
        )
        stronger = {name: there for name, there in told.items() if self._chance[name] > self._chance[failed]}
        return self._ranked(stronger or told)

    def _ahead(self, models: Mapping[str, Model]) -> dict[str, Prospect]:
        chance = self._chance
        costs: Mapping[str, float] = self._costs.all()
        if len(models) < len(chance):
            chance = {name: chance[name] for name in models}
        if self._checking or self._features.moment:
            costs = {name: self._total(name) for name in models}
        return prospects(chance, costs, enough=self._enough, checks=self._reliability, calls=self._caps.calls)

    def _total(self, name: str) -> float:
        """An answer's price, its checks', and that of a prompt cache that is left behind."""
        own = self._checking.get(name, 0.0) if self._checking else 0.0
        return self._costs[name] + own + switch_cost(self._features, name)

    def _ranked(self, ahead: Mapping[str, Prospect]) -> list[tuple[str, Prospect]]:
        return sorted(ahead.items(), key=self._rank)

    def _rank(self, item: tuple[str, Prospect]) -> tuple[bool, float, float, str]:
        """The cheapest that is good enough, else the most successful; the stronger, the first name."""
        name, there = item
        poor = self._poor(name, there)
        best = self._chance[name] if self._promised else there.success
        return (poor, -best if poor else there.cost, -self._chance[name], name)

    def _poor(self, name: str, there: Prospect) -> bool:
        """Tell whether a start is not good enough; a promise is about the answer, not about the plan."""
        return there.success < self._enough or (self._promised and self._chance[name] < self._enough)

    def _step(self, model: Model, reason: str) -> Decision:
        chance = self._chance[model.name]
        own = self._costs[model.name]
        return decision(
            self._spec,
            self._request,
            model,
            f"{reason} (p={chance:.2f})",
            self._costs,
            checks=self._checks,
            last=not self._may_follow(model.name, chance, own),
        )

    def _may_follow(self, asked: str, chance: float, cost: Picodollars) -> bool:
        """Tell whether there is a stronger model that calls and money will reach for."""
        if self._caps.calls <= 1:
            return False
        stronger = (name for name in self._left if self._chance[name] > chance and name != asked)
        if self._caps.has_price:
            return any(self._caps.affords(cost + self._costs[name]) for name in stronger)
        return next(stronger, None) is not None
