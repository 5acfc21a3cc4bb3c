"""Fits the classifier: `python -m router.difficulty.training --data ../shared/data --out difficulty.npz`.

The one door to scikit-learn; nothing that serves imports this.
Only prompts of the `train` split are fitted on.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

import click
import numpy as np
from sklearn.cluster import MiniBatchKMeans
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils.extmath import randomized_svd

from router.difficulty import artefact, network, sheet, widening
from router.difficulty.corpus import TERSE, Corpus, Places, read
from router.difficulty.crossing import Core, Crossed, apart, joined, parts
from router.difficulty.hierarchy import Doubles
from router.difficulty.marks import DENSE
from router.difficulty.model import Difficulty, Doubt, Lengths
from router.difficulty.network import Network, Recipe, Table
from router.difficulty.placing import distant, place
from router.difficulty.reader import EDGE, SEEN_BITS, STRANGE, Crowd, Reader, bounded, share_of_bits, upright
from router.difficulty.sheet import Sheet, features, weighed
from router.difficulty.words import Bytes, Floats

ENOUGH = 200
"""Outcomes from which on a model is placed by them, when it is asked for by name."""

SAMPLE = 8_000
"""Prompts on which the projection is fitted, about."""

NO_DOUBT = Doubt(weights=np.array([-30.0, *(0.0 for _ in STRANGE)]), shift=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How everything is fitted; `folds` networks are averaged, each blind to its own part of the prompts."""

    dimensions: int = 96
    folds: int = 5
    crowd: int = 128
    rounds: int = 4
    draws: int = 15_000
    """Outcomes looked at for each part of the calibration."""
    seed: int = 7
    recipe: Recipe = field(default_factory=Recipe)
    facts: float = 0.85
    """By how much a model's row on strange text is what its facts say."""
    apart: int = 4
    """How many sources are left out in turn, to learn when a text is strange; none: nothing ever is."""


QUICK = Settings(folds=2, apart=2, recipe=Recipe(epochs=20))
"""For measuring what the recipe does without some of the records."""


def learn(corpus: Corpus, prompts: Sheet, settings: Settings) -> Difficulty:
    """Fit everything on the outcomes of a corpus; the same corpus and settings give the same classifier."""
    random = np.random.default_rng(settings.seed)
    core = _core(corpus, prompts, settings, random)
    reader, lengths = fitted_lengths(core.reader, core.read, corpus, core.known)
    return Difficulty(
        reader=reader,
        models=tuple((corpus.subjects[at].name, corpus.subjects[at].tuned) for at in core.known),
        beliefs=core.beliefs,
        far=core.far,
        trends=core.trends,
        narrow=_narrow(corpus),
        middle=float(np.mean([belief.mean[0] for belief in core.beliefs])),
        doubt=_doubt(core, corpus, prompts, settings, random),
        lengths=lengths,
    )


def _core(corpus: Corpus, prompts: Sheet, settings: Settings, random: np.random.Generator) -> Core:
    rows, known = np.unique(corpus.prompt), np.unique(corpus.subject)
    bare = _text_side(prompts, rows, settings)
    read, strange = features(bare, prompts)
    # A prompt that was fitted on does not count among those that make its words seen.
    others = _seen(prompts, rows, 3)
    strange[rows, 0] = [1.0 - share_of_bits(others, prompts.raws[row].seen) for row in rows]
    table = replace(_table(corpus, known), features=read)
    whole = network.fit(table, rows, settings.recipe, random)
    crossed = _crossed(
        bare, table, parts(corpus.group, rows, settings.folds, random), whole, settings, random
    )
    beliefs, trends = place(corpus, crossed.traits, known, settings.rounds)
    subjects = [corpus.subjects[at] for at in known]
    return Core(
        reader=crossed.reader,
        read=read,
        traits=crossed.traits,
        strange=strange.astype(float),
        known=known,
        beliefs=beliefs,
        far=distant(subjects, beliefs, trends, settings.facts),
        trends=trends,
    )


