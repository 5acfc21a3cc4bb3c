"""How far chances are off on own traffic: a small hierarchical model, fitted by Newton's method.

The logit of a chance is moved by the sum of what holds everywhere, for its model, for its kind of request,
for its segment (kind and policy) and for the pair of segment and model; and it is stretched by a slope.
What makes requests hard may differ here too, so the traits of the text get weights that all models share.
Each effect is drawn towards nothing by its prior, so where there is no evidence there is no change,
and where there is much the prior does not matter.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from router.difficulty.hierarchy import Doubles
from router.difficulty.reader import HEAD
from router.learning.evidence import Evidence, Forgetting, Places
from router.types import Segment

ROUNDS = 30
MOST_PAIRS = 400
"""Pairs of segment and model with effects of their own: the ones with most evidence. Bounds the time."""

LEAST_PAIR = 5.0
"""Evidence, in outcomes, from which on a pair has an effect of its own."""

COLUMNS = 8
"""Effects that move one piece of evidence: at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spreads:
    """Standard deviations of effects before anything is known, in logits; of slopes, in parts."""

    everywhere: float = 0.7
    model: float = 0.5
    kind: float = 0.4
    segment: float = 0.3
    pair: float = 0.4
    slope: float = 0.3
    kind_slope: float = 0.2
    after: float = 0.5
    trait: float = 0.1
    """For a standard deviation of the trait in the traffic: what makes requests hard may differ here."""


AFTER = -0.7
"""Logits by which a request is harder once an answer to it was rejected, before anything is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """What was learnt: `names` of the effects, their `means`, and their `spread` (covariance)."""

    names: Mapping[tuple[str, ...], int] = field(default_factory=lambda: MappingProxyType({}))
    means: Doubles = field(default_factory=lambda: np.zeros(0))
    spread: Doubles = field(default_factory=lambda: np.zeros((0, 0)))
    usual: float = 0.0
    """What the traits come to in the middle of this traffic."""

    def shift(self, model: str, segment: Segment) -> tuple[float, float]:
        """Return (mean, standard deviation) of the logits a model's chance moves by in a segment."""
        at = [self.names[name] for name in _path(model, segment) if name in self.names]
        variance = float(self.spread[np.ix_(at, at)].sum()) if at else 0.0
        return float(self.means[at].sum()) + self.usual, max(variance, 0.0) ** 0.5

    def slope(self, segment: Segment) -> float:
        """Return by how much logits are stretched: 0 leaves them as they are."""
        at = [self.names[name] for name in (("slope",), ("kind slope", segment.kind)) if name in self.names]
        return float(self.means[at].sum())


def _path(model: str, segment: Segment) -> tuple[tuple[str, ...], ...]:
    return (
        ("everywhere",),
        ("model", model),
        ("kind", segment.kind),
        ("segment", *segment),
        ("pair", *segment, model),
    )


def fit(
    evidence: Evidence,
    logits: Doubles,
    *,
    doubts: Doubles,
    spreads: Spreads | None = None,
    forgetting: Forgetting | None = None,
) -> Effects:
    """Find the effects that explain the evidence, given the `logits` (n,) of the shipped chances.

    `doubts` (models,) are the variances of the models' levels: those of which little is known move faster.
    """
    if not len(evidence):
        return Effects()
    spreads = spreads or Spreads()
    weights = evidence.weights(forgetting or Forgetting())
    names, columns = _columns(evidence, weights)
    prior, centre = _prior(names, evidence.models, doubts, spreads)
    values = np.ones_like(columns, dtype=float)
    values[columns == len(names)] = 0.0
    values[:, :2] = logits[:, None]
    few = len(names)
    reach = evidence.vectors[:, len(HEAD) :]
    middle = reach.mean(0)
    names |= {("trait", str(at)): few + at for at in range(reach.shape[1])}
    # A trait's effect is bounded by how much it differs within this traffic.
    loose = (spreads.trait / np.maximum(reach.std(0), 0.2)) ** 2
    design = _Design(columns=np.minimum(columns, few - 1), values=values, traits=reach - middle, size=few)
    prior, centre = np.concatenate((prior, 1.0 / loose)), np.concatenate((centre, np.zeros(len(loose))))
    means, curve = _climb(evidence, logits, weights, design, prior, centre)
    usual = float(middle @ means[few:])
    means[0] -= usual  # traits are read as they come, not around the middle of this traffic
    return Effects(
        names=MappingProxyType(names),
        means=means,
        spread=np.asarray(np.linalg.inv(curve), np.float64),
        usual=usual,
    )


