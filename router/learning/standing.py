"""What is in force in a data folder: the artefact, the placed models on top of it, and local experience."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from router.difficulty import Difficulty, artefact
from router.errors import FarthingError
from router.learning.folder import Folder, Unusable, read
from router.learning.local import Local
from router.learning.placed import Placed, read_placed
from router.learning.versions import in_force


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was found; `notes` say what could not be used, and what serves instead."""

    base: Difficulty
    key: str
    """Names `base`: the artefact's checksum and the placed models' together."""
    artefact: Path
    checksum: str
    placed: Sequence[Placed] = ()
    all_placed: Sequence[Placed] = ()
    """Those on the scale of another classifier, too: their answers can be read again."""
    local: Local | None = None
    notes: Sequence[str] = ()


def find(folder: Folder | None) -> Found:
    """Read what is there; whatever cannot be used is left out and noted: the shipped one always serves."""
    notes: list[str] = []
    path, fitted = _artefact(folder, notes)
    checksum = artefact.checksum(path)
    all_placed = _placed(folder, fitted, notes)
    placed = tuple(each for each in all_placed if each.scale == fitted.scale)
    if placed:
        taught = {each.model: each.belief for each in placed}
        fitted = replace(fitted, taught={**fitted.taught, **taught})
    told = "".join(f"{each.model}={each.checksum};" for each in placed)
    key = hashlib.sha256(f"{checksum};{told}".encode()).hexdigest()[:16]
    return Found(
        base=fitted,
        key=key,
        artefact=path,
        checksum=checksum,
        placed=placed,
        all_placed=all_placed,
        local=_local(folder, key, notes),
        notes=notes,
    )


def _artefact(folder: Folder | None, notes: list[str]) -> tuple[Path, Difficulty]:
    try:
        path = in_force(folder) if folder is not None else None
        if path is not None:
            return path, artefact.load(path)
    except FarthingError as error:
        notes.append(f"{error} The shipped classifier serves.")
    return artefact.SHIPPED, artefact.load()


def _placed(folder: Folder | None, fitted: Difficulty, notes: list[str]) -> tuple[Placed, ...]:
    if folder is None:
        return ()
    try:
        placed = read_placed(folder)
    except Unusable as error:
        notes.append(f"{error} Models stand where the classifier puts them.")
        return ()
    other = [each.model for each in placed if each.scale != fitted.scale]
    if other:
        notes.append(
            f"{', '.join(other)} was placed on the scale of another classifier, which tells nothing now; "
            "`farthing calibrate --again` places it anew from the same answers."
        )
    return placed


def _local(folder: Folder | None, key: str, notes: list[str]) -> Local | None:
    if folder is None:
        return None
    try:
        content = read(folder.local)
        if content is None:
            return None
        local = Local.of(content)
    except Unusable as error:
        notes.append(f"{error} What was learnt from traffic is not in force until it is reckoned anew.")
        return None
    if local.base != key:
        notes.append(
            "What was learnt from traffic was learnt on top of another classifier or placing; "
            "it is in force again once it has been reckoned anew."
        )
        return None
    return local
