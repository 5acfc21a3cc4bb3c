"""Do estimates hold? Recorded files, what was expected of them, and what came of them.

A file is one data set answered by one model, so that all that its answers have in common is in it.
Errors are fitted on the files of all sources but one, and held against that one.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from batch.forecast import INTERVAL, SHIPPED, Book, Doubles, Errors
from policies.outlook import Step
from router.types import Model

DRAWS = 200
MOST_LINES = 200
LEAST_LINES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """Lines (n,) of one data set and one model: tokens read, tokens expected, tokens written.

    `prices` are those of a token read and of one written, in any unit.
    """

    source: str
    dataset: str
    model: str
    read: Doubles
    expected: Doubles
    written: Doubles
    prices: tuple[float, float]

    @property
    def longer(self) -> float:
        """The logarithm of how many times longer the answers were than expected, all in all."""
        return float(np.log(self.written.sum() / self.expected.sum()))

    @property
    def noise(self) -> float:
        """The standard deviation of that, line by line."""
        return float(np.log(self.written / self.expected).std())

    @property
    def cost(self) -> float:
        return self.prices[0] * float(self.read.sum()) + self.prices[1] * float(self.written.sum())

    def interval(self, errors: Errors) -> tuple[float, float]:
        """What `farthing batch estimate` says of it; the tokens that are read are known."""
        model = Model(name=self.model, upstream="", upstream_name=self.model)
        book = Book()
        for read, tokens in zip(self.read, self.expected, strict=True):
            step = Step(
                model=model, rejected=0.0, read=int(read), tokens=float(tokens), bound=1e9,
                prompt=round(1e6 * self.prices[0] * read), answer=round(1e6 * self.prices[1] * tokens),
                checks=0.0, most=None,
            )  # fmt: skip
            book.add((step,))
        draws = book.forecast(replace(errors, prompt=0.0), draws=DRAWS).cost.sum(1) / 1e6
        low, high = np.quantile(draws, INTERVAL)
        return float(low), float(high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """How files of one source came out: the share that lay in the interval, below it, and its middle width.

    `width` is the upper end over the lower; `errors` are those that the interval was made of.
    """

    source: str
    files: int
    datasets: int
    covered: float
    below: float
    width: float
    errors: Errors


def fitted(files: Sequence[File]) -> Errors:
    """Fit shared and own errors; every source counts alike, and in it every data set."""
    by_source = _grouped(files, lambda file: file.source)
    common, model, answer = [], [], []
    for mine in by_source:
        sets = _grouped(mine, lambda file: file.dataset)
        longer = [np.array([file.longer for file in each]) for each in sets]
        common.append(float(np.mean([each.mean() ** 2 for each in longer])))
        model += (
            [float(np.mean([each.var() for each in longer if len(each) > 1]))] if _several(longer) else []
        )
        answer.append(float(np.mean([file.noise**2 for file in mine])))
    return replace(
        SHIPPED,
        common=float(np.sqrt(np.mean(common))),
        model=float(np.sqrt(np.mean(model))) if model else 0.0,
        answer=float(np.sqrt(np.mean(answer))),
    )


def crossed(files: Sequence[File]) -> Iterator[Covered]:
    """Hold each source's files against errors fitted on all others."""
    for mine in _grouped(files, lambda file: file.source):
        others = [file for file in files if file.source != mine[0].source]
        yield covered(mine, fitted(others))


def covered(mine: Sequence[File], errors: Errors) -> Covered:
    """Hold files of one source against an interval; every data set counts alike."""
    inside, below, width = [], [], []
    for each in _grouped(mine, lambda file: file.dataset):
        told = [(file.cost, *file.interval(errors)) for file in each]
        inside.append(np.mean([low <= cost <= high for cost, low, high in told]))
        below.append(np.mean([cost < low for cost, low, _ in told]))
        width.append(np.median([high / low for _, low, high in told]))
    return Covered(
        source=mine[0].source,
        files=len(mine),
        datasets=len(inside),
        covered=float(np.mean(inside)),
        below=float(np.mean(below)),
        width=float(np.median(width)),
        errors=errors,
    )


def _several(longer: Sequence[Doubles]) -> bool:
    return any(len(each) > 1 for each in longer)


def _grouped(files: Sequence[File], key: Callable[[File], str]) -> list[list[File]]:
    groups: dict[str, list[File]] = {}
    for file in files:
        groups.setdefault(key(file), []).append(file)
    return list(groups.values())
