"""First decisions of many requests at once, by column; the same that policies make one by one.

What rules and strategies say of one request stands in their own files, and tests hold this one to them.
Here is their arithmetic, in the same order of operations, so that it comes to the same digit; left out are
promises, checks that ask models, and conversations in trouble.
Money is counted in whole doubles, exact below 9,000 USD a call.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

import numpy as np
from numpy.typing import NDArray

from policies.candidates import Candidates, Flags, Places
from policies.fastest_adequate import TRIED_OUT
from policies.language import PolicySpec
from policies.policy import RoutedPolicy
from policies.priors import ALIKE, ANSWERS_ASKED, CHECKS, SEEN_IN_TIME, UNKNOWN_CHECK
from policies.prospects import EVER
from policies.rules import WithinCost
from router.predictions import Doubles
from router.pricing import quote
from router.types import Endpoint, Features, Model, Release, Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Requests (n) that need the same, with the same key, on the same day, streamed or not.

    `window` are the tokens that a context window must hold at once.
    `limit` (tokens) and `cost_limit` (picodollars) are NaN where there is none.
    `at` are instants (datetime64, UTC), `elapsed` milliseconds since the call came, and `drawn` what
    `steps.draw` gives, where the strategy asks.
    `chance`, `length` (predicted), `rests`, `first_token` (ms) and `speed` (tokens a second), NaN where that
    was not measured, and `kept` (picodollars that staying saves) are (n, models), in the policy's order.
    `catch` and `alarm` are (n, checks), NaN where they were not measured; a check that is `off` is not run.
    """

    prompt: Doubles
    window: Doubles
    limit: Doubles
    cost_limit: Doubles
    choices: Doubles
    images: Doubles
    at: NDArray[np.datetime64]
    elapsed: Doubles
    drawn: Doubles
    chance: Doubles
    length: Doubles
    rests: Flags
    first_token: Doubles
    speed: Doubles
    kept: Doubles
    catch: Doubles
    alarm: Doubles
    off: Flags


@dataclass(frozen=True, slots=True, kw_only=True)
class Firsts:
    """Which model each request begins with, as a place among the policy's models (-1: it is refused).

    `cost` is what that is expected to cost (NaN: unpriced), `poor` tells where the start is not good enough;
    `said` is a number that the reason gives: the share that was drawn, or the milliseconds it may take.
    """

    model: Places
    cost: Doubles
    poor: Flags
    said: Doubles


def able(policy: RoutedPolicy) -> bool:
    """Tell whether a policy's first decisions can be made here, as long as no conversation is known."""
    spec = policy.spec
    asked = any(check.name in ANSWERS_ASKED for check in spec.checks)
    return policy.endpoint is Endpoint.CHAT and spec.promise is None and not asked


def decide(policy: RoutedPolicy, request: Request, features: Features, rows: Rows) -> Firsts:
    """Decide rows of which `request` and `features` are one: what they have in common is taken from it."""
    models = Candidates(policy.models)
    costs = _costs(models, rows)
    allowed = _allowed(policy, request, features, rows, costs, models.windows)
    if policy.spec.prefer is not None:
        preferred = policy.preferred(features)
        liked = allowed & np.array([model.name in preferred for model in models])
        some = liked.any(axis=1, keepdims=True)
        allowed = np.where(some, liked, allowed & (policy.spec.spill != "refuse"))
    served = allowed.any(axis=1)
    said, poor = np.full(len(rows.prompt), np.nan), np.zeros(len(rows.prompt), np.bool_)
    match policy.spec.strategy:
        case "cheapest_adequate":
            costs = np.nan_to_num(costs)
            model, poor = _cheapest(policy.spec, request, rows, costs - rows.kept, allowed, models)
        case "weighted":
            model, said = _drawn(policy.spec, rows, allowed, models)
        case "fastest_adequate":
            model, said = _fastest(policy.spec, rows, costs, allowed, models, stream=request.stream)
        case _:
            model = allowed.argmax(axis=1)
    cost = np.where(served, costs[np.arange(len(model)), model], np.nan)
    return Firsts(model=np.where(served, model, -1).astype(np.int64), cost=cost, poor=poor, said=said)


def reason(policy: RoutedPolicy, chance: float, said: float, *, poor: bool) -> str:
    """Say what the strategy says of such a first step."""
    match policy.spec.strategy:
        case "cheapest_adequate":
            return f"{'most likely to succeed' if poor else 'cheapest adequate'} (p={chance:.2f})"
        case "weighted":
            return f"drawn, with a share of {said:.0%}"
        case "fastest_adequate":
            pace = "not measured lately" if np.isnan(said) else f"{said:.0f} ms"
            return f"fastest adequate ({pace}, p={chance:.2f})"
        case "cascade":
            return "step 1 of the cascade"
        case "pinned":
            return "pinned"


