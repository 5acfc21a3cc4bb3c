"""Evidence out of the ledger: the newest judged answers, within bounds."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

import numpy as np
from duckdb import DuckDBPyConnection

from policies.priors import CHECKS, UNKNOWN_CHECK, together
from router.learning.evidence import Evidence
from router.types import Segment

MOST = 10_000
"""Outcomes looked at, and as many verdicts of checks: the newest. Bounds time and memory."""

WINDOW = timedelta(days=90)

JUDGED = """
WITH told AS (
  SELECT request_id, avg(coalesce(score, CASE verdict WHEN 'pass' THEN 1.0 WHEN 'fail' THEN 0.0 END)) AS score
  FROM outcomes WHERE time >= $oldest GROUP BY request_id
), judged AS (
  SELECT l.time, l.model, l.policy, l.kind, l.status, l.scale, l.vector, l.verdicts, l.output_tokens,
         l.predictions[l.model] AS promised, l.request_id, l.session,
         l.attempt > 1 AND NOT starts_with(l.reason, 'failover') AS after,
         CASE WHEN l.status = 'accepted' OR l.final THEN told.score END AS score
  FROM ledger l LEFT JOIN told USING (request_id)
  WHERE NOT coalesce(list_contains(l.tags, 'farthing-calibrate'), false)
    AND l.purpose = 'answer' AND l.status IN ('accepted', 'rejected') AND l.time >= $oldest
    AND l.overturned IS NOT TRUE  -- it said what was accepted in the end: condemned by mistake
)
(SELECT * FROM judged WHERE score IS NOT NULL ORDER BY time DESC LIMIT $most)
UNION ALL
(SELECT * FROM judged WHERE score IS NULL AND cardinality(verdicts) > 0 ORDER BY time DESC LIMIT $most)
"""

UNKNOWN_MODEL = "the model is not in the catalogue any more"
OTHER_SCALE = "described by another classifier"
FORGOTTEN = "before a reset"


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """From when on evidence counts: in general, for a model, for a policy."""

    everything: datetime | None = None
    models: Mapping[str, datetime] = field(default_factory=lambda: MappingProxyType({}))
    policies: Mapping[str, datetime] = field(default_factory=lambda: MappingProxyType({}))

    def covers(self, time: datetime, model: str, policy: str) -> bool:
        marks = (self.everything, self.models.get(model), self.policies.get(policy))
        return any(mark is not None and time < mark for mark in marks)

    @classmethod
    def of(cls, content: Mapping[str, Any] | None) -> "Forgotten":
        if content is None:
            return cls()
        everything = content.get("everything")
        return cls(
            everything=datetime.fromisoformat(everything) if everything else None,
            **{
                part: {name: datetime.fromisoformat(time) for name, time in content.get(part, {}).items()}
                for part in ("models", "policies")
            },
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """Evidence with the instants and the groups (session, else request) it is from, and what was left out."""

    evidence: Evidence
    times: Sequence[datetime]
    groups: Sequence[str]
    ignored: Mapping[str, int]


def gather(
    connection: DuckDBPyConnection,
    *,
    models: Sequence[str],
    scale: str,
    now: datetime,
    forgotten: Forgotten,
    most: int = MOST,
) -> Gathered:
    """Read what is known of the `models` of the catalogue, oldest first."""
    oldest = (now - WINDOW).astimezone(UTC).replace(tzinfo=None)
    cursor = connection.execute(JUDGED, {"oldest": oldest, "most": most})
    names = [column[0] for column in cursor.description or ()]
    rows = [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]
    rows.sort(key=lambda row: (row["time"], row["request_id"]))
    ignored: Counter[str] = Counter()
    kept = []
    for row in rows:
        row["time"] = row["time"].replace(tzinfo=UTC)
        reason = _useless(row, frozenset(models), scale, forgotten)
        if reason is not None:
            ignored[reason] += 1
        else:
            kept.append(row)
    return Gathered(
        evidence=_evidence(kept, now),
        times=[row["time"] for row in kept],
        groups=[row["session"] or row["request_id"] for row in kept],
        ignored=dict(ignored),
    )


def _useless(row: Mapping[str, Any], models: frozenset[str], scale: str, forgotten: Forgotten) -> str | None:
    if row["model"] not in models:
        return UNKNOWN_MODEL
    if row["scale"] != scale or not row["vector"]:
        return OTHER_SCALE
    return FORGOTTEN if forgotten.covers(row["time"], row["model"], row["policy"]) else None


def _evidence(rows: Sequence[Mapping[str, Any]], now: datetime) -> Evidence:
    models = sorted({row["model"] for row in rows})
    segments = sorted({Segment(row["policy"], row["kind"] or "") for row in rows})
    at = {segment: position for position, segment in enumerate(segments)}
    read = [_result(row) for row in rows]
    unknown = float("nan")
    return Evidence(
        models=tuple(models),
        segments=tuple(segments),
        model=np.array([models.index(row["model"]) for row in rows], np.intp),
        segment=np.array([at[Segment(row["policy"], row["kind"] or "")] for row in rows], np.intp),
        vectors=np.array([row["vector"] for row in rows], float),
        result=np.array([result for result, _, _ in read], float),
        base=np.array([base for _, base, _ in read], float),
        gain=np.array([gain for _, _, gain in read], float),
        told=np.array([row["score"] is not None for row in rows], bool),
        after=np.array([bool(row["after"]) for row in rows], bool),
        days=np.array([max((now - row["time"]).total_seconds(), 0.0) / 86_400 for row in rows], float),
        tokens=np.array([row["output_tokens"] or unknown for row in rows], float),
        promised=np.array([unknown if row["promised"] is None else row["promised"] for row in rows], float),
    )


def _result(row: Mapping[str, Any]) -> tuple[float, float, float]:
    """Return (result, base, gain); see `Evidence`."""
    if row["score"] is not None:
        return min(max(float(row["score"]), 0.0), 1.0), 0.0, 1.0
    worth = together({check: CHECKS.get(check, UNKNOWN_CHECK) for check in row["verdicts"]})
    return float(row["status"] == "accepted"), 1.0 - worth.catch, max(worth.catch - worth.alarm, 0.01)