def _doubt(
    core: Core, corpus: Corpus, prompts: Sheet, settings: Settings, random: np.random.Generator
) -> Doubt:
    """Learn what the text of left-out sources looks like, and what is best believed of models there."""
    # What is wanted here is how far off such networks are, for which roughly trained ones do.
    recipe = replace(settings.recipe, epochs=max(1, settings.recipe.epochs // 2))
    rough = replace(settings, recipe=recipe, folds=2)
    known = core.sighting(corpus, settings.draws, random)
    seen = [
        _core(rest, prompts, rough, random).sighting(left_out, settings.draws, random)
        for rest, left_out in apart(corpus, settings.apart)
    ]
    odd = [one for one in seen if one is not None]
    if known is None or not odd:
        return NO_DOUBT
    both = np.concatenate((known.strange, *(one.strange for one in odd)))
    scale = both.std(0) + 1e-6
    label = np.repeat([0, 1], [len(known.strange), len(both) - len(known.strange)])
    told = LogisticRegression(class_weight="balanced").fit(both / scale, label)
    # Being further away never makes a text less strange.
    directions = [np.maximum(told.coef_[0], 0.0) / scale, *(np.eye(len(scale)) / scale)]
    return widening.choose([one for one in directions if one.any()], known, odd)


def _narrow(corpus: Corpus) -> frozenset[str]:
    """Name the models with few outcomes: fifty of them were only ever given 38 trick questions."""
    at, counts = np.unique(corpus.subject, return_counts=True)
    return frozenset(corpus.subjects[i].name for i, count in zip(at, counts, strict=True) if count < ENOUGH)


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
    step = np.asarray(np.maximum(np.abs(right).max(1), 1e-9) / 127.0, np.float32)
    projection = np.round(right.T / step).astype(np.int8)
    projected = (weights @ projection.astype(np.float32)) * step
    marks = prompts.marks[rows]
    total, none = size + marks.shape[1], np.zeros((0, 0), np.float32)
    marks_centre, marks_scale = marks.mean(0), np.maximum(marks.std(0), 0.02)
    dense = ((marks - marks_centre) / marks_scale)[:, :DENSE]
    centre, scale = projected.mean(0), projected.std(0) + 1e-6
    return Reader(
        rarity=rarity,
        projection=projection,
        projection_step=step,
        project_centre=centre,
        project_scale=scale,
        marks_centre=marks_centre,
        marks_scale=marks_scale,
        inner=none,
        threshold=none,
        outer=none,
        straight=none,
        crowd_words=_crowd(upright((projected - centre) / scale), settings),
        crowd_marks=_crowd(bounded(dense, EDGE), settings),
        traits_centre=none,
        length=np.zeros(total + 1, np.float32),
        seen=_seen(prompts, rows, 2),
    )


def _seen(prompts: Sheet, rows: Places, least: int) -> Bytes:
    """Return a bit for every word that occurs in so many of these prompts."""
    places = np.concatenate([np.unique(prompts.raws[row].seen) for row in rows])
    return np.packbits(np.bincount(places, minlength=1 << SEEN_BITS) >= least, bitorder="little")


def _crowd(rows: Floats, settings: Settings) -> Crowd:
    """Return centres near which the training prompts lie."""
    count = min(settings.crowd, len(rows))
    found = MiniBatchKMeans(count, batch_size=2048, n_init=1, random_state=settings.seed).fit(rows)
    return Crowd.of(np.asarray(found.cluster_centers_, np.float32))


def _crossed(
    bare: Reader,
    table: Table,
    folds: list[Places],
    whole: Network,
    settings: Settings,
    random: np.random.Generator,
) -> Crossed:
    """Train a network blind to each fold, the models' side held still so that all speak of the same traits.

    Prompts in no fold are read by all of the networks.
    """
    rows = np.sort(np.concatenate(folds))
    # All begin alike: their traits then differ less, and rows fitted on one network's fit the mean of all.
    seeds = random.integers(0, 2**32, 4)
    blind = [
        network.fit(
            table,
            np.setdiff1d(rows, fold),
            settings.recipe,
            np.random.default_rng(seeds),
            like=whole,
        )
        for fold in folds
    ]
    read = [one.traits(table.features) for one in blind]
    traits = np.mean(read, axis=0).astype(float)
    for fold, seen in zip(folds, read, strict=True):
        traits[fold] = seen[fold]
    centre = traits[rows].mean(0)
    return Crossed(reader=joined(bare, blind, centre), traits=traits - centre)


def fitted_lengths(reader: Reader, read: Floats, corpus: Corpus, known: Places) -> tuple[Reader, Lengths]:
    """Fit log tokens of answers: one number a prompt by ridge, then a line a model through it."""
    kept = ~np.isnan(corpus.tokens) & ~np.isin(corpus.source, TERSE) & (corpus.tokens > 0)
    prompt, column = corpus.prompt[kept], np.searchsorted(known, corpus.subject[kept])
    logs = np.log(corpus.tokens[kept])
    offset = _means(logs, column, len(known), float(logs.mean()))
    ridge = Ridge(alpha=3000.0).fit(read[prompt], logs - offset[column] + logs.mean())
    reader = replace(reader, length=np.append(ridge.coef_, ridge.intercept_).astype(np.float32))
    guess = np.asarray(ridge.predict(read[prompt]), float)
    varied = float(guess.var())
    slope = float(np.cov(guess, logs - offset[column])[0, 1] / varied) if varied > 0 else 0.0
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
    """Fit the classifier anew."""
    corpus = read(data)
    measured = sheet.measured(corpus.texts)
    train = corpus.of_split("train")
    settings = replace(Settings(), seed=seed)
    about = {"prompts": len(np.unique(train.prompt)), "outcomes": len(train.score), "seed": seed}
    artefact.save(learn(train, measured, settings), out, about)
    click.echo(f"{out} is trained; `farthing evaluate difficulty --artefact {out}` measures it.")


if __name__ == "__main__":
    main()
