"""`farthing evaluate estimate`: does the interval of `farthing batch estimate` hold on recorded files?"""

import importlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import numpy as np

from batch.coverage import LEAST_LINES, MOST_LINES, Covered, File, covered, crossed, fitted
from batch.forecast import LEARNT, SHIPPED, Errors
from router.commands.evaluate.showing import AS_JSON, DATA, print_json, print_table
from router.difficulty import load, sheet
from router.difficulty.corpus import Corpus, read
from router.difficulty.hierarchy import Doubles

PRICES = (1.0, 3.0)
"""Of a token read and of one written, for every model: what is asked is whether their number is right."""


@click.command()
@DATA
@AS_JSON
def command(data: Path, *, as_json: bool) -> None:
    """Estimate recorded files (a data set, a model) and look whether their cost lay in the interval.

    Lengths are expected by a classifier that has not seen the file's source; errors are fitted on the other
    sources. With own traffic, each model's lengths are set right by half of the source's prompts, and the
    files are those of the other half.
    """
    corpus = read(data)
    strange, learnt = _files(corpus)
    found = {
        "never seen": list(crossed(strange)),
        "never seen, as shipped": [covered(mine, SHIPPED) for mine in _by_source(strange)],
        "after own traffic": list(crossed(learnt)),
        "after own traffic, as shipped": [covered(mine, LEARNT) for mine in _by_source(learnt)],
    }
    if as_json:
        print_json([one for rows in found.values() for one in rows])
        return
    for name, rows in found.items():
        if rows:
            _show(name, rows)
        else:
            click.echo(f"{name}: too few lines to tell")
    for name, files in (("never seen", strange), ("after own traffic", learnt)):
        if files:
            click.echo(f"errors fitted on all sources, {name}: {_spelled(fitted(files))}")


def _files(corpus: Corpus) -> tuple[list[File], list[File]]:
    # Training loads scikit-learn, which nothing else here needs.
    lengths = importlib.import_module("router.difficulty.unseen_lengths")
    half = np.random.default_rng(0).random(len(corpus.texts)) < 0.5
    strange: list[File] = []
    learnt: list[File] = []
    for one in lengths.without_each(load(), corpus, sheet.measured(corpus.texts)):
        strange += _of(corpus, one.source, one.cells, one.expected)
        told = half[corpus.prompt[one.cells]]
        right = _set_right(corpus, one.cells, one.expected, told)
        kept = ~told & ~np.isnan(right)
        learnt += _of(corpus, one.source, one.cells[kept], right[kept])
    return strange, learnt


def _set_right(corpus: Corpus, cells: Doubles, expected: Doubles, told: Doubles) -> Doubles:
    """Correct each model's lengths by those of its answers that are told; NaN where these are too few."""
    right = np.full(len(expected), np.nan)
    subject = corpus.subject[cells]
    for at in np.unique(subject):
        mine = subject == at
        known = mine & told
        if known.sum() >= LEAST_LINES:
            right[mine] = expected[mine] * (corpus.tokens[cells[known]].sum() / expected[known].sum())
    return right


def _of(corpus: Corpus, source: str, cells: Doubles, expected: Doubles) -> Iterator[File]:
    """Cut a source's outcomes into files."""
    dataset, subject = corpus.dataset[corpus.prompt[cells]], corpus.subject[cells]
    for name in np.unique(dataset):
        for at in np.unique(subject[dataset == name]):
            mine = np.flatnonzero((dataset == name) & (subject == at))[:MOST_LINES]
            if len(mine) < LEAST_LINES:
                continue
            texts = [corpus.texts[prompt] for prompt in corpus.prompt[cells[mine]]]
            yield File(
                source=source,
                dataset=str(name),
                model=corpus.subjects[at].name,
                read=np.array([len(text) / 4 for text in texts]),
                expected=expected[mine],
                written=corpus.tokens[cells[mine]],
                prices=PRICES,
            )


def _by_source(files: Sequence[File]) -> list[list[File]]:
    return [
        [file for file in files if file.source == source] for source in dict.fromkeys(f.source for f in files)
    ]


def _show(name: str, rows: Sequence[Covered]) -> None:
    headings = ("source", "data sets", "files", "covered", "below", "upper / lower")
    table = [
        (
            row.source,
            str(row.datasets),
            f"{row.files:,}",
            f"{row.covered:.0%}",
            f"{row.below:.0%}",
            f"{row.width:.1f}",
        )
        for row in rows
    ]
    mean = float(np.mean([row.covered for row in rows]))
    by_set = sum(row.covered * row.datasets for row in rows) / sum(row.datasets for row in rows)
    print_table(f"Sources {name}: in the interval of 90 %", headings, table)
    click.echo(f"{name}: {mean:.0%} covered where every source counts alike, {by_set:.0%} every data set")


def _spelled(errors: Errors) -> str:
    return f"common {errors.common:.2f}, model {errors.model:.2f}, answer {errors.answer:.2f}"