def _costs(candidates: Candidates, rows: Rows) -> Doubles:
    """What answers are expected to cost, (n, models), NaN where a model is unpriced."""
    limit = np.where(np.isnan(rows.limit), np.inf, rows.limit)[:, None]
    output = candidates.output(rows.length, limit, rows.choices[:, None])
    costs = candidates.priced_at(rows.prompt[:, None], output, rows.images[:, None])
    costs[:, ~candidates.priced] = np.nan
    for place, model in candidates.varied:
        at = rows.at.astype("datetime64[us]").tolist()
        given = zip(rows.prompt, output[:, place], at, rows.images, strict=True)
        costs[:, place] = [
            quote(
                model,
                input_tokens=int(tokens),
                output_tokens=float(out),
                at=at.replace(tzinfo=UTC),
                images=int(images),
            )
            for tokens, out, at, images in given
        ]
    return costs


def _allowed(
    policy: RoutedPolicy, request: Request, features: Features, rows: Rows, costs: Doubles, windows: Doubles
) -> Flags:
    """Who may serve which request (n, models); those that rest if there is nobody else."""
    may = {model.name for model in policy.able(request, features)}
    allowed = np.tile(np.array([model.name in may for model in policy.models]), (len(rows.prompt), 1))
    if "fits_context" in policy.rules:
        limit = rows.limit[:, None]
        answer = np.where(np.isnan(limit), np.rint(rows.length), limit)
        allowed &= rows.window[:, None] + answer <= windows
    rule = policy.rules["within_cost"]
    assert isinstance(rule, WithinCost)
    ceiling = np.fmin(rows.cost_limit, np.nan if rule.ceiling is None else float(rule.ceiling))[:, None]
    allowed &= np.isnan(ceiling) | (costs <= ceiling)
    if "soon_enough" in policy.rules and policy.spec.max_first_token_ms is not None:
        allowed &= ~(rows.first_token > policy.spec.max_first_token_ms)
    if "in_time" in policy.rules and policy.spec.deadline_ms is not None:
        left = (policy.spec.deadline_ms - rows.elapsed)[:, None]
        allowed &= (left > 0) & ~(_probable(rows) > left)
    if "healthy" not in policy.rules:
        return allowed
    awake = allowed & ~rows.rests
    return np.where(awake.any(axis=1, keepdims=True), awake, allowed)


def _probable(rows: Rows) -> Doubles:
    """How long whole answers will probably take (ms); see `rules.probable_ms`."""
    with np.errstate(divide="ignore", invalid="ignore"):
        written = np.where(rows.speed > 0, rows.length / rows.speed * 1000, 0.0)
    return np.asarray(rows.first_token + written, float)


def _drawn(spec: PolicySpec, rows: Rows, allowed: Flags, models: Sequence[Model]) -> tuple[Places, Doubles]:
    """Draw by the weights, and tell the shares; see `weighted`."""
    weights = [1.0 if spec.weights is None else spec.weights.get(model.name, 0.0) for model in models]
    ranked = sorted(range(len(models)), key=lambda place: (-weights[place], models[place].name))
    model, share = np.zeros(len(allowed), np.int64), np.zeros(len(allowed))
    for who in np.unique(allowed, axis=0):
        if not who.any():
            continue
        mine = (allowed == who).all(axis=1)
        order = [place for place in ranked if who[place]]
        total = sum(weights[place] for place in range(len(models)) if who[place])
        found, left = np.full(int(mine.sum()), -1), rows.drawn[mine] * total
        for place in order:
            left = left - weights[place]
            found = np.where((found < 0) & (left < 0) & (total > 0), place, found)
        model[mine] = np.where(found < 0, order[0], found)
        share[mine] = np.array(weights)[model[mine]] / (total or 1.0)
    return model, share


