"""Recorded answers, to measure checks on: prompts, outcomes, texts and votes from a folder of parquet files.

The files are those that `router/difficulty/README.md` describes, with two more:
`responses.parquet` (prompt_id, model, source, response_text) and
`selfcheck.parquet` (prompt_id, model, source, kind, value).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A question; `group` joins those that are much alike, `split` says what it may be used for."""

    text: str
    group: str
    split: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How a model did: `score` in [0, 1], tokens (`None`: unknown), the text as far as it was kept."""

    score: float
    tokens_in: float | None
    tokens_out: float | None
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """All there is; `answers` by source and model, then by prompt; `prices` in USD a million tokens.

    `signs` has what the source itself noted of an answer, by kind, then by source, model and prompt.
    """

    prompts: Mapping[str, Prompt]
    answers: Mapping[tuple[str, str], Mapping[str, Answer]]
    prices: Mapping[str, tuple[float, float]]
    signs: Mapping[str, Mapping[tuple[str, str, str], float]]


def read(folder: Path) -> Records:
    """Read the five files; raises `OSError` for one that is missing."""
    texts = {
        (source, model, prompt): text
        for prompt, model, source, text in _rows(
            folder / "responses.parquet", "prompt_id", "model", "source", "response_text"
        )
    }
    answers: dict[tuple[str, str], dict[str, Answer]] = {}
    columns = ("prompt_id", "model", "source", "score", "tokens_in", "tokens_out")
    for prompt, model, source, score, tokens_in, tokens_out in _rows(folder / "outcomes.parquet", *columns):
        answers.setdefault((source, model), {})[prompt] = Answer(
            score=score,
            tokens_in=tokens_in,
            tokens_out=tokens_out,
            text=texts.get((source, model, prompt)),
        )
    signs: dict[str, dict[tuple[str, str, str], float]] = {}
    noted = _rows(folder / "selfcheck.parquet", "prompt_id", "model", "source", "kind", "value")
    for prompt, model, source, kind, value in noted:
        signs.setdefault(kind, {})[source, model, prompt] = value
    prices = _rows(folder / "models.parquet", "model", "usd_per_m_in", "usd_per_m_out")
    prompts = _rows(folder / "prompts.parquet", "prompt_id", "prompt_text", "group_id", "split")
    return Records(
        prompts={one: Prompt(text=text, group=group, split=split) for one, text, group, split in prompts},
        answers=answers,
        prices={model: (into, out) for model, into, out in prices if into is not None and out is not None},
        signs=signs,
    )


def _rows(file: Path, *columns: str) -> list[tuple[Any, ...]]:
    table = pq.read_table(file, columns=list(columns))
    return list(zip(*(table[column].to_pylist() for column in columns), strict=True))


def costs(answers: Mapping[str, Answer], prompts: Sequence[str], price: tuple[float, float]) -> Doubles:
    """What each answer cost, in USD; unknown counts of tokens are taken to be the mean of the known ones."""
    tokens = np.array(
        [[answers[one].tokens_in, answers[one].tokens_out] for one in prompts], dtype=float
    )  # None becomes NaN
    means = np.nan_to_num(np.nanmean(tokens, axis=0)) if len(tokens) else np.zeros(2)
    known = np.where(np.isnan(tokens), means, tokens)
    return np.asarray(known @ np.array(price) / 1e6, float)
