"""The classifier as it serves: describes conversations, predicts for any number of models; numpy only."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from router.difficulty import names
from router.difficulty.facts import facts_of, thinks
from router.difficulty.hierarchy import Belief, Doubles, Trend, posterior, together
from router.difficulty.reader import HEAD, STRANGE, Reader
from router.predictions import Lineup, Predictions
from router.types import Model, Segment, Turn

LEAST, MOST = 0.01, 0.99
"""No chance is predicted beyond these: nobody has labelled enough to know better."""

LONGEST_LOG = float(np.log(16_384.0))
"""No answer is expected to be longer: the logarithm of tokens."""

ANYWHERE = Segment()

POOLS = 64
"""So many pools of models are remembered as placed; past that, placing begins anew."""


COMMON, OWN, TURNED = 0.1, 0.1, 1e-4
"""How far traffic of one's own lies from what was believed of it, as variances in logits:
what all models have in common, what each has to itself, and in how much a trait counts differently.
Measured by leaving out one source after another: their levels differ by .3 and .4 (standard deviations)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """How predictions change with strangeness: a text is strange with log-odds `weights` . (1, strange).

    Of a strange text, a model's row is what its facts let expect, and its logit has a variance of `shift`.
    """

    weights: Doubles
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
    """Models placed on the scale, as arrays: what is believed of each, (n, size) and (n, size * size).

    `far` (n, size) are the rows on strange text, `doubts` (n,) the variance of logits there.
    """

    means: Doubles
    spreads: Doubles
    far: Doubles
    doubts: Doubles
    lengths: Doubles
    lineup: Lineup


