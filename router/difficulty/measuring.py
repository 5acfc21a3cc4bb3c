"""What is measured of a classifier, as tables of text."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from router.difficulty.corpus import Corpus, Places
from router.difficulty.hierarchy import Doubles
from router.difficulty.ladders import LADDERS, Ladder, climb
from router.difficulty.model import Difficulty, Pool
from router.difficulty.scores import MEASURES, Judged, interval, routed
from router.difficulty.sheet import Sheet, features

DRAWS = 100
"""Bootstrap draws behind every interval."""

CHUNK = 512
"""Prompts predicted for at once: bounds the memory."""

Row = tuple[str, ...]


def described(fitted: Difficulty, sheet: Sheet) -> Doubles:
    """Return the vectors of all prompts: what `describe` gives one by one."""
    reader = fitted.reader
    read, strange = features(reader, sheet)
    hidden = np.maximum(read @ reader.inner + reader.threshold, 0.0)
    traits = hidden @ reader.outer + read @ reader.straight - reader.traits_centre
    length = read @ reader.length[:-1] + reader.length[-1]
    return np.concatenate((strange, length[:, None], traits), axis=1).astype(float)


def positions(fitted: Difficulty, corpus: Corpus) -> Places:
    """Return, for each subject of a corpus, its row in the classifier; -1 where it has none."""
    rows = {name: at for at, (name, _) in enumerate(fitted.models)}
    return np.array([rows.get(subject.name, -1) for subject in corpus.subjects])


def known_pool(fitted: Difficulty) -> Pool:
    """Return all models that the classifier knows."""
    return Pool(
        means=np.array([belief.mean for belief in fitted.beliefs]),
        spreads=np.array([belief.spread for belief in fitted.beliefs]),
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
        found = climb(ladder, corpus)
        if (columns < 0).any() or len(found.prompts) < 20:
            rows.append(
                (ladder.name, str(len(found.prompts)), "not measured: a rung is unknown or prompts are few")
            )
            continue
        value = chance[found.prompts][:, columns]
        random = np.random.default_rng(seed)

        def closed(
            places: Places,
            value: Doubles = value,
            found_score: Doubles = found.score,
            cost: Doubles = found.cost,
        ) -> float:
            return routed(value[places], found_score[places], cost).closed

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


def table(title: str, head: Iterable[str], rows: Iterable[Row]) -> str:
    """Lay rows out for reading in a terminal and in Markdown."""
    lines = [f"\n## {title}\n", f"| {' | '.join(head)} |"]
    lines.append("|" + "---|" * (lines[-1].count("|") - 1))
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines)
