"""The shipped artefact: arrays in an .npz, the rest in a .json beside it that names the arrays' checksum."""

import hashlib
import io
import json
import zipfile
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from router.difficulty.hierarchy import Belief, Doubles, Trend
from router.difficulty.marks import NAMES
from router.difficulty.model import Difficulty, Doubt, Lengths
from router.difficulty.reader import HEAD, SEEN_BITS, Crowd, Reader
from router.difficulty.words import BITS
from router.errors import ConfigError

VERSION = 2
"""The form of the artefact; another one cannot be read."""

SHIPPED = Path(__file__).with_name("difficulty.npz")
CROWDS = ("crowd_words", "crowd_marks")
AS_STORED = frozenset({"seen", "projection"})


def load(path: Path | None = None) -> Difficulty:
    """Read an artefact (default: the shipped one).

    Raises `ConfigError` if it is missing, damaged, or made for another version of this code.
    """
    return _loaded(path) if path is not None else _shipped()


@cache
def _shipped() -> Difficulty:
    """Read it once a process, or once for several if they are forked afterwards."""
    return _loaded(SHIPPED)


def _loaded(chosen: Path) -> Difficulty:
    facts, arrays = _read(chosen)
    try:
        return _built(facts, arrays)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise _wrong(chosen, f"lacks something or has the wrong shape ({error})") from error


def save(difficulty: Difficulty, path: Path, about: dict[str, Any]) -> None:
    """Write an artefact: the arrays to `path`, the rest, with `about`, to the .json beside it."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **_arrays(difficulty))
    data = buffer.getvalue()
    path.write_bytes(data)
    facts = {
        "version": VERSION,
        "reading": _reading(),
        "sha256": hashlib.sha256(data).hexdigest(),
        "models": [list(row) for row in difficulty.models],
        "narrow": sorted(difficulty.narrow),
        "middle": difficulty.middle,
        "shift": difficulty.doubt.shift,
        "length_spread": difficulty.lengths.spread,
        "length_typical": difficulty.lengths.typical,
        "about": about,
    }
    path.with_suffix(".json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


def checksum(path: Path) -> str:
    """Return the checksum that stands beside an artefact which was loaded."""
    return str(json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["sha256"])


def _reading() -> list[str]:
    """Name what the features are, so that weights are never laid over other features."""
    marked = hashlib.sha256("\n".join(NAMES).encode()).hexdigest()[:16]
    return [f"words:{BITS}", f"seen:{SEEN_BITS}", f"marks:{marked}", *HEAD]


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Doubles]]:
    beside = path.with_suffix(".json")
    try:
        data = path.read_bytes()
        facts = json.loads(beside.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise _wrong(path, f"is not complete: {error.filename} is missing") from error
    except (OSError, ValueError) as error:
        raise _wrong(path, f"cannot be read ({error})") from error
    if not isinstance(facts, dict) or facts.get("version") != VERSION or facts.get("reading") != _reading():
        raise _wrong(path, "was made for another version of Farthing; train it anew")
    if facts.get("sha256") != hashlib.sha256(data).hexdigest():
        raise _wrong(path, f"is damaged: its checksum is not the one in {beside.name}")
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as stored:
            return facts, {name: stored[name] for name in stored.files}
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise _wrong(path, f"cannot be read ({error})") from error


def _wrong(path: Path, what: str) -> ConfigError:
    return ConfigError(f"the difficulty classifier {what}", file=str(path))


def _arrays(difficulty: Difficulty) -> dict[str, Any]:
    reader = difficulty.reader
    arrays = {name: getattr(reader, name) for name in _reader_fields() if name not in CROWDS}
    arrays |= {name: getattr(reader, name).centres.astype(np.float16) for name in CROWDS}
    for name in ("rarity", "inner", "outer", "straight"):
        arrays[name] = arrays[name].astype(np.float16)
    return arrays | {
        "belief_means": np.array([belief.mean for belief in difficulty.beliefs], np.float32),
        "far": difficulty.far.astype(np.float32),
        "belief_spreads": np.array([belief.spread for belief in difficulty.beliefs], np.float32),
        **{f"trend_slopes_{i}": trend.slopes.astype(np.float32) for i, trend in enumerate(difficulty.trends)},
        "trend_spreads": np.array([trend.spread for trend in difficulty.trends], np.float32),
        "doubt": difficulty.doubt.weights.astype(np.float32),
        "length_rows": difficulty.lengths.rows.astype(np.float32),
        "length_usual": difficulty.lengths.usual.astype(np.float32),
    }


def _reader_fields() -> list[str]:
    return [field.name for field in fields(Reader)]


def _built(facts: dict[str, Any], arrays: dict[str, Any]) -> Difficulty:
    parts: dict[str, Any] = {
        name: arrays[name] if name in AS_STORED else arrays[name].astype(np.float32)
        for name in _reader_fields()
    }
    means, spreads = arrays["belief_means"].astype(float), arrays["belief_spreads"].astype(float)
    trend_spreads = arrays["trend_spreads"].astype(float)
    models = tuple((str(name), bool(tuned)) for name, tuned in facts["models"])
    if len(models) != len(means):
        message = f"{len(models)} models but {len(means)} rows"
        raise ValueError(message)
    parts |= {name: Crowd.of(parts[name]) for name in CROWDS}
    return Difficulty(
        reader=Reader(**parts),
        models=models,
        narrow=frozenset(facts.get("narrow", ())),
        beliefs=tuple(Belief(mean=mean, spread=spread) for mean, spread in zip(means, spreads, strict=True)),
        far=arrays["far"].astype(float),
        trends=tuple(
            Trend(slopes=arrays[f"trend_slopes_{i}"].astype(float), spread=spread)
            for i, spread in enumerate(trend_spreads)
        ),
        middle=float(facts["middle"]),
        doubt=Doubt(weights=arrays["doubt"].astype(float), shift=float(facts["shift"])),
        lengths=Lengths(
            rows=arrays["length_rows"].astype(float),
            usual=arrays["length_usual"].astype(float),
            spread=float(facts["length_spread"]),
            typical=float(facts["length_typical"]),
        ),
    )
