"""What is measured of a classifier on evaluation records, as sections."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from router.difficulty.baselines import baselines
from router.difficulty.corpus import TERSE, Corpus, Places
from router.difficulty.facts import PICODOLLARS
from router.difficulty.hierarchy import Doubles
from router.difficulty.model import Difficulty, Pool
from router.difficulty.reader import upright
from router.difficulty.scores import BINS, MEASURES, Judged, interval
from router.difficulty.sheet import Sheet, features
from router.difficulty.tables import Cell, Estimate, Section
from router.difficulty.words import Floats
from router.predictions import Lineup
from router.types import Model, Prices, Turn

CHUNK = 512
"""Prompts predicted for at once: bounds the memory."""

HEADINGS = ("", "outcomes", *MEASURES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Records, and what the classifier reads of them: `held` is measured on, the rest is `learnt` from."""

    fitted: Difficulty
    corpus: Corpus
    vectors: Doubles
    texts: Floats
    held: Corpus
    learnt: Corpus
    draws: int


def bench(fitted: Difficulty, corpus: Corpus, sheet: Sheet, *, split: str | None, draws: int) -> Bench:
    """Measure on a split; by default on `validation`, or on everything if nothing is called that."""
    chosen = split or ("validation" if "validation" in corpus.split else None)
    measured = corpus.split[corpus.prompt] == chosen if chosen else np.full(len(corpus.score), True)
    vectors, texts = _read(fitted, sheet)
    return Bench(
        fitted=fitted,
        corpus=corpus,
        vectors=vectors,
        texts=texts,
        held=corpus.where(measured),
        learnt=corpus.where(~measured),
        draws=draws,
    )


def described(fitted: Difficulty, sheet: Sheet) -> Doubles:
    """Return the vectors of all prompts: what `describe` gives one by one."""
    return _read(fitted, sheet)[0]


def positions(fitted: Difficulty, corpus: Corpus) -> Places:
    """Return, for each subject of a corpus, its row in the classifier; -1 where it has none."""
    rows = {name: at for at, (name, _) in enumerate(fitted.models)}
    return np.array([rows.get(subject.name, -1) for subject in corpus.subjects])


def known_pool(fitted: Difficulty) -> Pool:
    """Return all models that the classifier knows, by their rows."""
    return Pool(
        means=np.array([belief.mean for belief in fitted.beliefs]),
        spreads=np.array([belief.spread.ravel() for belief in fitted.beliefs]),
        far=fitted.far,
        doubts=np.full(len(fitted.beliefs), fitted.doubt.shift),
        lengths=fitted.lengths.rows,
        lineup=Lineup([name for name, _ in fitted.models]),
    )


def _read(fitted: Difficulty, sheet: Sheet) -> tuple[Doubles, Floats]:
    """Return the vectors, and the words' directions."""
    reader = fitted.reader
    read, strange = features(reader, sheet)
    length = read @ reader.length[:-1] + reader.length[-1]
    vectors = np.concatenate((strange, length[:, None], reader.traits(read)), axis=1).astype(float)
    return vectors, upright(read[:, : len(reader.project_centre)])


def as_model(corpus: Corpus, subject: int) -> Model:
    """Return a subject as a catalogue would have it."""
    one = corpus.subjects[subject]
    price = None if one.facts.price is None else round(one.facts.price * PICODOLLARS)
    return Model(
        name=one.name,
        upstream="",
        upstream_name=one.name,
        params_b=one.facts.params_b,
        active_params_b=one.facts.active_params_b,
        open_weight=one.facts.open_weight,
        prices=None if price is None else Prices(input=price, output=price),
    )


def placed(fitted: Difficulty, corpus: Corpus) -> Pool:
    """Return all subjects of a corpus as the classifier would place them in service."""
    return fitted.place(as_model(corpus, at) for at in range(len(corpus.subjects)))


