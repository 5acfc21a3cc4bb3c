"""Models in a fixed order, with what decisions multiply laid out as arrays.

Made once a day for each sort of request, not once a request; what is struck out of one leaves another.
"""

from collections.abc import Container, Iterator, Mapping, Sequence
from typing import NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from router.predictions import Doubles, Lineup, Predictions
from router.pricing import quote
from router.types import NOTHING, Features, Model, Prediction, Request

UNKNOWN_WINDOW = 8192
"""What a context window is taken for that nobody states: the least among models served today."""

Flags = NDArray[np.bool_]
Places = NDArray[np.int64]

INPUT, OUTPUT, REQUEST, IMAGE, MINIMUM, MAX_OUTPUT, WINDOW = range(7)


class Foreseen(NamedTuple):
    """What is expected of each candidate: its chance of success, and its answer's tokens, (models,) each."""

    success: Doubles
    tokens: Doubles


class Candidates(Sequence[Model]):
    """A sequence of models; `asked` are those beside them that checks ask, by name."""

    def __init__(
        self,
        models: Sequence[Model],
        asked: Mapping[str, Model] = NOTHING,
        *,
        table: Doubles | None = None,
        ranks: Places | None = None,
    ) -> None:
        self.models, self.asked = tuple(models), asked
        self.names = tuple(model.name for model in self.models)
        self._table = _laid_out(self.models) if table is None else table
        self.varied = [
            (place, model)
            for place, model in enumerate(self.models)
            if model.prices is not None and model.prices.overrides
        ]
        self.priced = np.array([model.prices is not None for model in self.models], bool)
        # What most catalogues have none of is not reckoned.
        self._extras = bool(self._table[[REQUEST, IMAGE, MINIMUM]].any())
        self._bounded = bool(np.isfinite(self._table[MAX_OUTPUT]).any())
        self.windows: Doubles = self._table[WINDOW]
        """The context windows in tokens, (models,)."""
        self.shortest = float(self._table[WINDOW].min(initial=np.inf))
        """The smallest context window of all, in tokens."""
        self._at: dict[str, int] | None = None
        self._lineup: Lineup | None = None
        self._told: Mapping[str, Prediction] | None = None
        self._foreseen = Foreseen(np.zeros(0), np.zeros(0))
        self._places: Places | None = None
        self._ranks = ranks

    @classmethod
    def of(cls, models: Sequence[Model]) -> "Candidates":
        """Give models as candidates, if they are not so already."""
        return models if isinstance(models, cls) else cls(models)

    @overload
    def __getitem__(self, at: int) -> Model: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Model]: ...
    def __getitem__(self, at: int | slice) -> Model | Sequence[Model]:
        return self.models[at]

    def __len__(self) -> int:
        return len(self.models)

    def __iter__(self) -> Iterator[Model]:
        return iter(self.models)

    def without(self, names: Container[str]) -> "Candidates":
        """Leave these out."""
        return self._taking([place for place, name in enumerate(self.names) if name not in names])

    def only(self, names: Container[str]) -> "Candidates":
        """Keep these alone."""
        return self._taking([place for place, name in enumerate(self.names) if name in names])

    def _taking(self, places: list[int]) -> "Candidates":
        if len(places) == len(self.models):
            return self
        models = [self.models[place] for place in places]
        return Candidates(models, self.asked, table=self._table[:, places], ranks=self.ranks[places])

    def known(self, name: str) -> Model | None:
        """Give a candidate, or one that checks ask, by name."""
        return self.models[self.places[name]] if name in self.places else self.asked.get(name)

    @property
    def places(self) -> Mapping[str, int]:
        """Each name's place."""
        if self._at is None:
            self._at = {name: place for place, name in enumerate(self.names)}
        return self._at

    @property
    def ranks(self) -> Places:
        """Each name's place in the alphabet, among these or more (models,)."""
        if self._ranks is None:
            self._ranks = np.argsort(np.argsort(self.names))
        return self._ranks

    def foreseen(self, told: Mapping[str, Prediction]) -> Foreseen:
        """Say what is expected of each; asked again of the same predictions, the same is said."""
        if told is self._told:
            return self._foreseen
        predictions = Predictions.of(told)
        if predictions.lineup is not self._lineup:
            self._lineup, self._places = predictions.lineup, self._sought(predictions.lineup)
        success, tokens = predictions.success, predictions.tokens
        if self._places is not None:
            success, tokens = success[self._places], tokens[self._places]
        self._told, self._foreseen = told, Foreseen(success, tokens)
        return self._foreseen

    def _sought(self, lineup: Lineup) -> Places | None:
        if lineup.names == self.names:
            return None
        return np.array([lineup.places[name] for name in self.names], np.int64)

    def costs(self, request: Request, features: Features) -> Doubles:
        """What an answer of each is expected to cost, as `estimate.expected_cost` says; 0 if unpriced."""
        limit = request.limits.output_tokens
        tokens = self.foreseen(features.predictions).tokens
        output = self.output(tokens, limit, request.limits.choices)
        total = self.priced_at(features.prompt_tokens, output, features.images)
        for place, model in self.varied:
            total[place] = quote(
                model,
                input_tokens=features.prompt_tokens,
                output_tokens=float(output[place]),
                at=features.at,
                images=features.images,
            )
        return total

    def output(self, tokens: Doubles, limit: Doubles | float | None, choices: Doubles | int) -> Doubles:
        """Tokens that each will probably write (…, models): see `estimate.expected_output`."""
        if limit is not None:
            tokens = np.minimum(tokens, limit)
        if self._bounded:
            tokens = np.minimum(tokens, self._table[MAX_OUTPUT])
        return tokens if isinstance(choices, int) and choices == 1 else tokens * choices

    def priced_at(self, prompt: Doubles | float, output: Doubles, images: Doubles | float) -> Doubles:
        """What so many tokens cost at each (…, models), where no other rates hold; 0 if unpriced."""
        table = self._table
        total: Doubles = table[INPUT] * prompt
        total += np.rint(output * table[OUTPUT])
        if self._extras:
            total += table[REQUEST]
            total += table[IMAGE] * images
            total = np.maximum(total, table[MINIMUM])
        return total


def _laid_out(models: Sequence[Model]) -> Doubles:
    """A column a model: its prices in picodollars, the longest answer and the context window in tokens."""
    table = np.zeros((7, len(models)))
    for place, model in enumerate(models):
        prices = model.prices
        money = (
            (prices.input, prices.output, prices.request, prices.image, prices.minimum)
            if prices is not None
            else (0, 0, 0, 0, 0)
        )
        longest = np.inf if model.max_output is None else model.max_output
        table[:, place] = (*money, longest, model.context_window or UNKNOWN_WINDOW)
    return table
