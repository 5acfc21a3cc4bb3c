"""Whether a self-check earns what it costs, on this traffic: a meter, and what is decided by it.

A check is worth the failures it catches, each at what the same success would have cost by asking the
strongest model from the start, less the climbs its false alarms cause, less its own cost.
A fired check was right if the answer accepted in the end says something else (`LedgerEntry.overturned`).
The same books tell what share of wrong answers a check catches here, and of right ones condemns: strategies
reckon with that in the place of the priors. `farthing report worth` shows the same numbers from the ledger.
Kept in memory, in each worker process for itself.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import sqrt

from policies.priors import CHECKS, UNKNOWN_CHECK, Reliability
from router.entry import LedgerEntry
from router.types import NOTHING, Purpose

ENOUGH_RUNS = 200
ENOUGH_COMPARED = 20

PROBE = 50
"""A check that is switched off still judges every fiftieth answer, so that it can come back."""

PRIOR = 50.0
"""Wrong answers, and right ones, that an assumption weighs as much as."""

STEADY = 25
"""Runs after which what is measured is told anew: a number that moves with every request tells no more."""

SURE = 1.64
"""Standard errors: a check is switched off if it is worth nothing at the friendly end of its evidence."""

log = logging.getLogger("farthing.checks")


@dataclass(slots=True)
class Record:
    """What one check did under one policy; money in picodollars."""

    runs: int = 0
    fired: int = 0
    caught: int = 0
    false: int = 0
    own: int = 0
    climbs: int = 0
    spared: float = 0.0
    success: float = 0.0
    off: bool = False
    passed_over: int = 0
    wrong: float = 0.0
    right: float = 0.0
    measured: Reliability | None = None

    def reliability(self, prior: Reliability) -> Reliability | None:
        """Tell what share of wrong answers was caught, of right ones condemned; `None`: too little is known.

        How many of each there were is what the classifier expected (`wrong`, `right`).
        Of fires that could not be compared as many were right as of those that could.
        """
        compared = self.caught + self.false
        if self.runs < ENOUGH_RUNS or (self.fired and compared < ENOUGH_COMPARED):
            return None
        rightly = self.fired * self.caught / compared if compared else 0.0
        catch = (PRIOR * prior.catch + rightly) / (PRIOR + self.wrong)
        alarm = (PRIOR * prior.alarm + self.fired - rightly) / (PRIOR + self.right)
        return Reliability(catch=round(min(1.0, catch), 4), alarm=round(min(1.0, alarm), 4))

    @property
    def value(self) -> float | None:
        """Picodollars a run is worth at the friendly end of the evidence; `None`: too little is known."""
        compared = self.caught + self.false
        if self.runs < ENOUGH_RUNS or (self.fired and compared < ENOUGH_COMPARED):
            return None
        if not self.fired:
            return -self.own / self.runs
        if self.success <= 0:
            return None
        right = _upper(self.caught, compared)
        worth = self.fired * right * max(0.0, self.spared / self.success)
        return (worth - self.climbs - self.own) / self.runs


class Worth:
    """A sink that keeps the books of every check, and says which do not pay."""

    def __init__(self) -> None:
        self._records: dict[tuple[str, str], Record] = {}

    def write(self, entries: Iterable[LedgerEntry], /) -> None:
        answers = [entry for entry in entries if entry.purpose == Purpose.ANSWER]
        for at, entry in enumerate(answers):
            for check, said in entry.verdicts.items():
                self._note(entry, check, answers[at + 1 :], fired=said != "pass")

    def moment(self, policy: str, checks: Iterable[str]) -> Mapping[str, float]:
        """Give `off:CHECK` for each that does not pay, but for a probe now and then."""
        told = {}
        for check in checks:
            record = self._records.get((policy, check))
            if record is None or not record.off:
                continue
            record.passed_over += 1
            if record.passed_over % PROBE:
                told[f"off:{check}"] = 1.0
        return told or NOTHING

    def reliability(self, policy: str, checks: Iterable[str]) -> Mapping[str, float]:
        """Give `catch:CHECK` and `alarm:CHECK` for each of which enough was seen here."""
        told = {}
        for check in checks:
            record = self._records.get((policy, check))
            if record is not None and record.measured is not None:
                told[f"catch:{check}"] = record.measured.catch
                told[f"alarm:{check}"] = record.measured.alarm
        return told or NOTHING

    def records(self) -> Mapping[tuple[str, str], Record]:
        return self._records

    def _note(self, entry: LedgerEntry, check: str, after: list[LedgerEntry], *, fired: bool) -> None:
        record = self._records.setdefault((entry.policy, check), Record())
        record.runs += 1
        record.own += entry.verdict_cost.get(check, 0)
        if fired and not entry.committed:
            record.fired += 1
            record.climbs += sum(later.cost or 0 for later in after)
            record.caught += entry.overturned is False
            record.false += entry.overturned is True
        chance = entry.predictions.get(entry.model)
        if chance is not None:
            record.wrong += 1.0 - chance
            record.right += chance
        if record.runs % STEADY == 0:
            record.measured = record.reliability(CHECKS.get(check, UNKNOWN_CHECK))
        last = after[-1] if after else entry
        self._price(record, entry, last)
        self._settle(record, entry.policy, check)

    def _price(self, record: Record, entry: LedgerEntry, last: LedgerEntry) -> None:
        """Note what the strongest model would have cost more, and what chance it would have added."""
        strongest = last.baseline_model
        if strongest is None or last.baseline_cost is None or entry.cost is None or strongest == entry.model:
            return
        chance = entry.predictions.get(entry.model)
        best = entry.predictions.get(strongest)
        if chance is not None and best is not None:
            record.spared += last.baseline_cost - entry.cost
            record.success += best - chance

    def _settle(self, record: Record, policy: str, check: str) -> None:
        value = record.value
        off = value is not None and value < 0
        if off != record.off:
            record.off = off
            if off:
                log.warning(
                    "Check %r of policy %r does not pay and is switched off (%d runs).",
                    check,
                    policy,
                    record.runs,
                )
            else:
                log.warning("Check %r of policy %r pays again and is switched on.", check, policy)


def _upper(hits: int, of: int) -> float:
    """The friendly end of Wilson's interval for a share."""
    share, spread = hits / of, SURE**2 / of
    return (share + spread / 2 + SURE * sqrt(share * (1 - share) / of + spread / 4 / of)) / (1 + spread)
