"""Evaluation records as arrays: prompts, models, and which model did how well on which prompt."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from router.difficulty.facts import Facts, thinks, year_of
from router.difficulty.hierarchy import Doubles

Places = NDArray[np.intp]
Labels = NDArray[np.str_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A model that was evaluated."""

    name: str
    tuned: bool
    facts: Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """Prompts (P), subjects (M) and outcomes (N); `prompt` and `subject` of an outcome are positions.

    `score` is in [0, 1]; `tokens` is NaN where the answer's length is unknown.
    """

    texts: tuple[str, ...]
    dataset: Labels
    task: Labels
    group: Labels
    split: Labels
    subjects: tuple[Subject, ...]
    prompt: Places
    subject: Places
    source: Labels
    score: Doubles
    tokens: Doubles

    def where(self, kept: NDArray[np.bool_]) -> "Corpus":
        """Return the corpus with these outcomes (N,) alone; prompts and subjects keep their positions."""
        parts = {
            name: getattr(self, name)[kept] for name in ("prompt", "subject", "source", "score", "tokens")
        }
        return replace(self, **parts)

    def of_split(self, split: str) -> "Corpus":
        return self.where(self.split[self.prompt] == split)


def read(folder: Path) -> Corpus:
    """Read prompts, models and outcomes from a folder of parquet files as `shared/data` has them."""
    prompts = _columns(
        folder / "prompts.parquet", "prompt_id", "prompt_text", "dataset", "task", "group_id", "split"
    )
    rows = _rows(folder / "models.parquet")
    outcomes = pq.read_table(folder / "outcomes.parquet")
    order = sorted(rows, key=lambda row: (-int(row["outcomes"]), str(row["model"])))
    prompt_at = {name: at for at, name in enumerate(prompts["prompt_id"])}
    subject_at = {str(row["model"]): at for at, row in enumerate(order)}
    tokens = outcomes["tokens_out"].to_numpy(zero_copy_only=False).astype(float)
    return Corpus(
        texts=tuple(prompts["prompt_text"]),
        dataset=np.array(prompts["dataset"]),
        task=np.array(prompts["task"]),
        group=np.array(prompts["group_id"]),
        split=np.array(prompts["split"]),
        subjects=tuple(_subject(row) for row in order),
        prompt=np.array([prompt_at[name] for name in outcomes["prompt_id"].to_pylist()]),
        subject=np.array([subject_at[name] for name in outcomes["model"].to_pylist()]),
        source=np.array(outcomes["source"].to_pylist()),
        score=outcomes["score"].to_numpy().astype(float),
        tokens=tokens,
    )


def _columns(path: Path, *names: str) -> dict[str, list[Any]]:
    table: dict[str, list[Any]] = pq.read_table(path, columns=list(names)).to_pydict()
    return table


def _rows(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return rows


def _subject(row: dict[str, Any]) -> Subject:
    name = str(row["model"])
    return Subject(
        name=name,
        tuned=bool(row["instruct"]),
        facts=Facts(
            params_b=row["params_b"],
            active_params_b=row["active_params_b"],
            price=row["usd_per_m_out"],
            open_weight=row["open_weight"],
            year=year_of(row["family"], name),
            thinks=thinks(name),
        ),
    )
