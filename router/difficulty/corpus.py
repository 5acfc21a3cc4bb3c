"""Evaluation records as arrays: prompts, models, and which model did how well on which prompt."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from router.difficulty.facts import Facts, thinks, year_of
from router.difficulty.hierarchy import Doubles
from router.errors import FarthingError

Places = NDArray[np.intp]
Labels = NDArray[np.str_]

NEEDED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "prompts.parquet": ("prompt_id", "prompt_text"),
        "outcomes.parquet": ("prompt_id", "model", "score"),
        "models.parquet": ("model",),
    }
)
"""The files of a folder of records, and the columns that each must have."""

OPTIONAL: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "prompts.parquet": ("dataset", "task", "group_id", "split"),
        "outcomes.parquet": ("source", "tokens_out"),
        "models.parquet": (
            "family",
            "params_b",
            "active_params_b",
            "open_weight",
            "instruct",
            "usd_per_m_out",
        ),
    }
)
"""Columns that may be missing, or null in a row: then less can be told."""


TERSE = ("mmlu_helm", "routerbench", "concise_cot/baseline", "concise_cot/concise")
"""Sources that asked for a bare letter or few words: their answers are not as long as ordinary ones."""


class BadRecords(FarthingError):
    """The evaluation records cannot be read."""


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
    ids: tuple[str, ...] = ()

    def where(self, kept: NDArray[np.bool_]) -> "Corpus":
        """Return the corpus with these outcomes (N,) alone; prompts and subjects keep their positions."""
        parts = {
            name: getattr(self, name)[kept] for name in ("prompt", "subject", "source", "score", "tokens")
        }
        return replace(self, **parts)

    def of_split(self, split: str) -> "Corpus":
        return self.where(self.split[self.prompt] == split)


def read(folder: Path) -> Corpus:
    """Read prompts, models and outcomes from a folder of parquet files (`NEEDED`, `OPTIONAL`).

    Raises `BadRecords`, which says what is missing or wrong.
    """
    prompts, outcomes, models = (_columns(folder / name) for name in NEEDED)
    ids, scores = prompts["prompt_id"], outcomes["score"]
    answered = dict(zip(*np.unique(np.array(outcomes["model"], object), return_counts=True), strict=True))
    order = sorted(range(len(models["model"])), key=lambda at: _rank(models["model"][at], answered))
    tokens = np.array([np.nan if one is None else one for one in outcomes["tokens_out"]], float)
    found = Corpus(
        ids=tuple(ids),
        texts=tuple(prompts["prompt_text"]),
        dataset=_labels(prompts["dataset"]),
        task=_labels(prompts["task"]),
        group=_labels(prompts["group_id"], ids),
        split=_labels(prompts["split"]),
        subjects=tuple(_subject({name: models[name][at] for name in models}) for at in order),
        prompt=_placed(outcomes["prompt_id"], ids, "prompt_id", folder / "prompts.parquet"),
        subject=_placed(
            outcomes["model"], [models["model"][at] for at in order], "model", folder / "models.parquet"
        ),
        source=_labels(outcomes["source"]),
        score=np.array([np.nan if one is None else one for one in scores], float),
        tokens=tokens,
    )
    if not ((found.score >= 0.0) & (found.score <= 1.0)).all():
        raise BadRecords(f"{folder / 'outcomes.parquet'}: every score has to be a number from 0 to 1.")
    return found


def _columns(path: Path) -> dict[str, list[Any]]:
    """Read what is wanted of a file; a column that may be missing and is, is full of `None`."""
    needed, optional = NEEDED[path.name], OPTIONAL[path.name]
    try:
        there = set(pq.read_schema(path).names)
        missing = [name for name in needed if name not in there]
        if missing:
            has = ", ".join(sorted(there)[:20]) or "none"
            raise BadRecords(f"{path} lacks the column {missing[0]!r}; it has {has}.")
        kept = [name for name in (*needed, *optional) if name in there]
        table: dict[str, list[Any]] = pq.read_table(path, columns=kept).to_pydict()
    except FileNotFoundError:
        raise BadRecords(f"{path} is missing; a folder of records has {', '.join(NEEDED)}.") from None
    except (pa.ArrowException, OSError) as error:
        raise BadRecords(f"{path} cannot be read as parquet ({str(error).splitlines()[0][:200]}).") from error
    rows = len(table[needed[0]])
    return {name: table.get(name, [None] * rows) for name in (*needed, *optional)}


def _rank(name: str, answered: Mapping[str, int]) -> tuple[int, str]:
    return -answered.get(name, 0), name


def _labels(values: Sequence[str | None], otherwise: Sequence[str] | None = None) -> Labels:
    rest = otherwise if otherwise is not None else [""] * len(values)
    return np.array([rest[at] if one is None else str(one) for at, one in enumerate(values)], dtype=np.str_)


def _placed(values: Sequence[str], names: Sequence[str], column: str, where: Path) -> Places:
    at = {name: place for place, name in enumerate(names)}
    try:
        return np.array([at[value] for value in values], np.intp)
    except KeyError as error:
        raise BadRecords(f"outcomes.parquet has the {column} {error}, which {where} does not.") from None


def _subject(row: dict[str, Any]) -> Subject:
    name = str(row["model"])
    return Subject(
        name=name,
        tuned=row["instruct"] is not False,
        facts=Facts(
            params_b=row["params_b"],
            active_params_b=row["active_params_b"],
            price=row["usd_per_m_out"],
            open_weight=row["open_weight"],
            year=year_of(row["family"], name),
            thinks=thinks(name),
        ),
    )
