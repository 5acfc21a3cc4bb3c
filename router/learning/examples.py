"""Outcomes with what was predicted, as the job beside the drainer leaves them for those who serve."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from router.learning.folder import Folder, Unusable, read, stamp

Told: TypeAlias = Mapping[str, Sequence[Sequence[float]]]
"""By policy: rows of time in seconds, predicted chance of success, and whether it failed (1) or not (0)."""

log = logging.getLogger("farthing.learning")


class Examples:
    """Follows the file; one that cannot be used is logged, and what was known stays."""

    def __init__(self, folder: Folder) -> None:
        self._path = folder.examples
        self._seen = (0, 0, 0)

    def take(self, load: Callable[[Told], None]) -> None:
        """Hand the examples to `load` if the file is a new one."""
        seen = stamp(self._path)
        if seen == self._seen:
            return
        self._seen = seen
        try:
            content = read(self._path)
            policies = content["policies"] if content is not None else {}
            load({name: [[float(x) for x in row] for row in rows] for name, rows in policies.items()})
        except (Unusable, KeyError, TypeError, ValueError, AttributeError) as error:
            log.warning("The examples for promises cannot be used: %s", error)
