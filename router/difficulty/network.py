"""The network that learns what makes prompts hard from many models' outcomes at once; numpy alone, by Adam.

Chance that model m answers prompt x well = sigmoid(base_m + traits(x) . direction_m), where
traits(x) = x A + relu(x W + c) B.
It is trained on whole rows of the (prompts x models) table, of which most cells are empty.
In training each prompt is also harder or easier for all models alike than its text tells (`Recipe.luck`).
Without that, some twenty-five outcomes that share one surprise count as twenty-five,
and what sets models apart, which is what routing needs, is learnt last.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from router.difficulty.words import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How large the network is and how it is trained; rates are per step, shares in [0, 1]."""

    hidden: int = 192
    traits: int = 24
    epochs: int = 40
    batch: int = 256
    rate: float = 2e-3
    drop_hidden: float = 0.5
    drop_input: float = 0.5
    decay: float = 0.1
    pull: float = 0.5
    """How strongly the models' directions are pulled towards their common mean."""
    luck: float = 0.5
    """The variance, in logits, of what a prompt is to all models alike beyond its text; none: nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """Weights; `base` and `directions` belong to the models, the rest to the text."""

    straight: Floats
    inner: Floats
    threshold: Floats
    outer: Floats
    base: Floats
    directions: Floats

    def traits(self, features: Floats) -> Floats:
        """Return (prompts, traits) of (prompts, features)."""
        hidden = np.maximum(features @ self.inner + self.threshold, 0.0)
        return np.asarray(hidden @ self.outer + features @ self.straight, np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Outcomes as (prompts, models): the sum of the scores in each cell and how many there are."""

    features: Floats
    sums: Floats
    counts: Floats


def sigmoid(logits: NDArray[np.floating]) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(logits, -30.0, 30.0))), np.float32)


def fit(
    table: Table,
    rows: NDArray[np.intp],
    recipe: Recipe,
    random: np.random.Generator,
    like: Network | None = None,
) -> Network:
    """Train on these rows of the table; with `like`, the models' side is taken from there and held still."""
    network = _start(table, rows, recipe, random)
    if like is not None:
        network = replace(network, base=like.base, directions=like.directions)
    learnt = ["straight", "inner", "threshold", "outer"] + (
        [] if like is not None else ["base", "directions"]
    )
    weights = {name: getattr(network, name) for name in learnt}
    first = {name: np.zeros_like(value) for name, value in weights.items()}
    second = {name: np.zeros_like(value) for name, value in weights.items()}
    steps = max(1, recipe.epochs * _batches(rows, recipe))
    for step, batch in enumerate(_shuffled(rows, recipe, random), start=1):
        slopes = _slopes(network, table, batch, recipe, random)
        rate = recipe.rate * min(1.0, step / 100) * 0.5 * (1.0 + np.cos(np.pi * step / steps))
        for name in learnt:
            first[name] = 0.9 * first[name] + 0.1 * slopes[name]
            second[name] = 0.99 * second[name] + 0.01 * slopes[name] ** 2
            change = (first[name] / (1 - 0.9**step)) / (np.sqrt(second[name] / (1 - 0.99**step)) + 1e-8)
            kept = 1.0 - rate * recipe.decay if name in {"straight", "inner", "outer"} else 1.0
            weights[name] = np.asarray(kept * weights[name] - rate * change, np.float32)
        network = replace(network, **weights)
    return network


def _start(table: Table, rows: NDArray[np.intp], recipe: Recipe, random: np.random.Generator) -> Network:
    features, models = table.features.shape[1], table.sums.shape[1]
    share = (table.sums[rows].sum(0) + 1.2) / (table.counts[rows].sum(0) + 2.0)

    def drawn(high: int, wide: int, scale: float) -> Floats:
        return np.asarray(random.standard_normal((high, wide)) * scale, np.float32)

    directions = drawn(recipe.traits, models, 0.3)
    directions[0] = 1.0
    return Network(
        straight=drawn(features, recipe.traits, 0.1 / np.sqrt(features)),
        inner=drawn(features, recipe.hidden, np.sqrt(2 / features)),
        threshold=np.zeros(recipe.hidden, np.float32),
        outer=drawn(recipe.hidden, recipe.traits, 0.3 / np.sqrt(recipe.hidden)),
        base=np.asarray(np.log(share / (1.0 - share)), np.float32),
        directions=directions,
    )


def _slopes(
    network: Network,
    table: Table,
    batch: NDArray[np.intp],
    recipe: Recipe,
    random: np.random.Generator,
) -> dict[str, Floats]:
    inputs = table.features[batch] * _dropout(
        (len(batch), table.features.shape[1]), recipe.drop_input, random
    )
    reached = inputs @ network.inner + network.threshold
    passed = _dropout(reached.shape, recipe.drop_hidden, random) * (reached > 0)
    hidden = reached * passed
    traits = hidden @ network.outer + inputs @ network.straight
    sums, counts = table.sums[batch], table.counts[batch]
    logits = np.asarray(traits @ network.directions + network.base, np.float32)
    chances = sigmoid(logits + surprise(logits, sums, counts, recipe.luck))
    # A prompt has about 25 outcomes: this keeps the scale of the rates near that of one.
    wrong = (counts * chances - sums) / (25.0 * len(batch))
    back = wrong @ network.directions.T
    back_hidden = (back @ network.outer.T) * passed
    mean = network.directions.mean(1, keepdims=True)
    return {
        "straight": inputs.T @ back,
        "inner": inputs.T @ back_hidden,
        "threshold": back_hidden.sum(0),
        "outer": hidden.T @ back,
        "base": wrong.sum(0),
        "directions": traits.T @ wrong + recipe.pull / 25.0 * (network.directions - mean),
    }


def surprise(logits: Floats, sums: Floats, counts: Floats, variance: float, rounds: int = 2) -> Floats:
    """Return by how much prompts turned out easier for all models than the logits say (prompts, 1).

    The likeliest value of a normal effect of that variance, by Newton's steps.
    """
    found = np.zeros((len(logits), 1), np.float32)
    if variance <= 0.0:
        return found
    for _ in range(rounds):
        chances = sigmoid(logits + found)
        slope = (sums - counts * chances).sum(1, keepdims=True) - found / variance
        bend = (counts * chances * (1.0 - chances)).sum(1, keepdims=True) + 1.0 / variance
        # All right or all wrong: go there slowly.
        found = np.asarray(found + np.clip(slope / bend, -2.0, 2.0), np.float32)
    return found


def _dropout(shape: tuple[int, ...], share: float, random: np.random.Generator) -> Floats:
    return np.asarray((random.random(shape, np.float32) > share) / (1.0 - share), np.float32)


def _batches(rows: NDArray[np.intp], recipe: Recipe) -> int:
    return max(1, len(rows) // recipe.batch)


def _shuffled(
    rows: NDArray[np.intp], recipe: Recipe, random: np.random.Generator
) -> Iterator[NDArray[np.intp]]:
    for _ in range(recipe.epochs):
        yield from np.array_split(random.permutation(rows), _batches(rows, recipe))
