"""Evaluation records are read from three parquet files."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from router.difficulty import corpus

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"


def test_records_become_positions(tmp_path: Path) -> None:
    prompts = {
        "prompt_id": ["p1", "p2"], "prompt_text": ["one", "two"], "dataset": ["d", "d"],
        "task": ["math", "code"], "group_id": ["g1", "g2"], "split": ["train", "validation"],
    }  # fmt: skip
    models = {
        "model": ["few", "many"], "instruct": [True, False], "params_b": [None, 8.0],
        "active_params_b": [None, 8.0], "open_weight": [False, True], "usd_per_m_out": [1.0, None],
        "family": ["gpt-4", None], "outcomes": [1, 2],
    }  # fmt: skip
    outcomes = {
        "prompt_id": ["p1", "p2", "p1"], "model": ["many", "many", "few"], "source": ["s", "s", "s"],
        "score": [1.0, 0.0, 0.5], "tokens_out": [10, None, 5],
    }  # fmt: skip
    for name, columns in (("prompts", prompts), ("models", models), ("outcomes", outcomes)):
        pq.write_table(pa.table(columns), tmp_path / f"{name}.parquet")
    found = corpus.read(tmp_path)
    assert [subject.name for subject in found.subjects] == ["many", "few"]
    assert found.subject.tolist() == [0, 0, 1]
    assert np.isnan(found.tokens).tolist() == [False, True, False]
    assert found.of_split("train").score.tolist() == [1.0, 0.5]


def written(folder: Path, **tables: dict[str, list]) -> Path:
    whole = {
        "prompts": {"prompt_id": ["p1"], "prompt_text": ["one"]},
        "models": {"model": ["m"]},
        "outcomes": {"prompt_id": ["p1"], "model": ["m"], "score": [1.0]},
    } | tables
    for name, columns in whole.items():
        pq.write_table(pa.table(columns), folder / f"{name}.parquet")
    return folder


def test_the_least_that_is_needed_is_enough(tmp_path: Path) -> None:
    found = corpus.read(written(tmp_path))
    assert found.group.tolist() == ["p1"]
    assert np.isnan(found.tokens).all()
    assert found.subjects[0].tuned


@pytest.mark.parametrize(
    ("tables", "sentence"),
    [
        ({"prompts": {"prompt_id": ["p1"]}}, r"prompts.parquet lacks the column 'prompt_text'"),
        ({"outcomes": {"prompt_id": ["x"], "model": ["m"], "score": [1.0]}}, "has the prompt_id 'x', which"),
        ({"outcomes": {"prompt_id": ["p1"], "model": ["z"], "score": [1.0]}}, "has the model 'z', which"),
        ({"outcomes": {"prompt_id": ["p1"], "model": ["m"], "score": [7.0]}}, "a number from 0 to 1"),
    ],
)
def test_wrong_records_are_told_in_a_sentence(tmp_path: Path, tables, sentence: str) -> None:
    with pytest.raises(corpus.BadRecords, match=sentence):
        corpus.read(written(tmp_path, **tables))


def test_a_missing_or_broken_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(corpus.BadRecords, match=r"prompts.parquet is missing"):
        corpus.read(tmp_path)
    (tmp_path / "prompts.parquet").write_text("no parquet")
    with pytest.raises(corpus.BadRecords, match="cannot be read as parquet"):
        corpus.read(tmp_path)


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data does not lie beside this checkout")
def test_the_shared_data_never_puts_one_group_in_both_splits() -> None:
    columns = pq.read_table(SHARED / "prompts.parquet", columns=["group_id", "split"])
    groups = np.array(columns["group_id"]), np.array(columns["split"])
    train, held = (set(groups[0][groups[1] == split]) for split in ("train", "validation"))
    assert not train & held
