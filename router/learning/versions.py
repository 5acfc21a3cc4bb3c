"""Classifiers that `farthing train` made: numbered files, one of them in force, the last ones kept."""

from pathlib import Path

from router.learning.folder import Folder, Unusable, read, write

KEPT = 5
"""Versions that stay on the disk, the one in force included."""


def in_force(folder: Folder) -> Path | None:
    """Return the trained artefact that takes the shipped one's place, `None` if none does.

    Raises `Unusable` if the file that says so is damaged or names one that is not there.
    """
    content = read(folder.current)
    if content is None or content.get("version") is None:
        return None
    path = path_of(folder, int(content["version"]))
    if not path.exists():
        raise Unusable(f"{path} is in force but missing.")
    return path


def path_of(folder: Folder, version: int) -> Path:
    return folder.artefacts / f"{version:04d}.npz"


def versions(folder: Folder) -> list[int]:
    """List the versions that are kept, oldest first."""
    return sorted(int(path.stem) for path in folder.artefacts.glob("[0-9][0-9][0-9][0-9].npz"))


def promote(folder: Folder, version: int | None) -> None:
    """Put a version in force (`None`: the shipped one), and throw away the oldest."""
    history = _history(folder)
    write(folder.current, {"version": version, "before": history[-KEPT:]})
    for old in versions(folder)[:-KEPT]:
        if old != version:
            for suffix in (".npz", ".json"):
                path_of(folder, old).with_suffix(suffix).unlink(missing_ok=True)


def rollback(folder: Folder) -> int | None:
    """Put in force what was before, and return its version (`None`: the shipped one).

    Raises `Unusable` if nothing was before.
    """
    history = _history(folder)
    if not history or history == [None]:
        raise Unusable("There is nothing to go back to: the shipped classifier is in force.")
    *before, _now = history
    while before and before[-1] is not None and not path_of(folder, before[-1]).exists():
        before.pop()
    version = before.pop() if before else None
    write(folder.current, {"version": version, "before": before})
    return version


def _history(folder: Folder) -> list[int | None]:
    """Return what was in force before, oldest first, and last what is."""
    try:
        content = read(folder.current)
    except Unusable:
        return []
    if content is None:
        return [None]
    return [*content.get("before", []), content.get("version")]
