"""Fits the models' side: a row for each known model, and what facts say of models that are not known."""

from dataclasses import replace

import numpy as np

from router.difficulty.corpus import Corpus, Places, Subject
from router.difficulty.facts import columns
from router.difficulty.hierarchy import Belief, Doubles, Trend, posterior, trend


def place(
    corpus: Corpus, traits: Doubles, known: Places, rounds: int
) -> tuple[tuple[Belief, ...], tuple[Trend, ...]]:
    """Fit rows and trends in turns: rows given what facts say, then what facts say given the rows."""
    size = traits.shape[1] + 1
    prior = Belief(mean=np.zeros(size), spread=np.eye(size))
    priors = [prior] * len(known)
    subjects = [corpus.subjects[at] for at in known]
    cells = [np.flatnonzero(corpus.subject == at) for at in known]
    weights = np.array([len(cell) / (len(cell) + 200.0) for cell in cells])
    beliefs: list[Belief] = []
    trends: tuple[Trend, ...] = ()
    for _ in range(rounds):
        beliefs = [
            posterior(prior, _inputs(traits[corpus.prompt[cell]]), corpus.score[cell], rounds=8)
            for prior, cell in zip(priors, cells, strict=True)
        ]
        trends = tuple(_trend(pattern, subjects, beliefs, weights) for pattern in range(4))
        priors = [trends[one.facts.pattern].belief(one.facts.numbers()) for one in subjects]
    return tuple(beliefs), trends


def distant(
    subjects: list[Subject], beliefs: tuple[Belief, ...], trends: tuple[Trend, ...], share: float
) -> Doubles:
    """Return the models' rows (n, size) that are what their facts say by so large a share."""
    expected = [trends[one.facts.pattern].belief(one.facts.numbers()).mean for one in subjects]
    return share * np.array(expected) + (1.0 - share) * np.array([belief.mean for belief in beliefs])


def _trend(pattern: int, subjects: list[Subject], beliefs: list[Belief], weights: Doubles) -> Trend:
    """Fit what these facts say on the models of which they are known; if none is, they say nothing."""
    chosen = [at for at, one in enumerate(subjects) if one.facts.pattern & pattern == pattern]
    if chosen:
        facts = np.array([subjects[at].facts.numbers(pattern) for at in chosen])
        return trend(facts, [beliefs[at] for at in chosen], weights[chosen])
    plain = _trend(0, subjects, beliefs, weights)
    return replace(plain, slopes=np.pad(plain.slopes, ((0, columns(pattern) - columns(0)), (0, 0))))


def _inputs(traits: Doubles) -> Doubles:
    return np.concatenate((np.ones((len(traits), 1)), traits), axis=1)
