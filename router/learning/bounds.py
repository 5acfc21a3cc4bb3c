"""How often a policy's accepted answers fail, as far as outcomes tell: a bound with a stated confidence."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from duckdb import DuckDBPyConnection

from evaluators.calibration import Audit, examples_needed, share_ahead, upper_bound
from router.learning.gather import WINDOW

AHEAD = 1_000
"""Accepted answers to come for which is said how many will fail."""

FEWEST = 20
"""Outcomes below which nothing is stated."""

COUNTED = """
WITH told AS (
  SELECT request_id, avg(coalesce(score, CASE verdict WHEN 'pass' THEN 1.0 WHEN 'fail' THEN 0.0 END)) AS score
  FROM outcomes WHERE time >= $oldest GROUP BY request_id
)
SELECT count(*), count(*) FILTER (told.score < 0.5),
       (SELECT count(*) FROM ledger WHERE policy = $policy AND time >= $oldest
        AND purpose = 'answer' AND status = 'accepted')
FROM ledger l JOIN told USING (request_id)
WHERE l.policy = $policy AND l.time >= $oldest AND l.purpose = 'answer' AND l.status = 'accepted'
  AND told.score IS NOT NULL
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """Of `accepted` answers, `outcomes` are known and `failures` of these failed.

    The failure rate is below `bound` with probability `confidence`; `always` holds however often one looks.
    `ahead` is what one will see: the share of the next thousand that fails at most, bad luck included.
    `wanted` is a tighter rate and `needed` how many outcomes would show it, if failures stay as frequent;
    `None`: no number would, because failures are more frequent than that.
    """

    policy: str
    accepted: int
    outcomes: int
    failures: int
    confidence: float
    bound: float | None
    always: float | None
    wanted: float
    needed: int | None
    ahead: float | None

    def content(self) -> dict[str, Any]:
        return asdict(self)


def bound_of(
    connection: DuckDBPyConnection,
    policy: str,
    *,
    now: datetime,
    confidence: float,
    wanted: float | None,
) -> Bound:
    """Count what is in the ledger and say what can be promised; with too few outcomes, nothing is."""
    oldest = (now - WINDOW).astimezone(UTC).replace(tzinfo=None)
    row = connection.execute(COUNTED, {"policy": policy, "oldest": oldest}).fetchone()
    assert row is not None
    count, failures, accepted = (int(value) for value in row)
    enough = count >= FEWEST
    bound = upper_bound(failures, count, confidence) if enough else None
    rate = failures / count if count else 0.0
    target = wanted if wanted is not None else max(round((bound or 0.2) / 2, 3), 0.001)
    return Bound(
        policy=policy,
        accepted=accepted,
        outcomes=count,
        failures=failures,
        confidence=confidence,
        bound=bound,
        always=Audit(count=count, failures=failures).upper(confidence) if enough else None,
        wanted=target,
        needed=examples_needed(target, confidence, expected=rate) if rate < target else None,
        ahead=share_ahead(failures, count, AHEAD, confidence) if enough else None,
    )


def told(bound: Bound) -> str:
    """Say it in a few sentences."""
    sure = f"{100 * bound.confidence:g} %"
    head = (
        f"Policy {bound.policy}: {bound.accepted} accepted answers, outcomes of {bound.outcomes} known, "
        f"{bound.failures} of these failures.\n"
    )
    if bound.bound is None:
        head += f"Nothing can be promised from fewer than {FEWEST} outcomes.\n"
    else:
        head += (
            f"At {sure} confidence at most {bound.bound:.1%} of accepted answers fail "
            f"({bound.always:.1%} if you look again and again); "
            f"of the next {AHEAD:,} at most {bound.ahead:.1%} will.\n"
        )
    if bound.needed is None:
        return f"{head}No number of examples shows a failure rate of {bound.wanted:.1%}: more than that fail."
    return (
        f"{head}To show at most {bound.wanted:.1%} at {sure}, {bound.needed} outcomes are needed "
        "if failures stay as frequent."
    )