def chances(fitted: Difficulty, vectors: Doubles, prompts: Places, pool: Pool) -> Doubles:
    """Return (P, models) chances, filled in for these prompts alone."""
    table = np.full((len(vectors), len(pool.means)), np.nan)
    for part in np.array_split(prompts, len(prompts) // CHUNK + 1):
        table[part] = fitted.chances(vectors[part], pool)
    return table


def judged(corpus: Corpus, chance: Doubles) -> Judged:
    """Return the outcomes of a corpus beside a table of chances (P, M)."""
    return Judged(
        chance=chance[corpus.prompt, corpus.subject],
        score=corpus.score,
        model=corpus.subject,
        dataset=corpus.dataset[corpus.prompt],
        group=corpus.group[corpus.prompt],
    )


def measures(name: str, outcomes: Judged, draws: int, *, seed: int = 1) -> tuple[Cell, ...]:
    """Return a row: every measure with its interval."""

    def cell(measure: Callable[[Judged], float]) -> Estimate:
        random = np.random.default_rng(seed)
        low, high = interval(lambda rows: measure(outcomes.at(rows)), outcomes.group, draws, random)
        return Estimate(value=measure(outcomes), low=low, high=high)

    return name, len(outcomes.score), *(cell(measure) for measure in MEASURES.values())


def difficulty(on: Bench) -> Iterator[Section]:
    """Yield what there is to say of chances, lengths and speed."""
    prompts = np.unique(on.held.prompt)
    chance = chances(on.fitted, on.vectors, prompts, placed(on.fitted, on.corpus))
    yield _chances(on, prompts, chance)
    yield _cells(on, chance)
    yield _reliability(judged(on.held, chance))
    yield _lengths(on)
    yield latency(on.fitted)


def _chances(on: Bench, prompts: Places, chance: Doubles) -> Section:
    ours = measures("this classifier", judged(on.held, chance), on.draws)
    known = {name for name, _ in on.fitted.models}
    new = [one.name for one in on.corpus.subjects if one.name not in known]
    notes = [f"On {len(prompts):,} prompts; intervals are drawn by group_id, {on.draws} times."]
    if new:
        notes.append(f"Models that it has not been trained on: {', '.join(sorted(new)[:10])}.")
    if not len(on.learnt.score):
        notes.append(
            "The baselines have nothing to learn from and are left out: no other split has outcomes."
        )
        return Section(name="chances", title="Chances", columns=HEADINGS, rows=(ours,), notes=tuple(notes))
    plain = baselines(on.learnt, on.texts, prompts)
    rows = [
        measures(name, judged(on.held, _spread(on, prompts, values)), on.draws)
        for name, values in (
            ("each model's mean", plain.mean),
            ("its mean for the kind of prompt", plain.kind),
            ("40 nearest prompts", plain.nearest),
        )
    ]
    return Section(name="chances", title="Chances", columns=HEADINGS, rows=(*rows, ours), notes=tuple(notes))


def _spread(on: Bench, prompts: Places, values: Doubles) -> Doubles:
    table = np.full((len(on.corpus.texts), values.shape[1]), np.nan)
    table[prompts] = values
    return table


def _cells(on: Bench, chance: Doubles) -> Section:
    """Measure task by task, and data set by data set."""
    rows = []
    for what, labels in (("task", on.held.task), ("data set", on.held.dataset), ("source", None)):
        of = on.held.source if labels is None else labels[on.held.prompt]
        for label in np.unique(of):
            part = on.held.where(of == label)
            rows.append(measures(f"{what} {label}", judged(part, chance), on.draws))
    return Section(name="parts", title="Chances, part by part", columns=HEADINGS, rows=tuple(rows))


def _reliability(outcomes: Judged) -> Section:
    place = np.minimum((outcomes.chance * BINS).astype(int), BINS - 1)
    rows = [
        (int(here.sum()), float(outcomes.chance[here].mean()), float(outcomes.score[here].mean()))
        for here in (place == one for one in range(BINS))
        if here.any()
    ]
    return Section(
        name="reliability",
        title="Predicted beside found",
        columns=("outcomes", "predicted", "found"),
        rows=tuple(rows),
    )


def _lengths(on: Bench) -> Section:
    """Measure expected tokens: how far off, as a factor, beside the median of each model's answers."""
    known = on.held.where((on.held.tokens > 0) & ~np.isin(on.held.source, TERSE))
    logs = np.log(known.tokens)
    pool = placed(on.fitted, on.corpus)
    guess = np.log(_expected(on, known, pool))
    rows: list[tuple[Cell, ...]] = [_length("this classifier", guess - logs)]
    past = on.learnt.where((on.learnt.tokens > 0) & ~np.isin(on.learnt.source, TERSE))
    if len(past.tokens):
        middle = np.full(len(on.corpus.subjects), float(np.median(past.tokens)))
        for at in np.unique(past.subject):
            middle[at] = np.median(past.tokens[past.subject == at])
        rows.insert(0, _length("each model's median", np.log(middle[known.subject]) - logs))
    return Section(
        name="lengths",
        title="Tokens of answers",
        columns=(
            "",
            "outcomes",
            "typical factor off",
            "within a factor of 2",
            "typically, predicted over found",
        ),
        rows=tuple(rows),
        notes=("Without the sources that ask for a letter; still, take them as an order of magnitude.",),
    )


def _expected(on: Bench, known: Corpus, pool: Pool) -> Doubles:
    prompts, row = np.unique(known.prompt, return_inverse=True)
    return on.fitted.tokens(on.vectors[prompts], pool)[row, known.subject]


def _length(name: str, off: Doubles) -> tuple[Cell, ...]:
    if not len(off):
        return name, 0, None, None, None
    near = float((np.abs(off) <= np.log(2.0)).mean())
    return name, len(off), float(np.exp(np.median(np.abs(off)))), near, float(np.exp(np.mean(off)))


def latency(
    fitted: Difficulty, sizes: Sequence[int] = (100, 1_000, 10_000, 250_000), repeats: int = 200
) -> Section:
    """Time describing a prompt and predicting for twenty models, in milliseconds of processor time."""
    pool = [
        Model(name=f"model-{i}", upstream="", upstream_name=f"qwen2.5-{i}b", params_b=float(i))
        for i in range(1, 21)
    ]
    rows: list[tuple[Cell, ...]] = []
    for tokens in sizes:
        turns = [Turn(role="user", text=prose(tokens))]
        spent = []
        for _ in range(repeats):
            start = time.thread_time_ns()
            fitted.predict(fitted.describe(turns), pool)
            spent.append((time.thread_time_ns() - start) / 1e6)
        rows.append((tokens, min(spent), *np.percentile(spent, [50, 99]).tolist()))
    return Section(
        name="latency",
        title="Speed: describe and predict for 20 models",
        columns=("tokens", "least ms", "median ms", "p99 ms"),
        rows=tuple(rows),
        notes=("Processor time of one thread.",),
    )


def prose(tokens: int) -> str:
    """Return made-up text of about so many tokens, its words as varied as in a real one."""
    random = np.random.default_rng(3)
    letters = np.array(list("etaoinshrdlu"))
    words = ["".join(random.choice(letters, random.integers(2, 7))) for _ in range(2_000)]
    drawn = random.zipf(1.3, tokens) % len(words)
    return " ".join(words[one] + ("." if i % 17 == 0 else "") for i, one in enumerate(drawn))
