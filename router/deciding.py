"""Recorded requests decided again, many at once.

Requests are sorted by what a decision looks at beside numbers; each sort is decided by column
(`policies/many.py`), and what that cannot do is left to be decided one by one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any

import numpy as np
from numpy.typing import NDArray

from policies.choice import Choice
from policies.conditions import Condition
from policies.many import Firsts, Rows, able, decide
from policies.matching import Range
from policies.policy import RoutedPolicy
from policies.replay import Row, features_of, request_of
from policies.spilling import LATE
from policies.steps import drawn
from router.app import Household
from router.config import AUTO
from router.errors import UnknownModel
from router.ledger.columns import Part
from router.types import EVERYTHING, Endpoint, Scopes
from router.windows import within

NUMBERS = (
    "prompt_tokens", "output_limit", "choices", "cost_limit", "images", "paid", "cost", "expected_cost",
    "told", "propensity", "longest_tokens",
)  # fmt: skip
"""What is read of each row as a number."""

ALIKE = (
    "asked", "key", "team", "user", "tags", "dialect", "stream", "needs", "labels", "config", "arm",
    "repeatable", "endpoint",
)  # fmt: skip
"""What rows of one sort have in common, written out; with it go the day and conditions on numbers."""

TEXTS = ("request_id", "session", "model", "reason", "status", *ALIKE)

TIMES = ("decided",)

RESTING, FIRST_TOKEN, SPEED, KEPT = "resting:", "first_token:", "speed:", "kept:"

CATCH, ALARM, OFF, ELAPSED = "catch:", "alarm:", "off:", "elapsed"

UNDERSTOOD = (RESTING, FIRST_TOKEN, SPEED, KEPT, CATCH, ALARM, OFF, ELAPSED, "passes:")
"""How keys of a moment begin that are laid out here; `passes:` says nothing of a first step."""

DRAWS = frozenset({"weighted", "fastest_adequate"})
"""Strategies that draw."""

Doubles = NDArray[np.float64]
Flags = NDArray[np.bool_]
Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sort:
    """Rows of a part (by place) that were decided at once, by a policy, and what came out.

    `chance_old` and `chance_new` are those of the models that answered, and that would.
    """

    places: Places
    policy: RoutedPolicy
    firsts: Firsts
    chance_old: Doubles
    chance_new: Doubles


class Laid:
    """A part of the ledger, its mappings taken apart."""

    def __init__(self, part: Part) -> None:
        self.part, self.columns = part, part.columns
        self.chances = part.mappings("predictions")
        self.lengths = part.mappings("lengths")
        self.moments = part.mappings("moment")
        said = [all(key.startswith(UNDERSTOOD) for key in keys) for keys in self.moments.keys]
        self.plain = np.array(said, bool)[self.moments.which]
        """Rows at whose moment nothing else was known."""

    def sorts(self, conditions: Sequence[Condition]) -> list[Places]:
        """Give places that have everything in common, the truth of conditions on numbers included."""
        lists = [self.columns[name].tolist() for name in ALIKE]
        lists.append(self.columns["decided"].astype("datetime64[D]").tolist())
        lists += [
            flags.tolist()
            for condition in conditions
            for line, wanted in condition.uses()
            if (flags := self._meets(line, wanted)) is not None
        ]
        numbers: dict[tuple[Any, ...], int] = {}
        which = np.array([numbers.setdefault(each, len(numbers)) for each in zip(*lists, strict=True)])
        order = np.argsort(which, kind="stable")
        return np.split(order, np.cumsum(np.bincount(which))[:-1])

    def _meets(self, line: str, wanted: Any) -> Flags | None:
        """Tell which rows meet a line of a condition; `None` if it is not about numbers."""
        if line == "prompt_tokens":
            return inside(wanted, self.columns["prompt_tokens"])
        if line == "best_chance":
            return inside(wanted, np.fmax.reduce(self.chances.values, axis=1, initial=np.nan))
        if line == "mean_chance":
            counts = np.array([len(keys) for keys in self.chances.keys])[self.chances.which]
            rows = zip(self.chances.values.tolist(), counts.tolist(), strict=True)
            # Added up one after another, as the condition does: another order may end in another digit.
            return np.array([count > 0 and sum(row[:count]) / count in wanted for row, count in rows], bool)
        if line == "time":
            minutes, which = np.unique(self.columns["decided"].astype("datetime64[m]"), return_inverse=True)
            told = [within(wanted.window, each.replace(tzinfo=UTC)) for each in minutes.tolist()]
            return np.array(told, bool)[which]
        return None

    def rows(self, places: Places, policy: RoutedPolicy) -> Rows:
        """Lay out what this policy decides of."""
        names = [model.name for model in policy.models]
        checks = [check.label for check in policy.spec.checks]
        column = {name: self.columns[name][places] for name in NUMBERS}
        moments = self.moments.at(places)
        rests, first_token, speed, kept = (
            moments.of([f"{begin}{name}" for name in names]) for begin in (RESTING, FIRST_TOKEN, SPEED, KEPT)
        )
        catch, alarm, off = (
            moments.of([f"{begin}{check}" for check in checks]) for begin in (CATCH, ALARM, OFF)
        )
        elapsed = moments.of([ELAPSED])[:, 0]
        texts = zip(self.columns["session"][places], self.columns["request_id"][places], strict=True)
        draws = policy.spec.strategy in DRAWS
        numbers = [drawn(session or request) if draws else 0.0 for session, request in texts]
        return Rows(
            prompt=column["prompt_tokens"],
            window=np.where(
                np.isnan(column["longest_tokens"]), column["prompt_tokens"], column["longest_tokens"]
            ),
            limit=column["output_limit"],
            cost_limit=column["cost_limit"],
            choices=np.where(column["choices"] > 0, column["choices"], 1.0),
            images=np.nan_to_num(column["images"]),
            at=self.columns["decided"][places],
            elapsed=np.nan_to_num(elapsed),
            drawn=np.array(numbers, float),
            chance=self.chances.at(places).of(names),
            length=np.nan_to_num(self.lengths.at(places).of(names)),
            rests=np.nan_to_num(rests) != 0.0,
            first_token=first_token,
            speed=speed,
            kept=np.nan_to_num(kept),
            catch=catch,
            alarm=alarm,
            off=np.nan_to_num(off) != 0.0,
        )


def inside(wanted: Range, numbers: Doubles) -> Flags:
    """Tell of each number whether it is in a range; what is not a number is in none."""
    meets = ~np.isnan(numbers)
    if wanted.at_least is not None:
        meets &= numbers >= wanted.at_least
    if wanted.at_most is not None:
        meets &= numbers <= wanted.at_most
    if wanted.below is not None:
        meets &= numbers < wanted.below
    return np.asarray(meets, bool)


def decided(part: Part, house: Household, scopes: Mapping[str, Scopes]) -> tuple[list[Sort], list[int]]:
    """Decide what can be decided at once, and give the places of the others; `scopes` are those of keys."""
    laid, auto = Laid(part), house.policy(AUTO)
    done, left = list[Sort](), list[int]()
    sorts = laid.sorts(auto.conditions if isinstance(auto, Choice) else ())
    begin = {row["request_id"]: row for row in part.rows([int(places[0]) for places in sorts])}
    for places in sorts:
        row = begin[laid.columns["request_id"][places[0]]]
        fit, sort = _at_once(laid, places, row, house, scopes)
        left += places[~fit].tolist()
        if sort is not None:
            done.append(sort)
    return done, sorted(left)


def _at_once(
    laid: Laid, places: Places, row: Row, house: Household, scopes: Mapping[str, Scopes]
) -> tuple[Flags, Sort | None]:
    """Decide those of one sort for which that can be done, given one of them; tell which they are."""
    none = np.zeros(len(places), bool)
    try:
        asked = house.policy(row["asked"])
    except UnknownModel:
        return none, None
    request, features = request_of(row, scopes.get(row["key"], EVERYTHING)), features_of(row)
    policy = asked.choose(request, features)
    ordinary = request.endpoint is Endpoint.CHAT and LATE not in request.labels
    if not ordinary or not isinstance(policy, RoutedPolicy) or not able(policy):
        return none, None
    foreseen = laid.chances.at(places).of([model.name for model in asked.candidates(request)])
    fit = laid.plain[places] & ~np.isnan(foreseen).any(axis=1)
    if not fit.any():
        return none, None
    kept = places[fit]
    rows = laid.rows(kept, policy)
    firsts = decide(policy, request, features, rows)
    new = np.where(firsts.model < 0, np.nan, rows.chance[np.arange(len(kept)), firsts.model])
    served, which = np.unique(laid.columns["model"][kept].astype(str), return_inverse=True)
    old = laid.chances.at(kept).of(served.tolist())[np.arange(len(kept)), which]
    return fit, Sort(places=kept, policy=policy, firsts=firsts, chance_old=old, chance_new=new)
