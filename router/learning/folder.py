"""Where what was learnt is kept: small files in the data folder, replaced whole, each with its checksum.

    <data>/difficulty/local.json        how far chances are off on own traffic (`local.py`)
    <data>/difficulty/placed.json       models that `farthing calibrate` placed (`placed.py`)
    <data>/difficulty/forgotten.json    from when on evidence counts (`farthing difficulty reset`)
    <data>/difficulty/examples.json     outcomes with what was predicted, for promises (`router/promises.py`)
    <data>/difficulty/artefacts/        classifiers that `farthing train` made (`versions.py`)

No file holds text of a prompt or an answer, and none is a pickle.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from router import files
from router.errors import FarthingError

FORM = 1
"""The form of the files; others are left alone."""

MOST_BYTES = 64 << 20


class Unusable(FarthingError):
    """A file of what was learnt cannot be used."""


@dataclass(frozen=True, slots=True)
class Folder:
    """The files of one data folder."""

    data: Path

    @property
    def root(self) -> Path:
        return self.data / "difficulty"

    @property
    def local(self) -> Path:
        return self.root / "local.json"

    @property
    def placed(self) -> Path:
        return self.root / "placed.json"

    @property
    def forgotten(self) -> Path:
        return self.root / "forgotten.json"

    @property
    def examples(self) -> Path:
        return self.root / "examples.json"

    @property
    def artefacts(self) -> Path:
        return self.root / "artefacts"

    @property
    def current(self) -> Path:
        return self.artefacts / "current.json"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other writers out, who read a file, change it and write it back."""
        self.root.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.root / "write.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def write(path: Path, content: Mapping[str, Any]) -> None:
    """Replace a file by `content`: whoever reads sees the old one or the new one, also after a power cut."""
    body = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    whole = {"form": FORM, "sha256": hashlib.sha256(body).hexdigest(), "content": orjson.Fragment(body)}
    files.replace(path, orjson.dumps(whole))


def read(path: Path) -> dict[str, Any] | None:
    """Return what was written; `None` if there is no file. Raises `Unusable` for a damaged or foreign one."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise Unusable(f"{path} is larger than any file of ours.")
        whole = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, orjson.JSONDecodeError) as error:
        raise Unusable(f"{path} cannot be read: {error}.") from None
    if not isinstance(whole, dict) or whole.get("form") != FORM or not isinstance(whole.get("content"), dict):
        raise Unusable(f"{path} was written by another version of Farthing, or by something else.")
    content: dict[str, Any] = whole["content"]
    body = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    if whole.get("sha256") != hashlib.sha256(body).hexdigest():
        raise Unusable(f"{path} is damaged: its checksum is another one.")
    return content


def stamp(path: Path) -> tuple[int, int, int]:
    """Tell whether a file was replaced: a new stamp is a new file."""
    try:
        found = path.stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_ino, found.st_mtime_ns, found.st_size)
