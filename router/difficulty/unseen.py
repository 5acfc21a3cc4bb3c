"""How the recipe fares on models and on sources of prompts that it was not trained on; trains anew for that.

Imports training, and with it scikit-learn.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from router.difficulty import training
from router.difficulty.corpus import Corpus, Places
from router.difficulty.hierarchy import Doubles
from router.difficulty.ladders import ladders
from router.difficulty.measuring import HEADINGS, Bench, as_model, bench, chances, judged, measures, placed
from router.difficulty.model import Difficulty, Lesson
from router.difficulty.routing import COLUMNS, NOTES, OURS, routing
from router.difficulty.scores import Judged
from router.difficulty.sheet import Sheet
from router.difficulty.tables import Cell, Section

NEW_MODELS = (
    "gemma-2-27b-it", "qwen2.5-72b-instruct", "llama-3.1-405b-instruct", "mistral-large-2407",
    "phi-3.5-mini-instruct", "claude-3-5-sonnet-20240620", "gpt-4o-mini-2024-07-18", "yi-1.5-34b-chat",
    "qwen1.5-110b", "command-r-plus",
)  # fmt: skip
"""Models of the public records that are left out; of other records, every tenth is."""

LABELS = (0, 20, 50, 100)
FEWEST = 200
"""Outcomes that make it worth looking at a source."""


def models(corpus: Corpus, sheet: Sheet, draws: int) -> Iterator[Section]:
    """Train without some models, then place them by their facts and by labelled prompts."""
    names = [subject.name for subject in corpus.subjects]
    chosen = [name for name in NEW_MODELS if name in names] or names[4::10]
    left_out = np.array([names.index(name) for name in chosen])
    train, held = corpus.of_split("train"), corpus.of_split("validation")
    fitted = training.learn(train.where(~np.isin(train.subject, left_out)), sheet, training.QUICK)
    on = bench(fitted, corpus, sheet, split="validation", draws=draws)
    mine = held.where(np.isin(held.subject, left_out))
    rows: list[tuple[Cell, ...]] = []
    for labels in LABELS:
        taught = fitted.learn(lessons(train, left_out, on.vectors, labels))
        chance = chances(taught, on.vectors, np.unique(mine.prompt), placed(taught, corpus))
        rows.append(measures(f"{labels} labelled prompts", judged(mine, chance), draws))
    yield Section(
        name="new_models",
        title="Models never seen",
        columns=HEADINGS,
        rows=tuple(rows),
        notes=(f"Left out of training: {', '.join(chosen)}.",),
    )
    concerned = tuple(one for one in ladders(corpus) if set(one.rungs) & set(chosen))
    yield replace(
        next(routing(on, concerned)), name="new_models_routing", title="Routing with models never seen"
    )


def sources(corpus: Corpus, sheet: Sheet, draws: int) -> Iterator[Section]:
    """Train without each source in turn, then predict and route on all of its prompts, and learn from 50."""
    family = np.array([source.partition("/")[0] for source in corpus.source])
    rows: list[tuple[Cell, ...]] = []
    routes: list[tuple[Cell, ...]] = []
    for source in np.unique(family):
        own = np.unique(corpus.prompt[family == source])
        rest = corpus.where((corpus.split[corpus.prompt] == "train") & ~np.isin(corpus.prompt, own))
        strange = corpus.where(family == source)
        if len(strange.score) < FEWEST or not len(rest.score):
            rows.append((f"{source}: too few outcomes", len(strange.score), *(None for _ in HEADINGS[2:])))
            continue
        found = _source(str(source), corpus, sheet, rest, strange, draws)
        rows += found[0]
        routes += found[1]
    yield Section(name="new_sources", title="Sources never seen", columns=HEADINGS, rows=tuple(rows))
    yield Section(
        name="new_sources_routing",
        title="Routing on sources never seen",
        columns=COLUMNS,
        rows=tuple(routes),
        notes=NOTES,
    )


Rows = list[tuple[Cell, ...]]


def _source(
    name: str, corpus: Corpus, sheet: Sheet, rest: Corpus, strange: Corpus, draws: int
) -> tuple[Rows, Rows]:
    """Measure without adaptation on everything, and with it on all but the 50 prompts that taught."""
    fitted = training.learn(rest, sheet, training.QUICK)
    plain = bench(fitted, corpus, sheet, split=None, draws=draws)
    plain = replace(plain, held=strange, learnt=rest)
    ours = measures(f"{name}: this classifier", _judged(plain), draws)
    rows: Rows = [measures(f"{name}: each model's mean", judged(strange, _means(rest)), draws), ours]
    routes: Rows = _routes(plain, OURS)
    teaching = labelled(strange, 50)
    if len(teaching) == len(np.unique(strange.prompt)):
        return rows, routes  # none would be left to measure on
    taught = fitted.learn(_lessons(strange.where(np.isin(strange.prompt, teaching)), plain.vectors))
    later = replace(plain, fitted=taught, held=strange.where(~np.isin(strange.prompt, teaching)))
    rows.append(measures(f"{name}: it, after 50 prompts", _judged(later), draws))
    return rows, routes + _routes(later, "it, after 50 prompts")


def _routes(on: Bench, label: str) -> Rows:
    found = next(routing(on, ladders(on.held))).rows
    return [(*row[:2], label, *row[3:]) for row in found if row[2] == OURS]


def labelled(corpus: Corpus, count: int) -> Places:
    """Draw prompts to be labelled for all of the models that answered them."""
    return np.random.default_rng(5).permutation(np.unique(corpus.prompt))[:count]


def lessons(train: Corpus, subjects: Places, vectors: Doubles, labels: int) -> Iterator[Lesson]:
    """Draw labelled prompts for each subject."""
    random = np.random.default_rng(5)
    for subject in subjects:
        cells = np.flatnonzero(train.subject == subject)
        drawn = np.zeros(len(train.score), bool)
        drawn[random.choice(cells, min(labels, len(cells)), replace=False)] = True
        yield from _lessons(train.where(drawn), vectors)


def _lessons(taught: Corpus, vectors: Doubles) -> Iterator[Lesson]:
    models = {at: as_model(taught, at) for at in np.unique(taught.subject).tolist()}
    for prompt, subject, score in zip(taught.prompt, taught.subject.tolist(), taught.score, strict=True):
        yield Lesson(model=models[subject], vector=tuple(vectors[prompt].tolist()), score=float(score))


def _judged(on: Bench) -> Judged:
    fitted: Difficulty = on.fitted
    return judged(on.held, chances(fitted, on.vectors, np.unique(on.held.prompt), placed(fitted, on.corpus)))


def _means(learnt: Corpus) -> Doubles:
    """Return (P, M) chances that know the model alone."""
    count = len(learnt.subjects)
    overall = learnt.score.mean()
    total = np.bincount(learnt.subject, learnt.score, count)
    share = (total + 2.0 * overall) / (np.bincount(learnt.subject, minlength=count) + 2.0)
    return np.tile(share, (len(learnt.texts), 1))


PARTS: Mapping[str, Callable[[Corpus, Sheet, int], Iterator[Section]]] = MappingProxyType(
    {"models": models, "sources": sources}
)
