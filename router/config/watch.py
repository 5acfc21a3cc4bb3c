"""A changed file becomes a changed configuration, and a broken one changes nothing."""

import logging
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from router.config.reading import Complete, load, parse
from router.config.server import Server
from router.config.settings import Config
from router.errors import ConfigError
from router.seams import EvaluatorMaker

log = logging.getLogger(__name__)

FIXED = (
    *(
        f"server.{name}"
        for name in (
            "host",
            "port",
            "workers",
            "max_body_mb",
            "background_seconds",
            "shutdown_seconds",
            "dashboard",
            "dashboard_key",
            "reports",
            "telemetry",
        )
    ),
    "data",
    "batch.store",
    "batch.lease_seconds",
    *(f"budgeting.{name}" for name in ("store", "url", "prefix", "expires_seconds")),
)
"""What a running process cannot change."""


def restart_needed(old: Config, new: Config) -> tuple[str, ...]:
    """Name the settings that differ and that only a restart puts in force."""
    return tuple(name for name in FIXED if _at(old, name) != _at(new, name))


class Watcher:
    """Watches one configuration file.

    `current` is in force: the last file without a problem, what needs a restart being as it was at the start.
    `last_error` says what is wrong with the file as it is now, `pending` what waits for a restart.
    """

    def __init__(
        self,
        path: Path,
        *,
        environ: Mapping[str, str],
        known_checks: Mapping[str, EvaluatorMaker] | None = None,
        complete: Complete | None = None,
        listening: str | None = None,
        last_good: Path | None = None,
    ) -> None:
        """Read the file; raise `ConfigError` if it is wrong and there is nothing to go on with.

        `listening` is the address of the socket, where that is not the file's `host`.
        `last_good` is where a right text is kept for processes that start while the file is wrong.
        """
        self._path, self._environ, self._known_checks = path, environ, known_checks
        self._complete = complete
        self._last_good = last_good
        self._seen = self._look()
        self._first = self._load_or_last_good()
        server = self._first.server.model_copy(update={"host": listening or self._first.server.host})
        self.current = self._held(self._first, server, self._first.data)
        self.last_error: ConfigError | None = None
        self.pending: tuple[str, ...] = ()

    def poll(self, *, force: bool = False) -> Config | None:
        """Return the new configuration if there is one; `force` reads a file that looks unchanged.

        The same error is logged once.
        """
        seen = self._look()
        if seen == self._seen and not force:
            return None
        self._seen = seen
        try:
            wanted = self._load()
            new = self._held(wanted, self.current.server, self.current.data)
        except ConfigError as error:
            if str(error) != str(self.last_error):
                # A traceback would say nothing that the message does not.
                log.error(  # noqa: TRY400
                    "The configuration in force is kept, because the file is wrong:\n%s", error
                )
            self.last_error = error
            return None
        pending = restart_needed(self._first, wanted)
        if pending and pending != self.pending:
            log.warning("Only a restart puts in force: %s", ", ".join(pending))
        self.last_error, self.pending = None, pending
        if new == self.current:
            return None
        self.current = new
        return new

    def _load(self) -> Config:
        config = load(
            self._path, environ=self._environ, known_checks=self._known_checks, complete=self._complete
        )
        if self._last_good is not None:
            copy = self._last_good.with_name(f"{self._last_good.name}.{os.getpid()}")
            shutil.copyfile(self._path, copy)
            copy.replace(self._last_good)
        return config

    def _load_or_last_good(self) -> Config:
        try:
            return self._load()
        except ConfigError as error:
            if self._last_good is None or not self._last_good.exists():
                raise
            # A traceback would say nothing that the message does not.
            log.error("The last right configuration is used, because the file is wrong:\n%s", error)  # noqa: TRY400
            text = self._last_good.read_text(encoding="utf-8-sig")
        config = parse(text, file=str(self._path), environ=self._environ, known_checks=self._known_checks)
        return config.beside(self._path.parent)

    def _held(self, wanted: Config, running: Server, data: Path) -> Config:
        """Give `wanted` with what is fixed as it runs; raise `ConfigError` if the two contradict each other.

        A file may say `host: 127.0.0.1` and `auth: none` while the process still listens to the world.
        """
        server = running.model_copy(update={"keepalive_seconds": wanted.server.keepalive_seconds})
        held = wanted.model_copy(update={"server": server, "data": data})
        try:
            return Config.model_validate(held.model_dump())
        except ValidationError as error:
            reasons = "; ".join(
                detail["msg"] for detail in error.errors(include_url=False, include_input=False)
            )
            raise ConfigError(reasons, file=str(self._path)) from None

    def _look(self) -> tuple[int, ...] | None:
        try:
            stat = self._path.stat()
        except OSError:
            return None
        return stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_ino


def _at(config: Config, name: str) -> object:
    value: object = config
    for step in name.split("."):
        value = getattr(value, step)
    return value