def _columns(evidence: Evidence, weights: Doubles) -> tuple[dict[tuple[str, ...], int], Places]:
    """Number the effects, and say which (n, COLUMNS) move each piece of evidence; none is the last number."""
    names: dict[tuple[str, ...], int] = {("everywhere",): 0, ("slope",): 1, ("after",): 2}

    def number(name: tuple[str, ...]) -> int:
        return names.setdefault(name, len(names))

    models = np.array([number(("model", model)) for model in evidence.models])
    kinds = np.array([number(("kind", segment.kind)) for segment in evidence.segments])
    slopes = np.array([number(("kind slope", segment.kind)) for segment in evidence.segments])
    segments = np.array([number(("segment", *segment)) for segment in evidence.segments])
    cell = evidence.segment * len(evidence.models) + evidence.model
    # A check's verdict tells about a fifth of what an outcome does.
    worth = np.bincount(cell, weights * np.where(evidence.told, 1.0, 0.2))
    pairs = np.full(len(worth), -1)
    for at in np.argsort(-worth, kind="stable")[:MOST_PAIRS]:
        if worth[at] >= LEAST_PAIR:
            segment, model = divmod(int(at), len(evidence.models))
            pairs[at] = number(("pair", *evidence.segments[segment], evidence.models[model]))
    none = len(names)
    pairs[pairs < 0] = none
    columns = np.empty((len(evidence), COLUMNS), np.intp)
    columns[:, 0] = 1
    columns[:, 1] = slopes[evidence.segment]
    columns[:, 2] = 0
    columns[:, 3] = np.where(evidence.after, 2, none)
    columns[:, 4] = models[evidence.model]
    columns[:, 5] = kinds[evidence.segment]
    columns[:, 6] = segments[evidence.segment]
    columns[:, 7] = pairs[cell]
    return names, columns


def _prior(
    names: Mapping[tuple[str, ...], int], models: tuple[str, ...], doubts: Doubles, spreads: Spreads
) -> tuple[Doubles, Doubles]:
    """Return the precision and the mean of every effect before anything is known."""
    deviations = {
        "everywhere": spreads.everywhere,
        "slope": spreads.slope,
        "kind slope": spreads.kind_slope,
        "after": spreads.after,
        "kind": spreads.kind,
        "segment": spreads.segment,
        "pair": spreads.pair,
    }
    doubt = dict(zip(models, doubts.tolist(), strict=True))
    variance = [
        spreads.model**2 + doubt[name[1]] if name[0] == "model" else deviations[name[0]] ** 2
        for name in names
    ]
    return 1.0 / np.array(variance), np.array([AFTER if name[0] == "after" else 0.0 for name in names])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Design:
    """What moves each piece of evidence: few of the effects (`columns`, with `values`), and all traits."""

    columns: Places
    values: Doubles
    traits: Doubles
    size: int
    """Effects, the traits' own not counted."""

    def moved(self, effects: Doubles) -> Doubles:
        few = (self.values * effects[self.columns]).sum(1)
        return np.asarray(few + self.traits @ effects[self.size :])

    def pulled(self, pull: Doubles) -> Doubles:
        """Return what the evidence's pulls (n,) come to for each effect."""
        few = np.bincount(self.columns.ravel(), (self.values * pull[:, None]).ravel(), self.size)
        return np.concatenate((few, self.traits.T @ pull))

    def curve(self, bend: Doubles) -> Doubles:
        """Return the curvature of the evidence's bends (n,)."""
        size, (rows, _) = self.size, self.columns.shape
        crossed = (self.columns[:, :, None] * size + self.columns[:, None, :]).ravel()
        squares = (self.values[:, :, None] * self.values[:, None, :]).reshape(rows, -1)
        few = np.bincount(crossed, (squares * bend[:, None]).ravel(), size * size).reshape(size, size)
        heavy = self.traits * bend[:, None]
        between = [
            np.bincount(self.columns.ravel(), (self.values * column[:, None]).ravel(), size)
            for column in heavy.T
        ]
        across = np.array(between).reshape(-1, size)
        return np.block([[few, across.T], [across, self.traits.T @ heavy]])


def _climb(
    evidence: Evidence, logits: Doubles, weights: Doubles, design: _Design, prior: Doubles, centre: Doubles
) -> tuple[Doubles, Doubles]:
    """Return the most likely effects and the curvature there (Fisher scoring)."""
    effects = centre.copy()
    curve = np.diag(prior)
    for _ in range(ROUNDS):
        chance = 0.5 + 0.5 * np.tanh(0.5 * (logits + design.moved(effects)))
        event = np.clip(evidence.base + evidence.gain * chance, 1e-6, 1.0 - 1e-6)
        steep = evidence.gain * chance * (1.0 - chance)
        inner = event * (1.0 - event)
        slope = design.pulled(weights * (evidence.result - event) / inner * steep)
        slope -= prior * (effects - centre)
        curve = design.curve(weights * np.maximum(steep**2 / inner, 1e-5)) + np.diag(prior)
        step = np.linalg.solve(curve, slope)
        longest = float(np.abs(step).max())
        effects = effects + step * min(1.0, 1.5 / max(longest, 1e-9))
        if longest < 1e-5:
            break
    return effects, np.asarray(curve, np.float64)
