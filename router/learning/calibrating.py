"""One calibration: which prompt to put to a model next, and where its answers place it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from router.difficulty import Difficulty
from router.difficulty.hierarchy import Belief, Doubles
from router.learning.ability import OFFSETS, Answers, Scale, most_telling, offset_row, scale
from router.learning.items import FAMILIES, LEVELS, Place, make
from router.learning.items.item import Item
from router.learning.placed import Answered, Placed
from router.types import Model, Turn

MOST_ANCHORS = 8
"""Models placed before whose answers are taken along: the last ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A prompt that is to be put to the model."""

    place: Place
    item: Item
    row: Doubles
    """What moves its chance: the offsets, then (1, traits)."""


@dataclass(slots=True, kw_only=True)
class Calibration:
    """Places `model` among the models placed `before`; `prior` is what the shipped classifier knows."""

    prior: Difficulty
    model: Model
    before: Mapping[str, Model]
    anchors: Sequence[Placed] = ()
    seed: int = 0
    answered: list[Answered] = field(default_factory=list)
    _questions: dict[Place, Question] = field(default_factory=dict)
    _drawn: Counter[tuple[str, int]] = field(default_factory=Counter)

    def ask(self, count: int) -> list[Question]:
        """Choose the prompts that tell most now."""
        mean, spread = self.scale().corner(self.model.name)
        offered = [self._question(family, level) for family in FAMILIES for level in LEVELS]
        rows = np.array([question.row for question in offered])
        targets = [np.concatenate((np.zeros(OFFSETS), np.eye(len(mean) - OFFSETS)[0]))]
        for at in range(0, len(offered), len(LEVELS)):
            typical = rows[at : at + len(LEVELS)].mean(0)
            typical[:OFFSETS] = 0.0
            targets.append(typical)
        weights = np.array([1.0, *[len(FAMILIES) ** -0.5] * len(FAMILIES)])
        chosen = most_telling(mean, spread, rows, np.array(targets) * weights[:, None], count)
        asked = [offered[at] for at in chosen]
        self._drawn.update((question.place.family, question.place.level) for question in asked)
        return asked

    def tell(self, question: Question, *, right: bool) -> None:
        place = question.place
        self.answered.append(
            Answered(family=place.family, level=place.level, seed=place.seed, score=float(right))
        )

    def scale(self) -> Scale:
        """Find where all models stand by what is known now."""
        chosen = [
            each for each in self.anchors if each.model in self.before and each.model != self.model.name
        ]
        anchors = sorted(chosen, key=lambda each: each.at)[-MOST_ANCHORS:]
        given = {each.model: each.answers for each in anchors} | {self.model.name: self.answered}
        models = {
            **{name: self.before[name] for name in given if name in self.before},
            self.model.name: self.model,
        }
        priors = dict(zip(models, self._priors(list(models.values())), strict=True))
        return scale(priors, {name: self._answers(rows) for name, rows in given.items() if rows})

    def placed(self, at: datetime, cost: int | None) -> list[Placed]:
        """Return where the model stands now, and those its answers moved with it."""
        found = self.scale()
        mine = Placed(
            model=self.model.name,
            upstream_name=self.model.upstream_name,
            scale=self.prior.scale,
            at=at,
            belief=found.belief(self.model.name),
            answers=tuple(self.answered),
            cost=cost,
        )
        others = {each.model: each for each in self.anchors}
        moved = [
            Placed(
                model=name,
                upstream_name=others[name].upstream_name,
                scale=self.prior.scale,
                at=others[name].at,
                belief=found.belief(name),
                answers=others[name].answers,
                cost=others[name].cost,
            )
            for name in found.models
            if name != self.model.name
        ]
        return [*moved, mine]

    def standing(self) -> tuple[float, float]:
        """Return (ability, standard deviation), in logits relative to the mean of the known models."""
        return standing(self.prior, self.scale().belief(self.model.name))

    def prior_belief(self) -> Belief:
        """Return what was believed of the model before it was asked anything."""
        return next(self._priors([self.model]))

    def _priors(self, models: Sequence[Model]) -> Iterator[Belief]:
        pool = self.prior.place(models)
        size = pool.means.shape[1]
        for mean, spread in zip(pool.means, pool.spreads, strict=True):
            yield Belief(mean=mean, spread=spread.reshape(size, size))

    def _question(self, family: str, level: int) -> Question:
        number = self._drawn[family, level]
        place = Place(family=family, level=level, seed=self.seed * 1_000_003 + number)
        return self._made(place)

    def _made(self, place: Place) -> Question:
        if place not in self._questions:
            item = make(place)
            vector = self.prior.describe((Turn(role="user", text=item.prompt),))
            inputs = self.prior.inputs(np.array([vector]))[0]
            row = np.concatenate((offset_row(place.family, place.level), inputs))
            self._questions[place] = Question(place=place, item=item, row=row)
        return self._questions[place]

    def _answers(self, answered: Sequence[Answered]) -> Answers:
        rows = np.array(
            [self._made(Place(family=each.family, level=each.level, seed=each.seed)).row for each in answered]
        )
        return Answers(
            inputs=rows[:, OFFSETS:],
            offsets=rows[:, :OFFSETS],
            scores=np.array([each.score for each in answered]),
        )


def standing(prior: Difficulty, belief: Belief) -> tuple[float, float]:
    return float(belief.mean[0] - prior.middle), float(max(belief.spread[0, 0], 0.0) ** 0.5)
