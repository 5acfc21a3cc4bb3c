"""What another configuration would have decided, and cost, on recorded traffic; no prompt, no model call.

Every request is decided again by the policies themselves.
Where the first choice stays, so does what was paid: that part is exact.
Where it changes, the cost is expected: the new choice's expected cost, corrected by how expectations of that
model came out in the ledger, and what its climbs have cost as often as they were needed.
"""

import gc
import math
from array import array
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from evaluators import EVALUATORS
from policies.many import reason
from policies.replay import FIRST_READ, Replayed, features_of, request_of
from router.app import Household, gather
from router.clock import SystemClock
from router.config import Config, environment, fingerprint, load
from router.deciding import NUMBERS, TEXTS, TIMES, Sort, decided
from router.errors import FarthingError, UnknownModel
from router.ledger.columns import Part, parts
from router.ledger.decisions import firsts
from router.ledger.store import Ledger, reading
from router.types import EVERYTHING, NOTHING, Decision, Features, Model, Segment

NOTED = (
    "request_id", "model", "reason", "status", "paid", "cost", "expected_cost", "told", "propensity",
)  # fmt: skip
"""What is noted of rows that were decided at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One share of the work, as a process is told it."""

    config: Path
    data: Path
    since: datetime | None
    share: tuple[int, int]


def _doubles() -> "array[float]":
    return array("d")


@dataclass(slots=True)
class Columns:
    """What became of each request, by column; not a number where nobody knows.

    `paid` is what the request cost in all, `first_cost` its first attempt, in picodollars.
    """

    ids: list[str] = field(default_factory=list)
    policies: list[str] = field(default_factory=list)
    old: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)
    paid: "array[float]" = field(default_factory=_doubles)
    first_cost: "array[float]" = field(default_factory=_doubles)
    expected_old: "array[float]" = field(default_factory=_doubles)
    expected_new: "array[float]" = field(default_factory=_doubles)
    chance_old: "array[float]" = field(default_factory=_doubles)
    chance_new: "array[float]" = field(default_factory=_doubles)
    rejected: list[bool] = field(default_factory=list)
    told: "array[float]" = field(default_factory=_doubles)
    propensity: "array[float]" = field(default_factory=_doubles)
    unforeseen: list[str] = field(default_factory=list)
    """Requests that have no prediction of a model that might serve them now: these need their vector."""
    of_this: int = 0
    reproduced: int = 0
    drawn: int = 0

    def extend(self, other: "Columns") -> None:
        """Add the requests of another share."""
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))


