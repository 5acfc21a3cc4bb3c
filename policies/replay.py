"""Decisions made again: a ledger's rows are put into a policy as requests, and come out as its decisions.

A decision reads nothing but the request and its features, and the ledger keeps what it read;
so the same policy decides the same, without prompts, without asking any model.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

import router.errors
from router.errors import Refusal, UpstreamError
from router.predictions import Predictions, lineup
from router.seams import Policy
from router.types import (
    EVERYTHING,
    NOTHING,
    ONE_SPACE,
    Attempt,
    Capability,
    Charge,
    Decision,
    Endpoint,
    Features,
    Grade,
    Limits,
    Principal,
    Reply,
    Request,
    Scopes,
    Status,
    Usage,
    Verdict,
)

Row: TypeAlias = Mapping[str, Any]
"""A row of the ledger, by column."""

READ = (
    "request_id", "attempt", "status", "error", "key", "team", "user", "tags", "session", "run", "batch",
    "dialect", "stream", "policy", "config", "asked", "model", "reason", "prompt_tokens", "images", "needs",
    "output_limit", "choices", "cost_limit", "labels", "predictions", "lengths", "vector", "scale", "kind",
    "decided", "moment", "repeatable", "whole", "verdicts", "verdict_cost", "duration_ms", "cost",
    "expected_cost", "variant", "time", "arm", "propensity", "endpoint", "longest_tokens",
)  # fmt: skip
"""The columns that a decision is made of."""

LATER = frozenset({"verdicts", "verdict_cost", "duration_ms", "whole", "variant", "attempt", "time", "scale"})

FIRST_READ = tuple(name for name in READ if name not in LATER | {"vector"})
"""Those that the first decision of a request is made of, and what came of it."""


class Replayed:
    """The moment of a decision that is made again, told to policies in the place of their meters."""

    def __init__(self) -> None:
        self.now: Mapping[str, float] = NOTHING

    def __call__(self, elapsed: float) -> Mapping[str, float]:  # noqa: ARG002 - it is in the moment already
        return self.now

    def draw(self) -> float:
        """Draw no control: a control is drawn, not decided."""
        return 1.0 - 2**-53


def request_of(row: Row, scopes: Scopes = EVERYTHING) -> Request:
    """Make of a row the request as far as decisions look at it; it has no text."""
    endpoint = Endpoint(row["endpoint"] or Endpoint.CHAT)
    return Request(
        id=row["request_id"],
        asked=row["asked"],
        dialect=row["dialect"],
        principal=Principal(
            key=row["key"],
            team=row["team"],
            user=row["user"],
            tags=tuple(row["tags"] or ()),
            session=row["session"],
            run=row["run"],
            batch=row["batch"],
            scopes=scopes,
        ),
        turns=(),
        body=NOTHING,
        stream=row["stream"],
        needs=frozenset(map(Capability, row["needs"] or ())),
        limits=Limits(output_tokens=row["output_limit"], cost=row["cost_limit"], choices=row["choices"] or 1),
        labels=row["labels"] or NOTHING,
        repeatable=bool(row["repeatable"]),
        endpoint=endpoint,
        incomparable=ONE_SPACE if endpoint is Endpoint.EMBEDDINGS else "",
    )


def features_of(row: Row) -> Features:
    """Make of a row what was told of its request, digit for digit."""
    chances, lengths = row["predictions"] or {}, row["lengths"] or {}
    return Features(
        prompt_tokens=row["prompt_tokens"],
        predictions=Predictions(
            lineup(tuple(chances)),
            np.array(list(chances.values()), float),
            np.array([lengths.get(name, 0.0) for name in chances], float),
        ),
        vector=tuple(row.get("vector") or ()),
        scale=row.get("scale") or "",
        kind=row["kind"] or "",
        at=row["decided"],
        images=row["images"] or 0,
        longest=row["longest_tokens"],
    )


def attempt_of(row: Row, decision: Decision) -> Attempt:
    """Make of a row what a plan is sent: how the attempt went, as far as the next decision looks at it."""
    costs = row["verdict_cost"] or {}
    return Attempt(
        number=row["attempt"],
        decision=decision,
        status=Status(row["status"]),
        started=row["time"],
        duration_ms=row["duration_ms"],
        reply=None if row["whole"] is None else Reply(complete=row["whole"]),
        error=_error(row["error"]),
        verdicts=tuple(
            Verdict(check=check, passed=said == "pass", reason=said, cost=costs.get(check, 0))
            for check, said in (row["verdicts"] or {}).items()
        ),
        usage=Usage(),
        charge=Charge(amount=row["cost"], bound=row["cost"], grade=Grade.COMPUTED),
    )


def _error(name: str | None) -> Exception | None:
    if name is None:
        return None
    kind = getattr(router.errors, name, UpstreamError)
    return kind() if issubclass(kind, UpstreamError) else UpstreamError(name)


def decided_again(
    policy: Policy,
    rows: Sequence[Row],
    replayed: Replayed,
    *,
    scopes: Scopes = EVERYTHING,
    below: Mapping[str, Policy] = NOTHING,
) -> Iterator[tuple[Row, Decision | None, Mapping[str, Refusal]]]:
    """Give for each of one request's rows what `policy` decides in its place; `None`: nothing.

    It ends with the first other decision: what would have come of that nobody knows.
    `scopes` are the key's, and `below` are the policies that take over, by the one they do it for, when a
    budget runs low: where the row says that one did, it decides again.
    """
    first = rows[0]
    request, features = request_of(first, scopes), features_of(first)
    replayed.now = first["moment"] or NOTHING
    chosen = policy.choose(request, features)
    lower = below.get(chosen.name)
    if lower is not None and lower.name == first["policy"]:
        chosen = lower.choose(request, features)
    plan, refused = chosen.plan(request, features)
    if plan is None:
        yield first, None, refused
        return
    decision: Decision | None = next(plan, None)
    for position, row in enumerate(rows):
        yield row, decision, refused
        if decision is None or not same(row, decision) or position + 1 == len(rows):
            break
        replayed.now = rows[position + 1]["moment"] or NOTHING
        try:
            decision = plan.send(attempt_of(row, decision))
        except StopIteration:
            decision = None
    plan.close()


def same(row: Row, decision: Decision | None) -> bool:
    """Tell whether a decision is the one that was written down: model, reason, way and expected cost."""
    return decision is not None and (
        decision.model.name == row["model"]
        and decision.reason == row["reason"]
        and decision.variant == (row["variant"] or "")
        and decision.expected_cost == row["expected_cost"]
    )
