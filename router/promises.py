"""What policies promise of failures (`quality: {max_failure_rate, confidence}`), and whether it holds.

A promise is kept by a threshold on the predicted chance of success, found by Learn-then-Test on outcomes of
the same policy: what audits and users told, from the ledger, and what was audited here since.
Band after band of chances is tested, from the highest down, until one cannot be certified.
Bands, and not all outcomes above a threshold: a policy that looks for the cheapest serves answers just above
it, which fail more often than the mean of those above.
With too few of them nothing is promised: the most successful plan serves, and the reason says so.
Audits go on; when what they find is above the promise, at any look, that is a breach:
an alarm goes up, and what was known before counts no more.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from evaluators.calibration import Audit, binomial_tail, examples_needed
from policies.language import StatedRisk
from router.types import Outcome

GRID = tuple(step / 100 for step in range(99, 29, -1))
"""Thresholds that are tried, the strictest first; fixed, since it must not look at the outcomes."""

BAND = 0.05
"""Chances this far above a threshold must fail seldom enough, by themselves."""

OUT_OF_REACH = 2.0
"""A chance of success that no plan has."""

MOST = 5_000

log = logging.getLogger("farthing.promises")


@dataclass(frozen=True, slots=True)
class Example:
    """An outcome: what chance of success was predicted, and whether it failed; `time` in seconds."""

    time: float
    score: float
    failed: bool


@dataclass(slots=True)
class Record:
    """What is known of one policy."""

    told: list[Example] = field(default_factory=list)
    here: list[Example] = field(default_factory=list)
    audit: Audit = field(default_factory=Audit)
    since: float = float("-inf")
    breached: bool = False
    found: dict[tuple[float, float], Mapping[str, float]] = field(default_factory=dict)

    def examples(self) -> list[Example]:
        """What the ledger told, and what was audited here after it was read."""
        read = max((example.time for example in self.told), default=float("-inf"))
        both = [*self.told, *(example for example in self.here if example.time > read)]
        return [example for example in both if example.time > self.since][-MOST:]


class Promises:
    """Keeps the promises of all policies; `alarm` is told of a breach, and of its end."""

    def __init__(self, alarm: Callable[[str, bool], None] | None = None) -> None:
        self._alarm = alarm
        self._records: dict[str, Record] = {}

    def load(self, told: Mapping[str, Sequence[Sequence[float]]]) -> None:
        """Take what the ledger knows: by policy, rows of time, score and failed."""
        for policy, rows in told.items():
            record = self._records.setdefault(policy, Record())
            record.told = [Example(float(t), float(score), bool(failed)) for t, score, failed in rows]
            record.found.clear()

    def note(self, outcome: Outcome, risk: StatedRisk, time: float, *, failed: bool) -> None:
        """Take what an audit found of an accepted answer."""
        chosen = outcome.chosen
        prediction = outcome.features.predictions.get(chosen.decision.model.name) if chosen else None
        if prediction is None:
            return
        record = self._records.setdefault(outcome.policy, Record())
        record.here = [*record.here[-MOST:], Example(time, prediction.success, failed)]
        record.audit = record.audit.after(failed=failed)
        record.found.clear()
        if record.audit.lower(risk.confidence) > risk.max_failure_rate:
            self._breach(outcome.policy, record, risk, time)

    def moment(self, policy: str, risk: StatedRisk) -> Mapping[str, float]:
        """Give `least`, and `examples` and `needed` where they are too few for any promise."""
        record = self._records.setdefault(policy, Record())
        asked = risk.max_failure_rate, risk.confidence
        if asked not in record.found:
            record.found[asked] = self._certified(policy, record, risk)
        return record.found[asked]

    def _certified(self, policy: str, record: Record, risk: StatedRisk) -> Mapping[str, float]:
        examples = record.examples()
        needed = examples_needed(risk.max_failure_rate, risk.confidence)
        threshold = _threshold(examples, risk, needed)
        if threshold is None:
            return {"least": OUT_OF_REACH, "examples": float(len(examples)), "needed": float(needed)}
        if record.breached:
            record.breached = False
            log.warning("Policy %r keeps its promise again.", policy)
            self._say(policy, breached=False)
        return {"least": threshold}

    def _breach(self, policy: str, record: Record, risk: StatedRisk, time: float) -> None:
        log.error(
            "Policy %r promised at most %.3g failures; %d of %d audits failed. "
            "What was known before counts no more, and the most successful plans serve.",
            policy,
            risk.max_failure_rate,
            record.audit.failures,
            record.audit.count,
        )
        record.breached, record.since, record.audit = True, time, Audit()
        record.found.clear()
        self._say(policy, breached=True)

    def _say(self, policy: str, *, breached: bool) -> None:
        if self._alarm is not None:
            self._alarm(policy, breached)


def _threshold(examples: Sequence[Example], risk: StatedRisk, needed: int) -> float | None:
    """The lowest threshold down to which every band fails seldom enough, for sure; `None`: not one does."""
    best = None
    for threshold in GRID:
        band = [e.failed for e in examples if threshold <= e.score < threshold + BAND]
        if len(band) < needed:
            if best is None:
                continue  # looks at how many there are, never at how they ended
            break
        if binomial_tail(sum(band), len(band), risk.max_failure_rate) > 1.0 - risk.confidence:
            break
        best = threshold
    return best
