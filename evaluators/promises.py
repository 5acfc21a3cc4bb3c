"""Are promises kept? Thresholds with a stated risk, calibrated on some recorded answers, held against others.

An answer of the cheap model is accepted if its score is at or above the threshold; all others go to the
strong model. Scores are the chance of being right, by free checks and agreement with other cheap models.
What is promised is what one will see: the share of failures among the answers that are accepted next.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypedDict

import numpy as np
from numpy.typing import NDArray

from evaluators.calibration import binomial_tail, keeps, logistic, propose
from evaluators.records import Doubles
from evaluators.trials import Trial

TARGETS = (0.02, 0.05, 0.10)
CONFIDENCE = 0.95
RESAMPLINGS = 200
GRID = 40

Flags = NDArray[np.bool_]

FAILURES: Mapping[str, str] = {
    "wrong": "an accepted answer is wrong",
    "worse": "an accepted answer is wrong where the strong model's is right",
}
"""What may count as a failure; the rate is among accepted answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """How one promise fared over the resamplings.

    `kept`: share of all resamplings in which the realised failure rate was within `target`; one without a
    threshold promises nothing, sends everything to the strong model, and breaks nothing.
    `refuted`: share in which the held-out outcomes show, with 95 % confidence, that the promise is broken:
    a realised rate is above the target by chance alone where few were accepted.
    `redrawn`: the same as `kept`, but with everything drawn afresh each time, known and held-out prompts
    together, so that one lucky or unlucky split does not decide all of the resamplings.
    `made`: share that found a threshold; of these, the mean share of answers `accepted` and the mean
    `realised` failure rate.
    """

    name: str
    failure: str
    target: float
    examples: int
    held_out: int
    kept: float
    refuted: float
    redrawn: float
    made: float
    accepted: float | None
    realised: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcomes:
    """Signals of cheap answers (n, signals), whether they fail (n), and the groups of their prompts (n)."""

    signals: Doubles
    failed: Flags
    group: NDArray[np.str_]

    def where(self, kept: Flags | NDArray[np.int_]) -> "_Outcomes":
        return _Outcomes(signals=self.signals[kept], failed=self.failed[kept], group=self.group[kept])

    def drawn(self, share: float, random: np.random.Generator) -> Flags:
        """Draw a share of the groups."""
        names, belongs = np.unique(self.group, return_inverse=True)
        return np.asarray(random.random(len(names))[belongs] < share)


class _Asked(TypedDict):
    max_failure_rate: float
    confidence: float


Run: TypeAlias = tuple[int, int] | None
"""How many were accepted and how many of them failed; `None`: no threshold was found."""

Runs: TypeAlias = Sequence[Run]
"""One resampling, by target."""


def promises(known: Trial, held: Trial, *, seed: int = 0) -> list[Promise]:
    """Calibrate on halves of `known`, and look what happens on `held`."""
    found = []
    for failure in FAILURES:
        ours, theirs = _outcomes(known, failure), _outcomes(held, failure)
        every = _Outcomes(
            signals=np.concatenate([ours.signals, theirs.signals]),
            failed=np.concatenate([ours.failed, theirs.failed]),
            group=np.concatenate([ours.group, theirs.group]),
        )
        share = len(theirs.failed) / len(every.failed)
        random = np.random.default_rng(seed)
        runs, afresh = list[Runs](), list[Runs]()
        for _ in range(RESAMPLINGS):
            runs.append(_run(ours, theirs, random))
            held_out = every.drawn(share, random)
            afresh.append(_run(every.where(~held_out), every.where(held_out), random))
        found += [
            _told(known.pair.name, failure, target, (ours, theirs), *_of_target(place, runs, afresh))
            for place, target in enumerate(TARGETS)
        ]
    return found


def _outcomes(trial: Trial, failure: str) -> _Outcomes:
    return _Outcomes(signals=trial.options[-1].signals, failed=_failed(trial, failure), group=trial.group)


def _failed(trial: Trial, failure: str) -> Flags:
    answered = trial.small if trial.majority is None else trial.majority
    wrong = answered < 0.5
    return wrong & (trial.large >= 0.5) if failure == "worse" else wrong


def _of_target(place: int, *resamplings: Sequence[Runs]) -> list[list[Run]]:
    return [[runs[place] for runs in each] for each in resamplings]


def _run(known: _Outcomes, held: _Outcomes, random: np.random.Generator) -> Runs:
    """One resampling: learn scores on half of the known groups, prove a threshold on the others, and look."""
    learning = known.drawn(0.5, random)
    taught, others = known.where(learning), known.where(~learning)
    scale = taught.signals.std(axis=0) + 1e-9
    weights = logistic(taught.signals / scale, (~taught.failed).astype(float), ridge=3.0)
    # One prompt of a group: alike questions are no independent outcomes.
    order = random.permutation(len(others.group))
    _, first = np.unique(others.group[order], return_index=True)
    proving = others.where(order[first])
    seen, proved, ahead = (_chance(each.signals / scale, weights) for each in (taught, proving, held))
    grid = np.quantile(seen, np.linspace(0, 1, GRID + 1))
    runs = list[Run]()
    for target in TARGETS:
        asked: _Asked = {"max_failure_rate": target, "confidence": CONFIDENCE}
        threshold = propose((seen, taught.failed), proved, ahead, grid=grid, **asked)
        if threshold is None or not keeps(proved, proving.failed, ahead, threshold=threshold, **asked):
            runs.append(None)
            continue
        accepted = ahead >= threshold
        runs.append((int(accepted.sum()), int(held.failed[accepted].sum())))
    return runs


def _chance(table: Doubles, weights: Doubles) -> Doubles:
    return np.asarray(1 / (1 + np.exp(-(table @ weights[:-1] + weights[-1]))), float)


def _told(
    name: str,
    failure: str,
    target: float,
    outcomes: tuple[_Outcomes, _Outcomes],
    runs: list[Run],
    afresh: list[Run],
) -> Promise:
    made = [run for run in runs if run is not None]
    known, held = (len(each.failed) for each in outcomes)
    refuted = [
        1.0 - binomial_tail(failures - 1, count, target) <= 1.0 - CONFIDENCE for count, failures in made
    ]
    return Promise(
        name=name,
        failure=failure,
        target=target,
        examples=known,
        held_out=held,
        kept=_kept(runs, target),
        refuted=sum(refuted) / len(runs),
        redrawn=_kept(afresh, target),
        made=len(made) / len(runs),
        accepted=float(np.mean([count for count, _ in made])) / held if made else None,
        realised=float(np.mean([failures / max(1, count) for count, failures in made])) if made else None,
    )


def _kept(runs: list[Run], target: float) -> float:
    """The share of resamplings in which the realised rate was within the target."""
    return sum(run is None or run[1] <= target * run[0] for run in runs) / len(runs)
