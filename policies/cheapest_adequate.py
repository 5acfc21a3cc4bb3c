"""The cheapest plan that is good enough, by what a request will cost in total.

A plan starts at a model and, when a check rejects the answer, asks the same model again or climbs.
Its cost is that of its answers and checks, each as often as it is expected to be needed (`prospects.py`).
It is adequate if its chance of success is at least `quality` times that of the best single model;
the cheapest adequate one is taken.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from policies.candidates import Candidates
from policies.caps import Caps
from policies.language import PolicySpec
from policies.priors import kind_of
from policies.prospects import NOWHERE, Prospect, after_failure, best, prospects, rescued
from policies.rescues import amended, rescues
from policies.standing import checking_costs, doubts, in_force, needed, reliability, switched
from policies.starts import best_start
from policies.steps import decision, ends_it
from router.seams import Plan
from router.types import (
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
        way = _Way(self._spec, request, features, Candidates.of(candidates), in_force(self._checks, features))
        step: Decision | None = way.start()
        while step is not None:
            attempt = yield step
            way.note(attempt)
            if ends_it(attempt):
                return
            step = way.rescue(attempt) if attempt.status is Status.REJECTED else way.failover(attempt)


class _Way:
    """One request's way through the candidates."""

    def __init__(
        self,
        spec: PolicySpec,
        request: Request,
        features: Features,
        candidates: Candidates,
        checks: tuple[str, ...],
    ) -> None:
        self._spec, self._request, self._features, self._checks = spec, request, features, checks
        self._caps = Caps(spec.escalation)
        self._models = candidates
        self._chance = candidates.foreseen(features.predictions).success
        self._costs = candidates.costs(request, features)
        release = spec.stream_release if request.stream else Release.HELD
        self._reliability = reliability(checks, features, release)
        checking = checking_costs(spec, checks, release, request, features, candidates, self._costs)
        totals = self._costs if checking is None else self._costs + checking
        self._totals = switched(totals, features, candidates)
        """What an answer costs with its checks, and with a prompt cache that is left behind."""
        self._best = float(self._chance[self._chance.argmax()])
        self._enough = needed(spec, features, self._best)
        self._promised = "least" in features.moment
        self._tried: set[int] = set()

    def start(self) -> Decision | None:
        if self._promised:
            name, there = min(self._ahead().items(), key=self._rank)
            place = self._place(name)
            good = not self._poor(float(self._chance[place]), there)
        else:
            place, good = best_start(
                self._chance,
                self._totals,
                self._models.ranks,
                enough=self._enough,
                checks=self._reliability,
                calls=self._caps.calls,
            )
        told = "cheapest adequate" if good else f"most likely to succeed{doubts(self._features)}"
        return self._step(place, told)

    def failover(self, attempt: Attempt) -> Decision | None:
        """Go on to the next best after an upstream that failed, whatever its strength."""
        ranked = self._ranked(self._ahead())
        if not ranked:
            return None
        place = self._place(ranked[0][0])
        if not self._caps.allow(int(self._costs[place])):
            return None
        failed = attempt.decision.model.name
        return self._step(place, f"failover: {failed} {type(attempt.error).__name__}")

    def rescue(self, attempt: Attempt) -> Decision | None:
        """Choose between asking the same model again and another, after its answer was rejected."""
        asked = self._place(attempt.decision.model.name)
        failed = next(verdict for verdict in attempt.verdicts if not verdict.passed)
        hard = kind_of(failed.check, failed.reason) == "sense"
        others = self._others(float(self._chance[asked]), hard=hard)
        seconds = self._seconds(attempt, asked, others[0][1] if others else None)
        affordable = [option for option in (*seconds, *others) if self._caps.allow(int(option[1].cost))]
        if not affordable:
            return None
        name, prospect = best(affordable, self._enough)
        place = self._models.places.get(name)
        if place is None:
            way = Rescue(name)
            return amended(self._step(asked, f"{way}: {failed.check} said {failed.reason}"), way, attempt)
        if self._chance[place] <= self._chance[asked] and prospect.success < self._enough:
            return None
        return self._step(place, f"escalated: {failed.check} said {failed.reason}")

    def note(self, attempt: Attempt) -> None:
        self._caps.note(attempt)
        self._tried.add(self._place(attempt.decision.model.name))

    def _place(self, name: str) -> int:
        return self._models.places[name]

    @property
    def _left(self) -> list[int]:
        """The places of models that were not asked yet."""
        return [place for place in range(len(self._models)) if place not in self._tried]

    def _seconds(self, attempt: Attempt, asked: int, climb: Prospect | None) -> list[tuple[str, Prospect]]:
        """What asking the same model again promises; nothing if that was done already."""
        chance, price = float(self._chance[asked]), float(self._costs[asked])
        after = climb if climb is not None and self._caps.calls > 1 else NOWHERE
        return [
            (str(way), rescued(passes, right * chance, times * price, after))
            for way, passes, right, times in rescues(self._spec, self._request, self._features, attempt)
        ]

    def _others(self, failed: float, *, hard: bool) -> list[tuple[str, Prospect]]:
        """What every other model promises now that one with the chance `failed` has; the best climb first.

        Only a failure of sense tells that the request is `hard`: a wrong form says little of it.
        """
        told = self._ahead()
        if hard:
            told = {
                name: there._replace(success=after_failure(there.success, failed))
                for name, there in told.items()
            }
        stronger = {name: there for name, there in told.items() if self._chance[self._place(name)] > failed}
        return self._ranked(stronger or told)

    def _ahead(self) -> dict[str, Prospect]:
        """Look ahead from every model that was not asked yet."""
        names, left = self._models.names, self._left
        return prospects(
            {names[place]: float(self._chance[place]) for place in left},
            {names[place]: float(self._totals[place]) for place in left},
            enough=self._enough,
            checks=self._reliability,
            calls=self._caps.calls,
        )

    def _ranked(self, ahead: Mapping[str, Prospect]) -> list[tuple[str, Prospect]]:
        return sorted(ahead.items(), key=self._rank)

    def _rank(self, item: tuple[str, Prospect]) -> tuple[bool, float, float, str]:
        """The cheapest that is good enough, else the most successful; the stronger, the first name."""
        name, there = item
        chance = float(self._chance[self._place(name)])
        poor = self._poor(chance, there)
        best = chance if self._promised else there.success
        return (poor, -best if poor else there.cost, -chance, name)

    def _poor(self, chance: float, there: Prospect) -> bool:
        """Tell whether a start is not good enough; a promise is about the answer, not about the plan."""
        return there.success < self._enough or (self._promised and chance < self._enough)

    def _step(self, place: int, reason: str) -> Decision:
        model, chance, own = self._models[place], float(self._chance[place]), int(self._costs[place])
        return decision(
            self._spec,
            self._request,
            model,
            f"{reason} (p={chance:.2f})",
            own,
            checks=self._checks,
            last=not self._may_follow(chance, own),
        )

    def _may_follow(self, chance: float, cost: Picodollars) -> bool:
        """Tell whether there is a stronger model that calls and money will reach for."""
        if self._caps.calls <= 1 or self._best <= chance:
            return False
        if not self._tried and not self._caps.has_price:
            return True
        stronger = self._chance > chance
        if self._tried:
            stronger[list(self._tried)] = False
        if not np.count_nonzero(stronger):
            return False
        return not self._caps.has_price or self._caps.affords(cost + int(self._costs[stronger].min()))
