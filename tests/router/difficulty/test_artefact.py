"""The artefact is read whole and right, or not at all, with a sentence that says why."""

import json
from pathlib import Path

import pytest

from router.difficulty import artefact
from router.difficulty.model import Difficulty
from router.errors import ConfigError


@pytest.fixture
def written(toy: Difficulty, tmp_path: Path) -> Path:
    path = tmp_path / "toy.npz"
    artefact.save(toy, path, {"data": "made up"})
    return path


def test_a_damaged_artefact_is_refused(written: Path) -> None:
    data = bytearray(written.read_bytes())
    data[len(data) // 2] ^= 1
    written.write_bytes(data)
    with pytest.raises(ConfigError, match=r"toy\.npz: the difficulty classifier is damaged"):
        artefact.load(written)


@pytest.mark.parametrize("missing", ["toy.npz", "toy.json"])
def test_a_missing_half_is_named(written: Path, missing: str) -> None:
    written.with_name(missing).unlink()
    with pytest.raises(ConfigError, match=rf"{missing} is missing"):
        artefact.load(written)


@pytest.mark.parametrize("change", [{"version": 0}, {"reading": ["words:1"]}])
def test_an_artefact_for_other_code_is_refused(written: Path, change: dict[str, object]) -> None:
    beside = written.with_suffix(".json")
    beside.write_text(json.dumps(json.loads(beside.read_text()) | change))
    with pytest.raises(ConfigError, match="another version of Farthing"):
        artefact.load(written)


@pytest.mark.parametrize("change", [{"models": [["one", True]]}, {"middle": None}, {"models": 3}])
def test_an_artefact_that_does_not_fit_together_is_refused(written: Path, change: dict[str, object]) -> None:
    beside = written.with_suffix(".json")
    beside.write_text(json.dumps(json.loads(beside.read_text()) | change))
    with pytest.raises(ConfigError, match="lacks something or has the wrong shape"):
        artefact.load(written)


@pytest.mark.parametrize("text", ["", "[]", "not json", "\x00"])
def test_a_description_that_is_none_is_refused(written: Path, text: str) -> None:
    written.with_suffix(".json").write_text(text)
    with pytest.raises(ConfigError, match="the difficulty classifier"):
        artefact.load(written)


def test_the_shipped_artefact_is_small_and_holds_no_text() -> None:
    size = artefact.SHIPPED.stat().st_size
    assert 100_000 < size < 15_000_000
    assert b"pickle" not in artefact.SHIPPED.read_bytes()