def _fastest(
    spec: PolicySpec, rows: Rows, costs: Doubles, allowed: Flags, models: Sequence[Model], *, stream: bool
) -> tuple[Places, Doubles]:
    """Find the adequate model that answers soonest, and how soon; see `fastest_adequate`."""
    taken = rows.first_token if stream else _probable(rows)
    unknown = np.where(rows.drawn < TRIED_OUT, 0.0, np.inf)[:, None]
    names = np.argsort(np.argsort([model.name for model in models]))
    enough = spec.share * np.where(allowed, rows.chance, -np.inf).max(axis=1, keepdims=True)
    keys = (
        np.broadcast_to(names, taken.shape),
        -rows.chance,
        np.nan_to_num(costs),
        np.where(np.isnan(taken), unknown, taken),
        rows.chance < enough,
        ~allowed,
    )
    model = np.lexsort(keys, axis=-1)[:, 0]
    return model, taken[np.arange(len(model)), model]


def _cheapest(
    spec: PolicySpec,
    request: Request,
    rows: Rows,
    costs: Doubles,
    allowed: Flags,
    models: Sequence[Model],
) -> tuple[Places, Flags]:
    """Find the start of the cheapest adequate plan, and whether it is poor; see `prospects.prospects`."""
    chance = rows.chance
    catch, alarm = _checked(spec, rows, spec.stream_release if request.stream else Release.HELD)
    names = np.argsort(np.argsort([model.name for model in models]))
    enough = spec.share * np.where(allowed, chance, -np.inf).max(axis=1)
    order = np.lexsort((np.broadcast_to(names, chance.shape), costs, -chance, ~allowed), axis=-1)
    here = np.arange(len(chance))
    calls = spec.escalation.max_calls
    best = _Best(len(chance))
    climb_cost = climb_success = np.zeros(len(chance))
    for step in range(len(models)):
        place = order[:, step]
        p, own = chance[here, place], costs[here, place]
        cost, success = own, p
        if step and calls > 1:
            caught, condemned = (1.0 - p) * catch, p * alarm
            after = _after_failure(climb_success, p)
            success = p - condemned + caught * after + condemned * climb_success
            cost = own + (caught + condemned) * climb_cost
        there = allowed[here, place]
        best.offer(place, there, success < enough, success, cost, p, names[place])
        if calls < EVER:
            cost, success = own, p
        climbs = there & ((success >= enough) & (cost < climb_cost)) if step else there
        climb_cost = np.where(climbs, cost, climb_cost)
        climb_success = np.where(climbs, success, climb_success)
    return best.place, best.poor


def _checked(spec: PolicySpec, rows: Rows, release: Release) -> tuple[Doubles, Doubles]:
    """What the checks together catch and condemn in time; see `standing.reliability`."""
    missed, silent = np.ones(len(rows.prompt)), np.ones(len(rows.prompt))
    for place, check in enumerate(spec.checks):
        prior = CHECKS.get(check.label, UNKNOWN_CHECK)
        catch = np.where(np.isnan(rows.catch[:, place]), prior.catch, rows.catch[:, place])
        alarm = np.where(np.isnan(rows.alarm[:, place]), prior.alarm, rows.alarm[:, place])
        missed *= 1.0 - np.where(rows.off[:, place], 0.0, catch)
        silent *= 1.0 - np.where(rows.off[:, place], 0.0, alarm)
    share = SEEN_IN_TIME[release]
    return share * (1.0 - missed), share * (1.0 - silent)


class _Best:
    """The best start of each request so far: not poor, then cheap (or likely), strong, the first name."""

    def __init__(self, count: int) -> None:
        self.place = np.zeros(count, np.int64)
        self.poor = np.ones(count, bool)
        self._keys = [np.full(count, np.inf) for _ in range(4)]

    def offer(
        self, place: Places, there: Flags, poor: Flags, success: Doubles, cost: Doubles, p: Doubles, name: Any
    ) -> None:
        keys = [poor.astype(float), np.where(poor, -success, cost), -p, name.astype(float)]
        less, same = np.zeros(len(place), bool), there.copy()
        for new, old in zip(keys, self._keys, strict=True):
            less |= same & (new < old)
            same &= new == old
        self.place[less], self.poor[less] = place[less], poor[less]
        self._keys = [np.where(less, new, old) for new, old in zip(keys, self._keys, strict=True)]


def _after_failure(success: Doubles, failed: Doubles) -> Doubles:
    """`prospects.after_failure` of each."""
    with np.errstate(divide="ignore", invalid="ignore"):
        told = ALIKE * np.sqrt(success * (1.0 - success) * failed / (1.0 - failed))
        left = np.maximum(np.maximum(success - told, (success - failed) / (1.0 - failed)), 0.0)
    open_ = (failed > 0.0) & (failed < 1.0) & (success > 0.0) & (success < 1.0)
    return np.asarray(np.where(open_, left, success), float)
