"""Where models stand, from answers to prompts of ours: the models and the prompts' offsets found together.

logit P(right) = row(model) . (1, traits(prompt)) + general + offset(family)
                 + (grade + grade(family)) (level - 3)

A row's prior is what the classifier believes of the model: narrow for one it knows, wide for one it places by
its facts. How much harder our prompts are than their text looks (`general`, the families, the grades) is not
known beforehand: their priors are wide, and each model that is calibrated tells more of them.
So known models anchor the scale, and a lone unknown model is placed with honest doubt.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from router.difficulty.hierarchy import Belief, Doubles
from router.learning.items import FAMILIES

GENERAL, FAMILY, GRADE, FAMILY_GRADE = 0.7, 0.6, 0.3, 0.2
"""Standard deviations of the offsets, in logits, before any model was calibrated."""

STEEP = -0.6
"""Logits a prompt gets harder by with each level, before any model was calibrated."""

ROUNDS = 40
NAMES = tuple(FAMILIES)
OFFSETS = 2 + 2 * len(NAMES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What one model made of prompts: inputs (n, size) as its row reads them, and how each is offset."""

    inputs: Doubles
    offsets: Doubles
    scores: Doubles


def offset_row(family: str, level: int) -> Doubles:
    """Return (OFFSETS,): which offsets move a prompt, and how far."""
    row = np.zeros(OFFSETS)
    at = NAMES.index(family)
    row[[0, 1, 2 + at, 2 + len(NAMES) + at]] = (1.0, level - 3.0, 1.0, level - 3.0)
    return row


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """What is believed of offsets and rows together: offsets first, then each model's row."""

    models: tuple[str, ...]
    mean: Doubles
    spread: Doubles
    size: int

    def belief(self, model: str) -> Belief:
        """Return what is believed of one model's row, whatever the offsets are."""
        here = self._place(model)
        return Belief(mean=self.mean[here], spread=self.spread[here, here])

    def corner(self, model: str) -> tuple[Doubles, Doubles]:
        """Return (mean, spread) of the offsets and one model's row."""
        place = self._place(model)
        at = np.concatenate((np.arange(OFFSETS), np.arange(place.start, place.stop)))
        return self.mean[at], self.spread[np.ix_(at, at)]

    def _place(self, model: str) -> slice:
        start = OFFSETS + self.size * self.models.index(model)
        return slice(start, start + self.size)


def scale(priors: Mapping[str, Belief], answers: Mapping[str, Answers]) -> Scale:
    """Find where models stand and how hard prompts are (Laplace); `answers` may lack models."""
    models = tuple(priors)
    size = len(priors[models[0]].mean)
    total = OFFSETS + size * len(models)
    centre, precision = np.zeros(total), np.zeros((total, total))
    centre[1] = STEEP
    deviations = [GENERAL, GRADE, *[FAMILY] * len(NAMES), *[FAMILY_GRADE] * len(NAMES)]
    precision[range(OFFSETS), range(OFFSETS)] = 1.0 / np.array(deviations) ** 2
    for at, model in enumerate(models):
        here = slice(OFFSETS + at * size, OFFSETS + (at + 1) * size)
        centre[here] = priors[model].mean
        precision[here, here] = np.linalg.inv(priors[model].spread)
    mean, curve = centre.copy(), precision
    for _ in range(ROUNDS):
        slope, curve = -precision @ (mean - centre), precision.copy()
        for at, model in enumerate(models):
            if model in answers:
                here = slice(OFFSETS + at * size, OFFSETS + (at + 1) * size)
                _add(answers[model], mean, slope, curve, here)
        step = np.linalg.solve(curve, slope)
        longest = float(np.abs(step).max())
        mean = mean + step * min(1.0, 2.0 / max(longest, 1e-9))
        if longest < 1e-6:
            break
    return Scale(models=models, mean=mean, spread=np.asarray(np.linalg.inv(curve), np.float64), size=size)


def _add(given: Answers, mean: Doubles, slope: Doubles, curve: Doubles, here: slice) -> None:
    """Add what one model's answers say to the slope and the curvature."""
    logits = given.inputs @ mean[here] + given.offsets @ mean[:OFFSETS]
    chance = 0.5 + 0.5 * np.tanh(0.5 * logits)
    wrong, bend = given.scores - chance, np.maximum(chance * (1.0 - chance), 1e-4)
    slope[here] += given.inputs.T @ wrong
    slope[:OFFSETS] += given.offsets.T @ wrong
    heavy, tilted = given.inputs * bend[:, None], given.offsets * bend[:, None]
    curve[here, here] += given.inputs.T @ heavy
    curve[:OFFSETS, :OFFSETS] += given.offsets.T @ tilted
    crossed = given.offsets.T @ heavy
    curve[:OFFSETS, here] += crossed
    curve[here, :OFFSETS] += crossed.T


def most_telling(
    mean: Doubles, spread: Doubles, candidates: Doubles, targets: Doubles, count: int
) -> Sequence[int]:
    """Choose the `count` candidates (n, size) that narrow the `targets` (t, size) most, one after another.

    A prompt whose answer is in doubt tells most (Fisher's information), unless what is in doubt is the prompt
    itself; what the ones before will tell is counted, though not yet known.
    """
    spread = spread.copy()
    left, chosen = list(range(len(candidates))), []
    variance = np.einsum("ij,jk,ik->i", candidates, spread, candidates)
    logits = (candidates @ mean) / np.sqrt(1.0 + np.pi / 8.0 * variance)
    chance = 0.5 + 0.5 * np.tanh(0.5 * logits)
    for _ in range(min(count, len(left))):
        carried = candidates[left] @ spread
        weight = chance[left] * (1.0 - chance[left])
        gain = weight * ((carried @ targets.T) ** 2).sum(1)
        gain /= 1.0 + weight * (carried * candidates[left]).sum(1)
        best = int(np.argmax(gain))
        along = carried[best]
        spread -= (
            weight[best]
            * np.outer(along, along)
            / (1.0 + weight[best] * float(along @ candidates[left[best]]))
        )
        chosen.append(left.pop(best))
    return chosen
