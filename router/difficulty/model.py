"""The classifier as it serves: describes conversations, predicts for any number of models; numpy only."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from router.difficulty import names
from router.difficulty.facts import facts_of, thinks
from router.difficulty.hierarchy import Belief, Doubles, Trend, posterior
from router.difficulty.reader import HEAD, STRANGE, Reader
from router.types import Model, Prediction, Segment, Turn

LEAST, MOST = 0.01, 0.99
"""No chance is predicted beyond these: nobody has labelled enough to know better."""

LONGEST_LOG = float(np.log(16_384.0))
"""No answer is expected to be longer: the logarithm of tokens."""

ANYWHERE = Segment()

POOLS = 64
"""So many pools of models are remembered as placed; past that, placing begins anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """How predictions widen with strangeness: a text is strange with log-odds `weights` . (1, strange).

    Of a strange text the traits count for the share `kept`, and the logits get a variance of `shift`:
    whole kinds of text have turned out that much harder or easier than they looked.
    """

    weights: Doubles
    kept: float
    shift: float

    def strangeness(self, strange: Doubles) -> Doubles:
        """Return how likely texts (n, `STRANGE`) are of a kind that was never trained on."""
        odds = self.weights[0] + strange @ self.weights[1:]
        return np.asarray(0.5 + 0.5 * np.tanh(0.5 * odds))


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """Expected answer length: log tokens = row . (1, the prompt's own log tokens, whether the model thinks).

    `rows` are the known models' (n, 3), `usual` is for the rest; `spread` is the variance left over.
    """

    rows: Doubles
    usual: Doubles
    spread: float
    typical: float
    """The log tokens expected of a prompt of which nothing is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What came of asking a model: the conversation's vector, and a score in [0, 1] of its answer."""

    model: Model
    vector: tuple[float, ...]
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Models placed on the scale: what is believed of each, as arrays (n, size), (n, size * size), (n, 3)."""

    means: Doubles
    spreads: Doubles
    lengths: Doubles


@dataclass(frozen=True, slots=True, kw_only=True)
class Difficulty:
    """A `Predictor`. `beliefs` has a row for each of `models`; `trends` one for each pattern of known facts.

    A model's ability is in logits on the average training prompt, relative to `middle`, the mean model's.
    """

    reader: Reader
    models: tuple[tuple[str, bool], ...]
    """Names of the known models, and whether each is tuned to follow instructions."""
    beliefs: tuple[Belief, ...]
    trends: tuple[Trend, ...]
    middle: float
    doubt: Doubt
    lengths: Lengths
    narrow: frozenset[str] = frozenset()
    """Known models that were seen on too few prompts to be placed by them: their facts tell more."""
    taught: Mapping[str, Belief] = field(default_factory=dict)
    """What lessons made of models, by the catalogue's names."""
    scale: str = field(default="", init=False)
    """Names what vectors mean: they are of use to classifiers with the same reader alone."""
    _keys: dict[str, int] = field(default_factory=dict, init=False, repr=False, compare=False)
    _pools: dict[tuple[Model, ...], Pool] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "scale", self.reader.scale())
        self._keys.update(names.index(self.models, narrow=self.narrow))

    @property
    def size(self) -> int:
        """How many numbers a vector has."""
        return len(HEAD) + len(self.trends[0].spread) - 1

    def describe(self, turns: Sequence[Turn], /) -> tuple[float, ...]:
        """Return some thirty numbers that describe a conversation, and nothing of its text."""
        return self.reader.describe(turns)

    def predict(
        self, vector: tuple[float, ...], models: Sequence[Model], _segment: Segment = ANYWHERE, /
    ) -> Mapping[str, Prediction]:
        """Return, by name, each model's chance of an adequate answer and the answer's expected tokens.

        A vector of another size (of another artefact, or none) is read as: nothing is known of the prompt.
        What was shipped knows no segments: all traffic is alike to it.
        """
        if not models:
            return {}
        chances, tokens = self.foresee(vector, models)
        return {
            model.name: Prediction(success=success, output_tokens=expected)
            for model, success, expected in zip(models, chances.tolist(), tokens.tolist(), strict=True)
        }

    def foresee(self, vector: tuple[float, ...], models: Sequence[Model]) -> tuple[Doubles, Doubles]:
        """Return (models,) chances and (models,) expected tokens, as `predict` does by name."""
        pool = self._pool(tuple(models))
        numbers = np.array(vector) if len(vector) == self.size else self._unknown()
        chances = self.chances(numbers[None, :], pool)[0]
        return chances, self.tokens(numbers[None, :], pool)[0]

    def tokens(self, vectors: Doubles, pool: Pool) -> Doubles:
        """Return (prompts, models) expected tokens of the answers to vectors (prompts, size)."""
        length = vectors[:, len(STRANGE), None]
        logs = pool.lengths[:, 0] + pool.lengths[:, 1] * length + pool.lengths[:, 2]
        return np.exp(np.minimum(np.maximum(logs + self.lengths.spread / 2.0, 0.0), LONGEST_LOG))

    def chances(self, vectors: Doubles, pool: Pool) -> Doubles:
        """Return (prompts, models) chances of vectors (prompts, size)."""
        inputs, strange = self._inputs(vectors)
        squares = (inputs[:, :, None] * inputs[:, None, :]).reshape(len(inputs), -1)
        variance = squares @ pool.spreads.T + self.doubt.shift * strange[:, None]
        # The mean of a sigmoid over a normal distribution, to a good approximation (MacKay).
        logits = (inputs @ pool.means.T) / np.sqrt(1.0 + np.pi / 8.0 * variance)
        # A sigmoid that cannot overflow.
        return np.asarray(np.minimum(np.maximum(0.5 + 0.5 * np.tanh(0.5 * logits), LEAST), MOST))

    def learn(self, lessons: Iterable[Lesson]) -> "Difficulty":
        """Return a classifier that has moved each model by what came of asking it.

        Ten lessons a model correct its level, fifty begin to tell what it is good at.
        The stranger the text, the more is learnt from it: there, what was believed before says little.
        """
        by_model: dict[str, list[Lesson]] = {}
        for lesson in lessons:
            if len(lesson.vector) == self.size:
                by_model.setdefault(lesson.model.name, []).append(lesson)
        taught = dict(self.taught)
        for name, given in by_model.items():
            inputs, strange = self._inputs(np.array([lesson.vector for lesson in given]))
            prior = self._place(given[0].model)[0]
            loose = prior.spread.copy()
            loose[0, 0] += self.doubt.shift * float(strange.mean())
            scores = np.array([lesson.score for lesson in given])
            taught[name] = posterior(Belief(mean=prior.mean, spread=loose), inputs, scores)
        return replace(self, taught=taught)

    def inputs(self, vectors: Doubles) -> Doubles:
        """Return (1, traits as far as they count) of vectors (n, size): what a row is multiplied with."""
        return self._inputs(vectors)[0]

    def _inputs(self, vectors: Doubles) -> tuple[Doubles, Doubles]:
        """Return (1, traits as far as they count), and how strange each prompt is."""
        strange = self.doubt.strangeness(vectors[:, : len(STRANGE)])
        kept = 1.0 - strange * (1.0 - self.doubt.kept)
        traits = kept[:, None] * vectors[:, len(HEAD) :]
        return np.concatenate((np.ones((len(vectors), 1)), traits), axis=1), strange

    def place(self, models: Iterable[Model]) -> Pool:
        """Put models on the scale: by name where it is known, else by facts; `ability` has the last word."""
        placed = [self._place(model) for model in models]
        return Pool(
            means=np.array([belief.mean for belief, _ in placed]),
            spreads=np.array([belief.spread.ravel() for belief, _ in placed]),
            lengths=np.array([length for _, length in placed]),
        )

    def _place(self, model: Model) -> tuple[Belief, Doubles]:
        called = (model.upstream_name, model.name, *model.served_as)
        at = names.match(called, self._keys)
        if model.name in self.taught:
            belief = self.taught[model.name]
        elif at is not None:
            belief = self.beliefs[at]
        else:
            facts = facts_of(model)
            belief = self.trends[facts.pattern].belief(facts.numbers())
        if model.ability is not None:
            belief = belief.at(self.middle + model.ability)
        length = self.lengths.rows[at] if at is not None else self.lengths.usual
        return belief, length * (1.0, 1.0, float(thinks(*called)))

    def _pool(self, models: tuple[Model, ...]) -> Pool:
        pool = self._pools.get(models)
        if pool is None:
            if len(self._pools) >= POOLS:
                self._pools.clear()
            pool = self._pools[models] = self.place(models)
        return pool

    def _unknown(self) -> Doubles:
        vector = np.zeros(self.size)
        vector[: len(STRANGE)] = 100.0  # as strange as can be
        vector[len(STRANGE)] = self.lengths.typical
        return vector