@dataclass(frozen=True, slots=True, kw_only=True)
class Difficulty:
    """A `Predictor`. `beliefs` has a row for each of `models`; `trends` one for each pattern of known facts.

    A model's ability is in logits on the average training prompt, relative to `middle`, the mean model's.
    """

    reader: Reader
    models: tuple[tuple[str, bool], ...]
    """Names of the known models, and whether each is tuned to follow instructions."""
    beliefs: tuple[Belief, ...]
    far: Doubles
    """The known models' rows (n, size) on text unlike any trained on: nearly what their facts say.
    How a model did under one source's instructions tells little of how it does under others."""
    trends: tuple[Trend, ...]
    middle: float
    doubt: Doubt
    lengths: Lengths
    narrow: frozenset[str] = frozenset()
    """Known models that were seen on too few prompts to be placed by them: their facts tell more."""
    taught: Mapping[str, Belief] = field(default_factory=dict)
    """What lessons made of models, by the catalogue's names."""
    common: Belief | None = None
    """What lessons said of all models alike: it moves those that had none, on strange text."""
    scale: str = field(default="", init=False)
    """Names what vectors mean: they are of use to classifiers with the same reader alone."""
    _keys: dict[str, int] = field(default_factory=dict, init=False, repr=False, compare=False)
    _near: dict[int, tuple[tuple[Model, ...], Pool]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
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
    ) -> Predictions:
        """Return, by name, each model's chance of an adequate answer and the answer's expected tokens.

        A vector of another size (of another artefact, or none) is read as: nothing is known of the prompt.
        What was shipped knows no segments: all traffic is alike to it.
        """
        if not models:
            return Predictions.of({})
        pool = self._pool(tuple(models))
        numbers = np.array(vector) if len(vector) == self.size else self._unknown()
        chances, tokens = self.chances(numbers[None, :], pool), self.tokens(numbers[None, :], pool)
        return Predictions(pool.lineup, chances[0], tokens[0])

    def tokens(self, vectors: Doubles, pool: Pool) -> Doubles:
        """Return (prompts, models) expected tokens of the answers to vectors (prompts, size)."""
        length = vectors[:, len(STRANGE), None]
        logs = pool.lengths[:, 0] + pool.lengths[:, 1] * length + pool.lengths[:, 2]
        return np.exp(np.minimum(np.maximum(logs + self.lengths.spread / 2.0, 0.0), LONGEST_LOG))

    def chances(self, vectors: Doubles, pool: Pool) -> Doubles:
        """Return (prompts, models) chances of vectors (prompts, size)."""
        inputs = self.inputs(vectors)
        strange = self.doubt.strangeness(vectors[:, : len(STRANGE)])[:, None]
        variance = (inputs[:, :, None] * inputs[:, None, :]).reshape(len(inputs), -1) @ pool.spreads.T
        # The mean of a sigmoid over a normal distribution, to a good approximation (MacKay).
        near = (inputs @ pool.means.T) / np.sqrt(1.0 + np.pi / 8.0 * variance)
        far = (inputs @ pool.far.T) / np.sqrt(1.0 + np.pi / 8.0 * (variance + pool.doubts))
        # Sigmoids that cannot overflow.
        mixed = 0.5 + 0.5 * ((1.0 - strange) * np.tanh(0.5 * near) + strange * np.tanh(0.5 * far))
        return np.asarray(np.minimum(np.maximum(mixed, LEAST), MOST))

    def learn(self, lessons: Iterable[Lesson]) -> "Difficulty":
        """Return a classifier that has moved the models by what came of asking them.

        Lessons are taken to be of one kind of traffic, which may be unlike any trained on.
        They move a level that is common to all models first (ten do), then each model's own,
        and last what a model is good at; models without lessons move by the common part, on strange text.
        Of a model that had lessons, that is believed of all text, without further doubt.
        Lessons add up, over calls too.
        """
        by_model: dict[str, list[Lesson]] = {}
        for lesson in lessons:
            if len(lesson.vector) == self.size:
                by_model.setdefault(lesson.model.name, []).append(lesson)
        taught = dict(self.taught)
        for name in by_model.keys() & taught.keys():
            taught[name] = posterior(taught[name], *self._told(by_model[name]))
        new = [given for name, given in sorted(by_model.items()) if name not in self.taught]
        if not new:
            return replace(self, taught=taught)
        told = [self._told(given) for given in new]
        after, common = together(
            [self._prior(given[0].model) for given in new],
            self.common or Belief(mean=np.zeros(self._width), spread=self._loose(COMMON)),
            [inputs for inputs, _ in told],
            [scores for _, scores in told],
        )
        taught |= {given[0].model.name: belief for given, belief in zip(new, after, strict=True)}
        return replace(self, taught=taught, common=common)

    @property
    def _width(self) -> int:
        return len(self.trends[0].spread)

    def _loose(self, level: float) -> Doubles:
        return np.diag([level, *(TURNED for _ in range(self._width - 1))])

    def _prior(self, model: Model) -> Belief:
        """Return what is believed of a model on traffic of one's own, before any lesson."""
        placed = self.place([model])
        size = self._width
        spread = placed.spreads[0].reshape(size, size) + self._loose(OWN)
        return Belief(mean=placed.far[0] - (self.common.mean if self.common else 0.0), spread=spread)

    def _told(self, given: Sequence[Lesson]) -> tuple[Doubles, Doubles]:
        inputs = self.inputs(np.array([lesson.vector for lesson in given]))
        return inputs, np.array([lesson.score for lesson in given])

    def inputs(self, vectors: Doubles) -> Doubles:
        """Return (1, traits) of vectors (n, size): what a row is multiplied with."""
        return np.concatenate((np.ones((len(vectors), 1)), vectors[:, len(HEAD) :]), axis=1)

    def place(self, models: Iterable[Model]) -> Pool:
        """Put models on the scale: by name where it is known, else by facts; `ability` has the last word."""
        models = tuple(models)
        placed = [self._place(model) for model in models]
        return Pool(
            lineup=Lineup([model.name for model in models]),
            means=np.array([belief.mean for belief, *_ in placed]),
            spreads=np.array([belief.spread.ravel() for belief, *_ in placed]),
            far=np.array([far for _, far, *_ in placed]),
            doubts=np.array([doubt for _, _, doubt, _ in placed]),
            lengths=np.array([length for *_, length in placed]),
        )

    def _place(self, model: Model) -> tuple[Belief, Doubles, float, Doubles]:
        called = (model.upstream_name, model.name, *model.served_as)
        at = names.match(called, self._keys)
        length = self.lengths.rows[at] if at is not None else self.lengths.usual
        length = length * (1.0, 1.0, float(thinks(*called)))
        if model.name in self.taught:
            belief, doubt = self.taught[model.name], 0.0
            far = belief.mean
        else:
            facts = facts_of(model)
            known = self.trends[facts.pattern].belief(facts.numbers()) if at is None else self.beliefs[at]
            belief, doubt = known, self.doubt.shift
            # A row that was added after training has no far one: it is of this traffic.
            far = self.far[at] if at is not None and at < len(self.far) else known.mean
            far = far + self.common.mean if self.common else far
        if model.ability is not None:
            belief = belief.at(self.middle + model.ability)
            far = belief.mean
        return belief, far, doubt, length

    def _pool(self, models: tuple[Model, ...]) -> Pool:
        # Who asks with the same object again is spared the comparison of all that is known of each model.
        near = self._near.get(id(models))
        if near is not None:
            return near[1]
        pool = self._pools.get(models)
        if pool is None:
            if len(self._pools) >= POOLS:
                self._pools.clear()
            pool = self._pools[models] = self.place(models)
        if len(self._near) >= POOLS:
            self._near.clear()
        self._near[id(models)] = models, pool
        return pool

    def _unknown(self) -> Doubles:
        vector = np.zeros(self.size)
        vector[: len(STRANGE)] = 100.0  # as strange as can be
        vector[len(STRANGE)] = self.lengths.typical
        return vector