class Again:
    """Decides recorded requests again with one configuration."""

    def __init__(self, config: Config) -> None:
        self._told = Replayed()
        # Nothing is sent, so there is no session to send it with.
        made = gather(None, SystemClock())  # type: ignore[arg-type]
        self._house = Household(config, replace(made, moment=self._told, draw=self._told.draw))
        self._predictor = made.predictor
        self._scopes = {key.name: key.key().scopes for key in config.keys}
        self._fingerprint = fingerprint(config)

    def many(self, part: Part, out: Columns) -> None:
        """Make the first decisions of a part of the ledger again: at once, where that can be done."""
        sorts, others = decided(part, self._house, self._scopes)
        for sort in sorts:
            self._note_all(part, sort, out)
        if others:
            for row in part.rows(others):
                self.first(row, out)

    def _note_all(self, part: Part, sort: Sort, out: Columns) -> None:
        """Note what `_note` does, of rows that have arm and configuration in common."""
        at, firsts_ = sort.places, sort.firsts
        if part.columns["arm"][at[0]] == "control":
            out.drawn += len(at)
            return
        column = {name: part.columns[name][at] for name in NOTED}
        names = [*(model.name for model in sort.policy.models), ""]
        new = [names[place] for place in firsts_.model.tolist()]
        old = column["model"].tolist()
        if part.columns["config"][at[0]] == self._fingerprint:
            given = zip(
                new,
                old,
                column["reason"].tolist(),
                sort.chance_new.tolist(),
                firsts_.said.tolist(),
                firsts_.poor.tolist(),
                strict=True,
            )
            out.of_this += len(at)
            out.reproduced += sum(
                name == was and told == reason(sort.policy, chance, said, poor=poor)
                for name, was, told, chance, said, poor in given
            )
        out.ids += column["request_id"].tolist()
        out.policies += [sort.policy.name] * len(at)
        out.old += old
        out.new += new
        for name, numbers in (
            ("paid", np.nan_to_num(column["paid"])),
            ("first_cost", column["cost"]),
            ("expected_old", column["expected_cost"]),
            ("expected_new", firsts_.cost),
            ("chance_old", sort.chance_old),
            ("chance_new", sort.chance_new),
            ("told", column["told"]),
            ("propensity", column["propensity"]),
        ):
            getattr(out, name).frombytes(np.ascontiguousarray(numbers, float).tobytes())
        out.rejected += [status == "rejected" for status in column["status"].tolist()]

    def first(self, row: Mapping[str, Any], out: Columns) -> None:
        """Make the first decision of a request again, and note what came of both."""
        self._told.now = row["moment"] or NOTHING
        features = features_of(row)
        request = request_of(row, self._scopes.get(row["key"], EVERYTHING))
        name, decision = "", None
        try:
            policy = self._house.policy(row["asked"])
            absent = [model for model in policy.candidates(request) if model.name not in features.predictions]
            if absent:
                if "vector" not in row:
                    out.unforeseen.append(row["request_id"])
                    return
                features = self._complete(features, absent)
            chosen = policy.choose(request, features)
            plan, _ = chosen.plan(request, features)
            name, decision = chosen.name, next(plan, None) if plan is not None else None
        except UnknownModel:
            pass  # a model that was asked for by name is not there any more
        if row["arm"] == "control":
            out.drawn += 1
            return
        if row["config"] == self._fingerprint:
            out.of_this += 1
            out.reproduced += (
                decision is not None
                and decision.model.name == row["model"]
                and decision.reason == row["reason"]
            )
        _note(out, row, name, decision, features)

    def _complete(self, features: Features, absent: Sequence[Model]) -> Features:
        """Predict what the row has no prediction of: models that were not there."""
        added = self._predictor.predict(features.vector, absent, Segment("", features.kind))
        return replace(features, predictions={**features.predictions, **added})


def _note(
    out: Columns, row: Mapping[str, Any], policy: str, decision: Decision | None, features: Features
) -> None:
    name = decision.model.name if decision is not None else ""
    out.ids.append(row["request_id"])
    out.policies.append(policy)
    out.old.append(row["model"])
    out.new.append(name)
    out.paid.append(float(row["paid"] or 0))
    out.first_cost.append(_number(row["cost"]))
    out.expected_old.append(_number(row["expected_cost"]))
    out.expected_new.append(_number(decision.expected_cost if decision is not None else None))
    out.chance_old.append(_chance(features, row["model"]))
    out.chance_new.append(_chance(features, name))
    out.rejected.append(row["status"] == "rejected")
    out.told.append(_number(row["told"]))
    out.propensity.append(_number(row["propensity"]))


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _chance(features: Features, name: str) -> float:
    known = features.predictions.get(name)
    return known.success if known is not None else math.nan


def decide(task: Task) -> Columns:
    """Decide one share of the recorded requests again."""
    again = Again(load(task.config, environ=environment(), known_checks=EVALUATORS))
    out = Columns()
    with reading(Ledger(task.data)) as connection:
        for part in parts(connection, FIRST_READ, NUMBERS, TEXTS, TIMES, since=task.since, share=task.share):
            again.many(part, out)
        if out.unforeseen:
            columns = (*FIRST_READ, "vector")
            for row in firsts(connection, columns, since=task.since, only=out.unforeseen):
                again.first(row, out)
    return out


def _in_a_process(task: Task) -> Columns:
    # What is made here is kept or soon forgotten: to look for circles in it costs a tenth of the time.
    gc.disable()
    return decide(task)


def run(config: Path, data: Path, *, since: datetime | None = None, processes: int = 1) -> Columns:
    """Decide all recorded requests again, in several processes."""
    if not Ledger(data).database.exists():
        raise FarthingError(f"There is no ledger in {data}.")
    tasks = [Task(config=config, data=data, since=since, share=(k, processes)) for k in range(processes)]
    if processes == 1:
        return decide(tasks[0])
    out = Columns()
    # Not forked: the threads of numpy and DuckDB do not survive it.
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for part in pool.map(_in_a_process, tasks):
            out.extend(part)
    return out
