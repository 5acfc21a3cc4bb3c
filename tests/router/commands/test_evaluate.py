"""`farthing evaluate`, as a user calls it, on records of his own."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from router.__main__ import cli
from router.difficulty.corpus import BadRecords


@pytest.fixture
def records(tmp_path: Path) -> Path:
    """Forty prompts, answered by a small and a large model; the classifier knows neither."""
    ids = [f"p{at}" for at in range(40)]
    hard = [at % 2 == 1 for at in range(40)]
    tables = {
        "prompts": {
            "prompt_id": ids,
            "prompt_text": [
                f"Prove lemma {at}." if one else f"Add {at} and 2." for at, one in enumerate(hard)
            ],
            "split": ["train" if at < 10 else "validation" for at in range(40)],
        },
        "models": {"model": ["tiny", "large"], "params_b": [1.0, 70.0], "usd_per_m_out": [0.1, 2.0]},
        "outcomes": {
            "prompt_id": ids * 2,
            "model": ["tiny"] * 40 + ["large"] * 40,
            "score": [0.0 if one else 1.0 for one in hard] + [1.0] * 40,
        },
    }
    for name, columns in tables.items():
        pq.write_table(pa.table(columns), tmp_path / f"{name}.parquet")
    return tmp_path


def run(*args: object) -> str:
    done = CliRunner().invoke(cli, ["evaluate", *map(str, args)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_difficulty_is_measured_on_own_records(records: Path) -> None:
    found = json.loads(run("difficulty", "--data", records, "--draws", 2, "--json"))
    (*_, ours) = found["chances"]["rows"]
    assert ours["outcomes"] == 60
    assert 0 < ours["Brier"]["value"] < 1
    assert "large, tiny" in found["chances"]["notes"][-1]


def test_a_ladder_of_own_models_is_routed_drawn_and_written_down(records: Path) -> None:
    picture, predicted = records / "curves.svg", records / "out.parquet"
    text = run(
        "routing", "--data", records, "--draws", 2, "--ladder", "tiny,large",
        "--plot", picture, "--predictions", predicted,
    )  # fmt: skip
    for router in ("best random mix", "40 nearest prompts", "this classifier", "perfect router"):
        assert f"| tiny / large | 30 | {router} |" in text
    assert picture.read_text().startswith("<svg")
    table = pq.read_table(predicted).to_pydict()
    assert len(table["prompt_id"]) == 60
    assert all(0 < chance < 1 for chance in table["p_success"])
    assert table.keys() == {"prompt_id", "model", "p_success", "tokens_out"}


@pytest.mark.parametrize("part", ["difficulty", "routing"])
def test_what_is_missing_is_said_in_a_sentence(part: str, tmp_path: Path) -> None:
    with pytest.raises(BadRecords, match=r"prompts.parquet is missing"):
        run(part, "--data", tmp_path)


def test_estimates_are_held_against_files_of_sources_that_had_no_part_in_them(records: Path) -> None:
    outcomes = pq.read_table(records / "outcomes.parquet").to_pydict()
    outcomes["source"] = ["quiz" if at % 40 < 20 else "exam" for at in range(80)]
    outcomes["tokens_out"] = [20.0 + at % 7 if at % 40 < 20 else 200.0 + at % 7 for at in range(80)]
    pq.write_table(pa.table(outcomes), records / "outcomes.parquet")
    prompts = pq.read_table(records / "prompts.parquet").to_pydict()
    prompts["split"] = ["train"] * 40
    pq.write_table(pa.table(prompts), records / "prompts.parquet")
    found = json.loads(run("estimate", "--data", records, "--json"))
    assert {(one["source"], one["files"]) for one in found} == {("quiz", 2), ("exam", 2)}
    assert all(one["width"] > 1 for one in found)
    assert "covered where every source counts alike" in run("estimate", "--data", records)
