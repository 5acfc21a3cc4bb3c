"""Are promises kept? Thresholds with a stated risk, calibrated on some recorded answers, held against others.

An answer of the cheap model is accepted if its score is at or above the threshold; all others go to the
strong model. Scores are the chance of being right, by free checks and agreement with other cheap models.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from evaluators.calibration import Certified, binomial_tail, certify, logistic
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

    def where(self, kept: Flags) -> "_Outcomes":
        return _Outcomes(signals=self.signals[kept], failed=self.failed[kept], group=self.group[kept])

    def drawn(self, share: float, random: np.random.Generator) -> Flags:
        """Draw a share of the groups."""
        names, belongs = np.unique(self.group, return_inverse=True)
        return np.asarray(random.random(len(names))[belongs] < share)


Run: TypeAlias = tuple[int, int] | None
"""How many were accepted and how many of them failed; `None`: no threshold was found."""


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
        for target in TARGETS:
            random = np.random.default_rng(seed)
            runs = [_run(ours, theirs, target, random) for _ in range(RESAMPLINGS)]
            afresh: list[Run] = []
            for _ in range(RESAMPLINGS):
                held_out = every.drawn(share, random)
                afresh.append(_run(every.where(~held_out), every.where(held_out), target, random))
            found.append(_told(known.pair.name, failure, target, (ours, theirs), runs, afresh))
    return found


def _outcomes(trial: Trial, failure: str) -> _Outcomes:
    return _Outcomes(signals=trial.options[-1].signals, failed=_failed(trial, failure), group=trial.group)


def _failed(trial: Trial, failure: str) -> Flags:
    answered = trial.small if trial.majority is None else trial.majority
    wrong = answered < 0.5
    return wrong & (trial.large >= 0.5) if failure == "worse" else wrong


def _run(known: _Outcomes, held: _Outcomes, target: float, random: np.random.Generator) -> Run:
    """One resampling: learn scores on half of the known groups, prove a threshold on the others, and look."""
    learning = known.drawn(0.5, random)
    taught, others = known.where(learning), known.where(~learning)
    scale = taught.signals.std(axis=0) + 1e-9
    weights = logistic(taught.signals / scale, (~taught.failed).astype(float), ridge=3.0)
    grid = np.quantile(_chance(taught.signals / scale, weights), np.linspace(0, 1, GRID + 1))
    # One prompt of a group: alike questions are no independent outcomes.
    order = random.permutation(len(others.group))
    _, first = np.unique(others.group[order], return_index=True)
    proving = order[first]
    score = _chance(others.signals[proving] / scale, weights)
    answer = certify(score, others.failed[proving], max_failure_rate=target, confidence=CONFIDENCE, grid=grid)
    if not isinstance(answer, Certified):
        return None
    accepted = _chance(held.signals / scale, weights) >= answer.threshold
    return int(accepted.sum()), int(held.failed[accepted].sum())


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
