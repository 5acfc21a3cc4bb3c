"""Fits the classifier: `python -m router.difficulty.training --data ../shared/data --out difficulty.npz`.

The one door to scikit-learn; nothing that serves imports this.
Only prompts of the `train` split are fitted on.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import MiniBatchKMeans
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils.extmath import randomized_svd

from router.difficulty import artefact, network, sheet, widening
from router.difficulty.corpus import Corpus, Places, read
from router.difficulty.hierarchy import Belief, Doubles
from router.difficulty.marks import DENSE
from router.difficulty.measuring import known
from router.difficulty.model import Difficulty, Doubt, Lengths
from router.difficulty.network import Network, Recipe, Table
from router.difficulty.placing import place
from router.difficulty.reader import EDGE, SEEN_BITS, STRANGE, Reader, upright
from router.difficulty.sheet import Sheet, features, weighed
from router.difficulty.words import Floats

TERSE = ("mmlu_helm", "routerbench", "concise_cot/baseline", "concise_cot/concise")
"""Sources that asked for a bare letter or few words: their answers are not as long as ordinary ones."""

SAMPLE = 8_000
"""Prompts on which the projection is fitted, about."""

NO_DOUBT = Doubt(weights=np.array([-30.0, *(0.0 for _ in STRANGE)]), kept=1.0, shift=0.0)

TOGETHER = (
    ("knowledge",),
    ("math",),
    ("commonsense", "reading", "open_qa"),
    ("function_call", "generation"),
    ("reasoning", "code", "code_reasoning", "chat"),
)
"""Kinds of prompt that are left out together to learn how far strange text is to be trusted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How everything is fitted; `folds` networks are averaged, each blind to its own part of the prompts."""

    dimensions: int = 192
    folds: int = 5
    crowd: int = 128
    rounds: int = 4
    aside: int = 16
    """One prompt in so many is kept for calibration."""
    draws: int = 15_000
    """Outcomes looked at for each part of the calibration."""
    seed: int = 7
    recipe: Recipe = field(default_factory=Recipe)
    doubts: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """Outcomes that predictions are held against, and what is believed of the `known` models."""

    corpus: Corpus
    beliefs: tuple[Belief, ...]
    known: Places
    draws: int

    def sighting(
        self, side: "Crossed", random: np.random.Generator, *, even: bool = False
    ) -> widening.Sighting:
        """Draw outcomes, as they come or evenly over the tasks, with what `side` says of their prompts."""
        at = widening.drawn(self.corpus, self.draws, random, even=even)
        column = np.searchsorted(self.known, self.corpus.subject)
        return widening.sighting(self.corpus, at, column, self.beliefs, side.traits, side.strange)


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossed:
    """A reader, and for every prompt the traits that networks blind to it read (P, T)."""

    reader: Reader
    traits: Doubles
    strange: Doubles


def learn(corpus: Corpus, prompts: Sheet, settings: Settings) -> Difficulty:
    """Fit everything on the outcomes of a corpus; the same corpus and settings give the same classifier."""
    random = np.random.default_rng(settings.seed)
    known = np.unique(corpus.subject)
    aside = _folds(corpus.group, np.unique(corpus.prompt), settings.aside, random)[0]
    learning = corpus.where(~np.isin(corpus.prompt, aside))
    rows = np.unique(learning.prompt)
    table = _table(learning, known)
    bare = _text_side(prompts, rows, settings)
    read_all, strange = features(bare, prompts)
    whole = network.fit(replace(table, features=read_all), rows, settings.recipe, random)
    folds = _folds(corpus.group, rows, settings.folds, random)
    crossed = _crossed(bare, prompts, table, folds, whole, settings, random)
    beliefs, trends = place(learning, crossed.traits, known, settings.rounds)
    fresh = Crossed(reader=bare, traits=crossed.reader.traits(read_all), strange=strange.astype(float))
    judge = Judge(
        corpus=corpus.where(np.isin(corpus.prompt, aside)), beliefs=beliefs, known=known, draws=settings.draws
    )
    sharpness = widening.sharpness(judge.sighting(fresh, random))
    reader, lengths = _lengths(_scaled(crossed.reader, sharpness), read_all, learning, known)
    fitted = Difficulty(
        reader=reader,
        models=tuple((corpus.subjects[at].name, corpus.subjects[at].tuned) for at in known),
        beliefs=beliefs,
        trends=trends,
        middle=float(np.mean([belief.mean[0] for belief in beliefs])),
        doubt=NO_DOUBT,
        lengths=lengths,
    )
    kinds = _kinds(corpus.task, rows)
    if not settings.doubts or not kinds:
        return fitted
    # What is wanted here is how far off such networks are, for which roughly trained ones do.
    rough = replace(settings, recipe=replace(settings.recipe, epochs=max(1, settings.recipe.epochs // 2)))
    odd = _crossed(bare, prompts, table, kinds, whole, rough, random, again=True)
    sharp = replace(fresh, traits=sharpness * fresh.traits)
    return replace(fitted, doubt=_doubt(judge, replace(judge, corpus=learning), sharp, odd, random))


def _scaled(reader: Reader, by: float) -> Reader:
    """Return a reader whose traits are so many times as large.

    Traits that networks agree on are averaged, and an average varies less than what each network said.
    """
    return replace(
        reader,
        outer=np.asarray(by * reader.outer, np.float32),
        straight=np.asarray(by * reader.straight, np.float32),
        traits_centre=np.asarray(by * reader.traits_centre, np.float32),
    )


def _table(corpus: Corpus, known: Places) -> Table:
    column = np.searchsorted(known, corpus.subject)
    shape = (len(corpus.texts), len(known))
    sums, counts = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    np.add.at(sums, (corpus.prompt, column), corpus.score)
    np.add.at(counts, (corpus.prompt, column), 1.0)
    return Table(features=np.zeros((len(corpus.texts), 0), np.float32), sums=sums, counts=counts)


def _text_side(prompts: Sheet, rows: Places, settings: Settings) -> Reader:
    """Fit what needs no outcomes: rarity, projection, scales, and which words have been seen."""
    words = prompts.words[rows]
    documents = np.asarray((words > 0).sum(0)).ravel()
    rarity = np.where(documents >= 3, np.log((len(rows) + 1) / (documents + 1)), 0.0).astype(np.float32)
    weights = weighed(words, rarity)
    size = min(settings.dimensions, min(weights.shape) - 1)
    # Every third prompt shows the same directions as all of them do.
    sample = weights[:: max(1, len(rows) // SAMPLE)]
    right = randomized_svd(sample, size, n_iter=2, random_state=settings.seed)[2]
    projection = np.ascontiguousarray(right.T, np.float32)
    projected = weights @ projection
    marks = prompts.marks[rows]
    bits = (
        np.bincount(
            np.concatenate([np.unique(prompts.raws[row].seen) for row in rows]), minlength=1 << SEEN_BITS
        )
        >= 2
    )
    total, none = size + marks.shape[1], np.zeros((0, 0), np.float32)
    marks_centre, marks_scale = marks.mean(0), np.maximum(marks.std(0), 0.02)
    dense = ((marks - marks_centre) / marks_scale)[:, :DENSE]
    centre, scale = projected.mean(0), projected.std(0) + 1e-6
    return Reader(
        rarity=rarity,
        projection=projection,
        project_centre=centre,
        project_scale=scale,
        marks_centre=marks_centre,
        marks_scale=marks_scale,
        inner=none,
        threshold=none,
        outer=none,
        straight=none,
        crowd_words=_crowd(upright((projected - centre) / scale), settings),
        crowd_marks=_crowd(np.clip(dense, -EDGE, EDGE), settings),
        traits_centre=none,
        length=np.zeros(total + 1, np.float32),
        seen=np.packbits(bits, bitorder="little"),
    )


def _crowd(rows: Floats, settings: Settings) -> Floats:
    """Return centres near which the training prompts lie."""
    count = min(settings.crowd, len(rows))
    found = MiniBatchKMeans(count, batch_size=2048, n_init=1, random_state=settings.seed).fit(rows)
    return np.asarray(found.cluster_centers_, np.float32)


def _folds(group: NDArray[np.str_], rows: Places, count: int, random: np.random.Generator) -> list[Places]:
    names, belongs = np.unique(group[rows], return_inverse=True)
    drawn = random.integers(0, count, len(names))[belongs]
    return [rows[drawn == fold] for fold in range(count)]


def _kinds(task: NDArray[np.str_], rows: Places) -> list[Places]:
    folds = [rows[np.isin(task[rows], kinds)] for kinds in TOGETHER]
    return [fold for fold in folds if 0 < len(fold) < len(rows)]


def _crossed(
    bare: Reader,
    prompts: Sheet,
    table: Table,
    folds: list[Places],
    whole: Network,
    settings: Settings,
    random: np.random.Generator,
    *,
    again: bool = False,
) -> Crossed:
    """Train a network blind to each fold, the models' side held still so that all speak of the same traits.

    With `again` the words' side is fitted blind too, so that the fold's text is as strange as it would be.
    """
    rows = np.sort(np.concatenate(folds))
    read, strange = features(bare, prompts)
    traits = np.zeros((len(read), settings.recipe.traits))
    networks = []
    for fold in folds:
        rest = np.setdiff1d(rows, fold)
        if again:
            seen, odd = features(_text_side(prompts, rest, settings), prompts)
            strange[fold] = odd[fold]
        else:
            seen = read
        fitted = network.fit(replace(table, features=seen), rest, settings.recipe, random, like=whole)
        traits[fold] = fitted.traits(seen[fold])
        networks.append(fitted)
    reader = bare if again else _joined(bare, networks, traits[rows].mean(0))
    return Crossed(reader=reader, traits=traits - traits[rows].mean(0), strange=strange.astype(float))


def _joined(bare: Reader, networks: list[Network], centre: Doubles) -> Reader:
    count = len(networks)
    return replace(
        bare,
        inner=np.concatenate([one.inner for one in networks], axis=1),
        threshold=np.concatenate([one.threshold for one in networks]),
        outer=np.asarray(np.concatenate([one.outer for one in networks]) / count, np.float32),
        straight=np.asarray(sum(one.straight for one in networks) / count, np.float32),
        traits_centre=np.asarray(centre, np.float32),
    )


def _lengths(reader: Reader, read: Floats, corpus: Corpus, known: Places) -> tuple[Reader, Lengths]:
    """Fit log tokens of answers: one number a prompt by ridge, then a line a model through it."""
    kept = ~np.isnan(corpus.tokens) & ~np.isin(corpus.source, TERSE) & (corpus.tokens > 0)
    prompt, column = corpus.prompt[kept], np.searchsorted(known, corpus.subject[kept])
    logs = np.log(corpus.tokens[kept])
    offset = _means(logs, column, len(known), float(logs.mean()))
    ridge = Ridge(alpha=3000.0).fit(read[prompt], logs - offset[column] + logs.mean())
    reader = replace(reader, length=np.append(ridge.coef_, ridge.intercept_).astype(np.float32))
    guess = np.asarray(ridge.predict(read[prompt]), float)
    slope = float(np.cov(guess, logs - offset[column])[0, 1] / guess.var())
    thinking = np.array([corpus.subjects[at].facts.thinks for at in known])
    level = _means(logs - slope * guess, column, len(known), float((logs - slope * guess).mean()))
    usual = float(np.median(level[~thinking]))
    extra = max(0.0, float(level[thinking].mean()) - usual) if thinking.any() else 0.0
    rows = np.stack(
        (level - extra * thinking, np.full(len(known), slope), np.full(len(known), extra)), axis=1
    )
    rest = logs - rows[column, 0] - slope * guess - (extra * thinking)[column]
    return reader, Lengths(
        rows=rows,
        usual=np.array([usual, slope, extra]),
        spread=float(rest.var()),
        typical=float(guess.mean()),
    )


def _means(values: Doubles, column: Places, count: int, middle: float) -> Doubles:
    """Return means by column, shrunk to the middle as if twenty more values lay there."""
    sums = np.bincount(column, values, count)
    return np.asarray((sums + 20.0 * middle) / (np.bincount(column, minlength=count) + 20.0))


def _doubt(fresh: Judge, learnt: Judge, known: Crossed, odd: Crossed, random: np.random.Generator) -> Doubt:
    """Learn to tell left-out kinds of text from known ones, then choose how far that widens predictions."""
    ordinary = fresh.sighting(known, random)
    balanced, left_out = fresh.sighting(known, random, even=True), learnt.sighting(odd, random, even=True)
    both = np.concatenate((balanced.strange, left_out.strange))
    scale = both.std(0) + 1e-6
    told = LogisticRegression().fit(both / scale, np.repeat([0, 1], fresh.draws))
    # Being further away never makes a text less strange.
    weights = np.maximum(told.coef_[0], 0.0) / scale
    return widening.choose(np.array([told.intercept_[0], *weights]), ordinary, balanced, left_out)


@click.command()
@click.option(
    "--data", type=click.Path(exists=True, path_type=Path), required=True, help="Folder of parquet files."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="The .npz to write; its .json lies beside it.",
)
@click.option(
    "--seed",
    type=int,
    default=Settings().seed,
    show_default=True,
    help="The same seed gives the same artefact.",
)
def main(data: Path, out: Path, seed: int) -> None:
    """Fit the classifier anew and print how it does on the validation prompts."""
    corpus = read(data)
    measured = sheet.measured(corpus.texts)
    train = corpus.of_split("train")
    settings = replace(Settings(), seed=seed)
    about = {"prompts": len(np.unique(train.prompt)), "outcomes": len(train.score), "seed": seed}
    artefact.save(learn(train, measured, settings), out, about)
    for line in known(artefact.load(out), corpus, measured):
        click.echo(line)


if __name__ == "__main__":
    main()
