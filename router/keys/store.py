"""The keys that the command line makes: one file in the data folder, replaced whole.

The command line changes it under a lock; workers look whether it changed, and read it without one.
"""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from pydantic import TypeAdapter, ValidationError

from router import files
from router.errors import ConfigError
from router.keys.key import Key

FILE, LOCK = "keys.json", "keys.lock"

Change: TypeAlias = Callable[[tuple[Key, ...]], tuple[Key, ...]]
"""Makes of the keys there are those there shall be."""

_KEYS = TypeAdapter(tuple[Key, ...])


class KeyStore:
    """The key file of one data folder."""

    def __init__(self, data: Path) -> None:
        self._data, self._path = data, data / FILE
        self._seen: tuple[int, ...] | None = None

    def read(self) -> tuple[Key, ...]:
        """Give all keys; raises `ConfigError` if the file cannot be understood."""
        try:
            text = self._path.read_bytes()
        except FileNotFoundError:
            return ()
        try:
            return _KEYS.validate_json(text)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            raise ConfigError(f"is no file of keys: {first['msg']}", file=str(self._path)) from None

    def poll(self, *, force: bool = False) -> tuple[Key, ...] | None:
        """Give all keys if the file has changed since this was last called."""
        seen = self._look()
        if seen == self._seen and not force:
            return None
        # Before the reading: a change in between is seen the next time.
        self._seen = seen
        return self.read()

    def change(self, change: Change) -> tuple[Key, ...]:
        """Replace the keys by what `change` makes of them, one change after the other."""
        self._data.mkdir(parents=True, exist_ok=True)
        with self._locked():
            keys = change(self.read())
            files.replace(self._path, _KEYS.dump_json(keys, indent=1), mode=0o600)
        return keys

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self._data / LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _look(self) -> tuple[int, ...] | None:
        try:
            stat = self._path.stat()
        except OSError:
            return None
        return stat.st_mtime_ns, stat.st_ino, stat.st_size
