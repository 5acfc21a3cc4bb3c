"""Measures the classifier: `python -m router.difficulty.evaluate --data ../shared/data`.

Prints what the shipped artefact does on prompts it has not seen, then trains anew to see how it does
on models and on sources it has not seen. Every figure has a 95 % interval, drawn by `group_id`.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import click
import numpy as np

from router.difficulty import artefact, sheet, training
from router.difficulty.corpus import Corpus, Places, read
from router.difficulty.ladders import LADDERS
from router.difficulty.measuring import (
    HEADINGS,
    ROUTING,
    Row,
    chances,
    described,
    judged,
    known,
    known_pool,
    ladder_tables,
    means,
    measures,
    positions,
    routing,
    table,
)
from router.difficulty.model import Difficulty, Lesson
from router.difficulty.sheet import Sheet
from router.types import Model, Turn

NEW_MODELS = (
    "gemma-2-27b-it", "qwen2.5-72b-instruct", "llama-3.1-405b-instruct", "mistral-large-2407",
    "phi-3.5-mini-instruct", "claude-3-5-sonnet-20240620", "gpt-4o-mini-2024-07-18", "yi-1.5-34b-chat",
    "qwen1.5-110b", "command-r-plus",
)  # fmt: skip
"""Models left out of training to see how new ones fare."""

LABELS = (0, 10, 50)
PARTS = ("known", "routing", "models", "sources", "latency")


@click.command()
@click.option(
    "--data", type=click.Path(exists=True, path_type=Path), required=True, help="Folder of parquet files."
)
@click.option(
    "--artefact", "path", type=click.Path(path_type=Path), help="Artefact; left out, the shipped one."
)
@click.option("--only", type=click.Choice(PARTS), multiple=True, help="Measure only this; all else is named.")
def main(data: Path, path: Path | None, only: tuple[str, ...]) -> None:
    """Print the evaluation tables."""
    fitted, corpus = artefact.load(path), read(data)
    measured = sheet.measured(corpus.texts)
    for part, lines in (
        ("known", known(fitted, corpus, measured)),
        ("routing", ladder_tables(fitted, corpus, measured)),
        ("models", new_models(corpus, measured)),
        ("sources", sources(corpus, measured)),
        ("latency", latency(fitted)),
    ):
        if only and part not in only:
            click.echo(f"\n(not measured, because of --only: {part})")
            continue
        for line in lines:
            click.echo(line)


def new_models(corpus: Corpus, measured: Sheet) -> Iterator[str]:
    """Train without some models, then place them by their facts and by a few labelled prompts."""
    names = [subject.name for subject in corpus.subjects]
    left_out = np.array([names.index(name) for name in NEW_MODELS])
    train, held = corpus.of_split("train"), corpus.of_split("validation")
    # The prompts are of known kinds, so the costly search for doubts is left out.
    settings = replace(training.Settings(), doubts=False)
    fitted = training.learn(train.where(~np.isin(train.subject, left_out)), measured, settings)
    vectors = described(fitted, measured)
    mine = held.where(np.isin(held.subject, left_out))
    rows: list[Row] = []
    for labels in LABELS:
        taught = fitted.learn(lessons(train, left_out, vectors, labels))
        chance = np.full((len(corpus.texts), len(NEW_MODELS)), np.nan)
        prompts = np.unique(mine.prompt)
        chance = chances(taught, vectors, prompts, taught.place(as_model(corpus, one) for one in left_out))
        at = np.full(len(names), -1)
        at[left_out] = np.arange(len(left_out))
        rows.append((f"{labels} labelled prompts", *measures(judged(mine, chance, at))))
    yield table(f"New models ({', '.join(NEW_MODELS)})", HEADINGS, rows)


def lessons(train: Corpus, subjects: Places, vectors: np.ndarray, labels: int) -> Iterator[Lesson]:
    """Draw labelled prompts for each subject."""
    random = np.random.default_rng(5)
    for subject in subjects:
        cells = np.flatnonzero(train.subject == subject)
        for cell in random.choice(cells, min(labels, len(cells)), replace=False):
            vector = tuple(vectors[train.prompt[cell]].tolist())
            yield Lesson(model=as_model(train, subject), vector=vector, score=float(train.score[cell]))


def as_model(corpus: Corpus, subject: int) -> Model:
    """Return a subject as a catalogue would have it."""
    one = corpus.subjects[subject]
    return Model(
        name=one.name,
        upstream="",
        upstream_name=one.name,
        params_b=one.facts.params_b,
        active_params_b=one.facts.active_params_b,
        open_weight=one.facts.open_weight,
    )


def sources(corpus: Corpus, measured: Sheet) -> Iterator[str]:
    """Train without each source in turn, then predict and route on all of its prompts."""
    family = np.array([source.partition("/")[0] for source in corpus.source])
    rows: list[Row] = []
    routes: list[Row] = []
    for source in np.unique(family):
        own = np.unique(corpus.prompt[family == source])
        rest = corpus.where((corpus.split[corpus.prompt] == "train") & ~np.isin(corpus.prompt, own))
        fitted = training.learn(rest, measured, replace(training.Settings(), folds=3))
        at = positions(fitted, corpus)
        strange = corpus.where((family == source) & (at[corpus.subject] >= 0))
        if not len(strange.score):
            rows.append((source, "not measured: none of its models has outcomes elsewhere"))
            continue
        chance = chances(fitted, described(fitted, measured), own, known_pool(fitted))
        plain = judged(strange, means(rest, corpus), np.arange(len(corpus.subjects)))
        rows.append((f"{source}: each model's mean", *measures(plain)))
        rows.append((f"{source}: this classifier", *measures(judged(strange, chance, at))))
        ladders = [ladder for ladder in LADDERS if ladder.source == source]
        routes += routing(strange, chance, at, ladders)
    yield table("Sources never seen", HEADINGS, rows)
    yield table("Routing on sources never seen", ROUTING, routes)


def latency(
    fitted: Difficulty, sizes: Sequence[int] = (100, 1_000, 10_000, 250_000), repeats: int = 200
) -> Iterator[str]:
    """Time describing a prompt and predicting for twenty models."""
    pool = [
        Model(name=f"model-{i}", upstream="", upstream_name=f"qwen2.5-{i}b", params_b=float(i))
        for i in range(1, 21)
    ]
    rows = []
    for tokens in sizes:
        turns = [Turn(role="user", text=prose(tokens))]
        spent = []
        for _ in range(repeats):
            start = time.perf_counter()
            fitted.predict(fitted.describe(turns), pool)
            spent.append(time.perf_counter() - start)
        low, high = np.percentile(spent, [50, 99]) * 1e3
        rows.append((f"{tokens:,}", f"{low:.2f}", f"{high:.2f}"))
    yield table("Latency, describe and predict for 20 models", ("tokens", "median ms", "p99 ms"), rows)


def prose(tokens: int) -> str:
    """Return made-up text of about so many tokens, its words as varied as in a real one."""
    random = np.random.default_rng(3)
    letters = np.array(list("etaoinshrdlu"))
    words = ["".join(random.choice(letters, random.integers(2, 7))) for _ in range(2_000)]
    drawn = random.zipf(1.3, tokens) % len(words)
    return " ".join(words[one] + ("." if i % 17 == 0 else "") for i, one in enumerate(drawn))


if __name__ == "__main__":
    main()
