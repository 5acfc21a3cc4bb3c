"""A policy at work: its rules strike out models, its strategy orders the rest."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TypeAlias

from policies.bearings import Bearings, Checks
from policies.candidates import Candidates
from policies.cascade import Cascade
from policies.cheapest_adequate import CheapestAdequate
from policies.control import Controlled, cheapest
from policies.fastest_adequate import FastestAdequate
from policies.language import PolicySpec
from policies.meters import Health, Latency
from policies.pinned import Pinned, Sole
from policies.roster import Roster
from policies.rules import PASSING, RULES, TERMS, sieve
from policies.selectors import Deny
from policies.sides import beside_chat, not_one, not_serving
from policies.spilling import LATE, tiers, told
from policies.standing import latched
from policies.steps import in_turn, passed_over
from policies.weighted import Weighted
from router.errors import Refusal
from router.seams import Evaluator, Plan, Strategy
from router.types import NOTHING, Endpoint, Features, Model, Request

STRATEGIES: Mapping[str, Callable[[PolicySpec], Strategy]] = MappingProxyType(
    {
        "cheapest_adequate": CheapestAdequate,
        "cascade": Cascade,
        "pinned": Pinned,
        "weighted": Weighted,
        "fastest_adequate": FastestAdequate,
    }
)

ALWAYS_FOR_PINNED = frozenset({"in_scope", "within_cost", "not_denied", "priced"})
"""Whoever names a model has decided what it can do; what it may cost, and what is denied to all, holds."""

Moment: TypeAlias = Callable[[float], Mapping[str, float]]
"""Tells the state of the house, given the milliseconds since the request came."""

NOTHING_DENIED = Deny()

RETRY_AFTER = 60.0
"""Seconds after which a refusal that passes is worth another try, where nothing tells."""


class RoutedPolicy:
    """A `PolicySpec` over the models of a catalogue; keeps the state of no request.

    `deny` is what no policy may use; `latency` is asked by policies that say how fast an answer must be.
    `moment` replaces what meters say of now: for decisions that are made again.
    `asked` are the models that its checks may ask, by name.
    It is for one `endpoint`, with those of the models that serve it; for others it has sides.
    """

    def __init__(  # noqa: PLR0913 - handed its parts by name
        self,
        name: str,
        spec: PolicySpec,
        models: Sequence[Model],
        *,
        health: Health,
        strongest: Model | None,
        evaluators: Mapping[str, Evaluator] = NOTHING,
        bearings: Bearings | None = None,
        latency: Latency | None = None,
        deny: Deny = NOTHING_DENIED,
        moment: Moment | None = None,
        draw: Callable[[], float] = random.random,
        endpoint: Endpoint = Endpoint.CHAT,
        asked: Mapping[str, Model] = NOTHING,
    ) -> None:
        self.name, self.spec, self.strongest, self.deny = name, spec, strongest, deny
        self.evaluators, self.endpoint = evaluators, endpoint
        self._all, self._sides = tuple(models), {endpoint: self}
        self.models = tuple(model for model in models if model.does(endpoint))
        self.cheapest = cheapest(self.models)
        self._clock, self._health, self._latency = health.clock, health, latency
        self._told, self._moment, self._bearings = moment, moment or self._now, bearings
        self._checks = Checks.of(spec)
        kept = ALWAYS_FOR_PINNED if spec.strategy == "pinned" else RULES.keys() | TERMS.keys()
        self._terms = {name: term for name, term in TERMS.items() if name in kept}
        self.rules = {name: make(spec) for name, make in RULES.items() if name in kept}
        self._sieves = [(name, sieve(rule)) for name, rule in self.rules.items() if name != "can_do"]
        self._passing = [(name, rule) for name, rule in self.rules.items() if name in PASSING]
        strategy = (Sole if endpoint is Endpoint.EMBEDDINGS else STRATEGIES[spec.strategy])(spec)
        self._strategy = Controlled(strategy, spec, strongest, draw) if spec.control else strategy
        self.asked = asked
        self._roster = Roster(
            spec, deny, self.models, terms=self._terms, can_do=self.rules.get("can_do"), asked=asked
        )

    def candidates(self, request: Request, /) -> Sequence[Model]:
        return self.side(request.endpoint).models

    def choose(self, request: Request, features: Features, /) -> "RoutedPolicy":  # noqa: ARG002 - the seam
        """Give the policy that is for this request: this one, or its side for what is no chat."""
        return self.side(request.endpoint)

    def side(self, endpoint: Endpoint) -> "RoutedPolicy":
        """Give this policy as it is for an endpoint; beside chat no savings are reckoned."""
        if endpoint not in self._sides:
            self._sides[endpoint] = RoutedPolicy(
                self.name,
                beside_chat(self.spec),
                self._all,
                health=self._health,
                latency=self._latency,
                strongest=None,
                deny=self.deny,
                moment=self._told,
                endpoint=endpoint,
                asked=self.asked,
            )
        return self._sides[endpoint]

    def plan(self, request: Request, features: Features, /) -> tuple[Plan | None, Mapping[str, Refusal]]:
        """Strike out and order.

        If only resting models are left they are asked after all: a last resort is better than none
        (Envoy's panic threshold).
        """
        if request.incomparable and len(self.models) > 1:
            return None, not_one(request, self.models)
        began = self._clock.monotonic()
        roster = self._open(features)
        moment = self._moment(0.0)
        if moment:
            features = replace(features, moment=moment)
        able, unable = roster.who_can(request, features)
        allowed, refused = self._sifted(request, features, able)
        last_resort = not allowed
        if last_resort:
            allowed = able.only({name for name, why in refused.items() if why.rule == "healthy"})
            for model in allowed:
                del refused[model.name]
        features, allowed = self._oriented(request, features, allowed, refused)
        ordered = tiers(self.spec, request, allowed, roster.preferred, refused)
        every = {**unable, **refused} if refused else unable
        if not ordered:
            return None, self._all_told(request, features, every)
        if len(ordered) == 1:
            plan = self._strategy(request, features, ordered[0])
        else:
            plan = in_turn(self._strategy, request, features, ordered, self.spec)
        if LATE in request.labels and self.spec.prefer is not None:
            plan = told(plan, roster.preferred)
        return self._guarded(plan, request, features, began, last_resort=last_resort), every

    def barred(self, features: Features) -> Mapping[str, Refusal]:
        """The models that no request of that day may have, each with why."""
        return self._open(features).barred

    def preferred(self, features: Features) -> frozenset[str]:
        """The models that the policy asks first, by name."""
        return self._open(features).preferred

    def able(self, request: Request, features: Features) -> Sequence[Model]:
        """The models that may serve everything that needs the same, with the same key, on the same day."""
        able, _ = self._open(features).who_can(request, features)
        rule = self.rules["in_scope"]
        return [model for model in able if rule(request, features, model) is None]

    def reasons(self, request: Request, features: Features, model: Model) -> Iterator[tuple[str, str]]:
        """Give every rule that strikes out `model`, not the first alone, with its reason."""
        day = (features.at or self._clock.now()).date()
        for name, term in self._terms.items():
            if (reason := term(self.spec, self.deny, model, day)) is not None:
                yield name, reason
        for name, rule in self.rules.items():
            if (reason := rule(request, features, model)) is not None:
                yield name, reason

    def _open(self, features: Features) -> Roster:
        self._roster.open((features.at or self._clock.now()).date())
        return self._roster

    def _sifted(
        self, request: Request, features: Features, allowed: Candidates
    ) -> tuple[Candidates, dict[str, Refusal]]:
        refused: dict[str, Refusal] = {}
        for name, strikes in self._sieves:
            reasons = strikes(request, features, allowed)
            if reasons:
                allowed = allowed.without(reasons)
                refused |= {model: _refusal(name, why, features, model) for model, why in reasons.items()}
        return allowed, refused

    def _all_told(
        self, request: Request, features: Features, refused: Mapping[str, Refusal]
    ) -> Mapping[str, Refusal]:
        """Tell of each model every rule that refuses it: here nobody is served, so there is time."""
        rules = {m.name: [rule for rule, _ in self.reasons(request, features, m)] for m in self.models}
        told = {
            name: replace(first, also=tuple(rule for rule in rules[name] if rule != first.rule))
            for name, first in refused.items()
        }
        return told | not_serving(self._all, self.endpoint)

    def _oriented(
        self, request: Request, features: Features, allowed: Candidates, refused: dict[str, Refusal]
    ) -> tuple[Features, Candidates]:
        """Add what is known of the conversation and of the checks, and keep to stronger models in trouble."""
        if self._bearings is not None and allowed:
            told = self._bearings.moment(self.name, self.spec, self._checks, request, features)
            if told:
                # Where a decision is made again, what was known then counts.
                features = replace(features, moment={**told, **features.moment})
        if not features.moment:
            return features, allowed
        weak = latched(features, allowed)
        if weak:
            refused |= {model: Refusal(rule="latch", reason=reason) for model, reason in weak.items()}
            allowed = allowed.without(weak)
        return features, allowed

    def _guarded(
        self, plan: Plan, request: Request, features: Features, began: float, *, last_resort: bool
    ) -> Plan:
        """Ask rules whose answers change before each further step, and pass over what they refuse now."""
        moment = features.moment
        try:
            decision = next(plan)
            while True:
                attempt = yield replace(decision, moment=moment) if moment else decision
                decision = plan.send(attempt)
                moment = self._moment((self._clock.monotonic() - began) * 1000)
                while moment and (
                    reason := self._refused_now(
                        request, replace(features, moment=moment), decision.model, last_resort=last_resort
                    )
                ):
                    decision = plan.send(passed_over(decision, reason, attempt))
        except StopIteration:
            return
        finally:
            plan.close()

    def _refused_now(
        self, request: Request, features: Features, model: Model, *, last_resort: bool
    ) -> str | None:
        for name, rule in self._passing:
            if last_resort and name == "healthy":
                continue
            reason = rule(request, features, model)
            if reason is not None:
                return reason
        return None

    def _now(self, elapsed: float) -> Mapping[str, float]:
        resting = self._health.moment()
        spec = self.spec
        timed = spec.max_first_token_ms is not None or spec.deadline_ms is not None
        if not timed and spec.strategy != "fastest_adequate":
            return resting
        pace = self._latency.moment(model.name for model in self._roster.eligible) if self._latency else {}
        told = {**resting, **pace}
        if spec.deadline_ms is not None:
            told["elapsed"] = round(elapsed, 1)
        return told


def _refusal(rule: str, reason: str, features: Features, model: str) -> Refusal:
    after = features.moment.get(f"resting:{model}", RETRY_AFTER) if rule in PASSING else None
    return Refusal(rule=rule, reason=reason, retry_after=after)
