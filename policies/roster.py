"""Who may serve at all: what model, day and needs decide, worked out once and not once a request."""

from collections.abc import Mapping, Sequence
from datetime import date
from types import MappingProxyType

from policies.candidates import Candidates
from policies.language import PolicySpec
from policies.rules import Term, each
from policies.selectors import Deny, unmet
from router.errors import Refusal
from router.seams import Rule
from router.types import NOTHING, Capability, Features, Model, Request


class Roster:
    """A policy's models, of which each day some are barred; `can_do` is the rule about what models can do.

    `asked` are the models that the policy's checks ask beside those that answer, by name.
    """

    def __init__(
        self,
        spec: PolicySpec,
        deny: Deny,
        models: Sequence[Model],
        *,
        terms: Mapping[str, Term],
        can_do: Rule | None,
        asked: Mapping[str, Model] = NOTHING,
    ) -> None:
        self._spec, self._deny, self._terms, self._can_do = spec, deny, terms, can_do
        self.models, self._asked = tuple(models), asked
        self._day: date | None = None
        self._able: dict[frozenset[Capability], tuple[Candidates, Mapping[str, Refusal]]] = {}
        self.eligible = Candidates(())
        self.barred: Mapping[str, Refusal] = NOTHING
        """The models that no request of the day may have, each with why."""
        self.preferred: frozenset[str] = frozenset()
        """The models that the policy asks first, by name."""

    def open(self, day: date) -> None:
        """Decide what depends on model and day alone, once a day: claims get old at midnight (UTC)."""
        if day == self._day:
            return
        barred: dict[str, Refusal] = {}
        for model in self.models:
            for rule, term in self._terms.items():
                reason = term(self._spec, self._deny, model, day)
                if reason is not None:
                    barred[model.name] = Refusal(rule=rule, reason=reason)
                    break
        self.barred = MappingProxyType(barred)
        self.eligible = Candidates([m for m in self.models if m.name not in barred], self._asked)
        self._able.clear()
        if self._spec.prefer is not None:
            like = self._spec.prefer
            self.preferred = frozenset(m.name for m in self.eligible if unmet(like, m, day) is None)
        self._day = day

    def who_can(self, request: Request, features: Features) -> tuple[Candidates, Mapping[str, Refusal]]:
        """Sort out who can do what the request needs, and why not the rest, the barred among them.

        It is the same for all that need the same.
        """
        if self._can_do is None or not request.needs:
            return self.eligible, self.barred
        known = self._able.get(request.needs)
        if known is None:
            reasons = each(self._can_do, request, features, self.eligible)
            unable = {name: Refusal(rule="can_do", reason=reason) for name, reason in reasons.items()}
            able = self.eligible.without(reasons)
            known = self._able[request.needs] = (able, MappingProxyType({**self.barred, **unable}))
        return known
