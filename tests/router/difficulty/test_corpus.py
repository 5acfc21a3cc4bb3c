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


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data does not lie beside this checkout")
def test_the_shared_data_never_puts_one_group_in_both_splits() -> None:
    columns = pq.read_table(SHARED / "prompts.parquet", columns=["group_id", "split"])
    groups = np.array(columns["group_id"]), np.array(columns["split"])
    train, held = (set(groups[0][groups[1] == split]) for split in ("train", "validation"))
    assert not train & held
