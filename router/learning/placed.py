"""Models that `farthing calibrate` placed: what is believed of each, and the answers that say so."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import orjson

from router.difficulty.hierarchy import Belief
from router.learning.folder import Folder, Unusable, read, write


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One prompt of ours that was put to a model: it can be made again from these, so no text is kept."""

    family: str
    level: int
    seed: int
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Where a model stands on the scale of the classifier whose vectors are of `scale`."""

    model: str
    upstream_name: str
    scale: str
    at: datetime
    belief: Belief
    answers: Sequence[Answered]
    cost: int | None = None
    """Picodollars that placing it took; `None` if not all of it has a price."""

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.belief.mean.tobytes() + self.belief.spread.tobytes()).hexdigest()[:16]

    def content(self) -> dict[str, Any]:
        return {
            "upstream_name": self.upstream_name,
            "scale": self.scale,
            "at": self.at.isoformat(),
            "mean": self.belief.mean.tolist(),
            "spread": self.belief.spread.tolist(),
            "answers": [[each.family, each.level, each.seed, each.score] for each in self.answers],
            "cost": self.cost,
        }


def read_placed(folder: Folder) -> tuple[Placed, ...]:
    """Return all placed models by name; raises `Unusable`."""
    content = read(folder.placed)
    if content is None:
        return ()
    try:
        return tuple(_placed(str(name), row) for name, row in sorted(content.items()))
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise Unusable(f"{folder.placed} lacks something ({error!r}).") from None


def write_placed(folder: Folder, placed: Sequence[Placed]) -> None:
    """Put these beside the models that are there, or in their place."""
    with folder.locked():
        try:
            before = {each.model: each for each in read_placed(folder)}
        except Unusable:
            before = {}  # it serves nobody
        before.update({each.model: each for each in placed})
        write(folder.placed, {name: each.content() for name, each in before.items()})


def remove_placed(folder: Folder, model: str | None) -> int:
    """Take back where a model was placed, or all; return how many that were."""
    with folder.locked():
        try:
            before = read_placed(folder)
        except Unusable:
            before = ()
        kept = [each for each in before if model is not None and each.model != model]
        if len(kept) < len(before) or folder.placed.exists():
            write(folder.placed, {each.model: each.content() for each in kept})
        return len(before) - len(kept)


def _placed(name: str, row: Mapping[str, Any]) -> Placed:
    mean, spread = np.array(row["mean"], float), np.array(row["spread"], float)
    if spread.shape != (len(mean), len(mean)) or not np.isfinite(mean).all() or not np.isfinite(spread).all():
        message = "a belief has the wrong shape"
        raise ValueError(message)
    return Placed(
        model=name,
        upstream_name=str(row["upstream_name"]),
        scale=str(row["scale"]),
        at=datetime.fromisoformat(row["at"]),
        belief=Belief(mean=mean, spread=spread),
        answers=tuple(
            Answered(family=str(family), level=int(level), seed=int(seed), score=float(score))
            for family, level, seed, score in row["answers"]
        ),
        cost=None if row["cost"] is None else int(row["cost"]),
    )


def digest(value: Any) -> int:
    """Make a number of a value, the same everywhere and always."""
    return int.from_bytes(hashlib.sha256(orjson.dumps(value)).digest()[:6])
