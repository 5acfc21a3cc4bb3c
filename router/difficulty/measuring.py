"""What is measured of a classifier, as tables of text."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

import numpy as np

from router.difficulty.corpus import Corpus, Places
from router.difficulty.hierarchy import Doubles
from router.difficulty.ladders import LADDERS, Ladder, climb
from router.difficulty.model import Difficulty, Pool
from router.difficulty.scores import MEASURES, Judged, interval, routed
from router.difficulty.sheet import Sheet, features

DRAWS = 40
"""Bootstrap draws behind every interval."""

FEWEST = 20
"""Prompts that a ladder needs."""

CHUNK = 512
"""Prompts predicted for at once: bounds the memory."""

Row = tuple[str, ...]
HEADINGS = ("", *MEASURES)
ROUTING = ("ladder", "prompts", "share of the gap closed", "cost at 95 % quality (mix)")


def described(fitted: Difficulty, sheet: Sheet) -> Doubles:
    """Return the vectors of all prompts: what `describe` gives one by one."""
    reader = fitted.reader
    read, strange = features(reader, sheet)
    length = read @ reader.length[:-1] + reader.length[-1]
    return np.concatenate((strange, length[:, None], reader.traits(read)), axis=1).astype(float)


def positions(fitted: Difficulty, corpus: Corpus) -> Places:
    """Return, for each subject of a corpus, its row in the classifier; -1 where it has none."""
    rows = {name: at for at, (name, _) in enumerate(fitted.models)}
    return np.array([rows.get(subject.name, -1) for subject in corpus.subjects])


def known_pool(fitted: Difficulty) -> Pool:
    """Return all models that the classifier knows."""
    return Pool(
        means=np.array([belief.mean for belief in fitted.beliefs]),
        spreads=np.array([belief.spread.ravel() for belief in fitted.beliefs]),
        lengths=fitted.lengths.rows,
    )


def chances(fitted: Difficulty, vectors: Doubles, prompts: Places, pool: Pool) -> Doubles:
    """Return (P, models) chances, filled in for these prompts alone."""
    table = np.full((len(vectors), len(pool.means)), np.nan)
    for part in np.array_split(prompts, len(prompts) // CHUNK + 1):
        table[part] = fitted.chances(vectors[part], pool)
    return table


def judged(corpus: Corpus, chance: Doubles, at: Places) -> Judged:
    """Return outcomes of a corpus, all of whose subjects have a row `at` in the table of chances."""
    return Judged(
        chance=chance[corpus.prompt, at[corpus.subject]],
        score=corpus.score,
        model=corpus.subject,
        dataset=corpus.dataset[corpus.prompt],
        group=corpus.group[corpus.prompt],
    )


def measures(outcomes: Judged, *, draws: int = DRAWS, seed: int = 1) -> Row:
    """Return every measure with its interval."""
    random = np.random.default_rng(seed)

    def cell(measure: Callable[[Judged], float]) -> str:
        low, high = interval(lambda rows: measure(outcomes.at(rows)), outcomes.group, draws, random)
        return f"{measure(outcomes):.3f} [{low:.3f}, {high:.3f}]"

    return tuple(cell(measure) for measure in MEASURES.values())


def routing(
    corpus: Corpus, chance: Doubles, at: Places, ladders: Sequence[Ladder] = LADDERS, *, seed: int = 1
) -> list[Row]:
    """Route each ladder's prompts by the chances; a ladder with a rung the classifier lacks says so."""
    names = [subject.name for subject in corpus.subjects]
    rows: list[Row] = []
    for ladder in ladders:
        columns = at[[names.index(rung) for rung in ladder.rungs]]
        if (columns < 0).any():
            rows.append((ladder.name, "0", "not measured: a rung has no outcomes to learn from", ""))
            continue
        found = climb(ladder, corpus)
        if len(found.prompts) < FEWEST:
            rows.append((ladder.name, str(len(found.prompts)), "not measured: too few prompts", ""))
            continue
        value = chance[found.prompts][:, columns]
        random = np.random.default_rng(seed)

        closed = partial(_closed, value, found.score, found.cost)
        low, high = interval(closed, found.group, DRAWS, random)
        whole = routed(value, found.score, found.cost)
        rows.append(
            (
                ladder.name,
                str(len(found.prompts)),
                f"{whole.closed:.3f} [{low:.3f}, {high:.3f}]",
                f"{whole.cost:.2f} ({whole.mix_cost:.2f})",
            )
        )
    return rows


def _closed(value: Doubles, score: Doubles, cost: Doubles, places: Places) -> float:
    return routed(value[places], score[places], cost).closed


def known(fitted: Difficulty, corpus: Corpus, measured: Sheet) -> Iterator[str]:
    """Measure on the validation prompts, beside each model's mean as the baseline."""
    held, train = corpus.of_split("validation"), corpus.of_split("train")
    at = positions(fitted, corpus)
    unknown = at[held.subject] < 0
    if unknown.any():
        yield f"{int(unknown.sum())} outcomes of models without training outcomes are left out."
        held = held.where(~unknown)
    chance = chances(fitted, described(fitted, measured), np.unique(held.prompt), known_pool(fitted))
    rows = [
        ("each model's mean", *measures(judged(held, means(train, corpus), np.arange(len(corpus.subjects))))),
        ("this classifier", *measures(judged(held, chance, at))),
    ]
    for task in np.unique(held.task[held.prompt]):
        part = held.where(held.task[held.prompt] == task)
        rows.append((f"of it, {task}", *measures(judged(part, chance, at))))
    yield table(f"Known models, other prompts ({len(held.score):,} outcomes)", HEADINGS, rows)


def means(train: Corpus, corpus: Corpus) -> Doubles:
    """Return (P, M) chances that know the model alone."""
    count = len(corpus.subjects)
    total = np.bincount(train.subject, train.score, count)
    share = (total + 1.2) / (np.bincount(train.subject, minlength=count) + 2.0)
    return np.tile(share, (len(corpus.texts), 1))


def ladder_tables(fitted: Difficulty, corpus: Corpus, measured: Sheet) -> Iterator[str]:
    """Route the validation prompts of each ladder."""
    held = corpus.of_split("validation")
    chance = chances(fitted, described(fitted, measured), np.unique(held.prompt), known_pool(fitted))
    yield table("Routing, validation prompts", ROUTING, routing(held, chance, positions(fitted, corpus)))


def table(title: str, head: Iterable[str], rows: Iterable[Row]) -> str:
    """Lay rows out for reading in a terminal and in Markdown."""
    lines = [f"\n## {title}\n", f"| {' | '.join(head)} |"]
    lines.append("|" + "---|" * (lines[-1].count("|") - 1))
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines)
