"""The real clock."""

import time
from datetime import UTC, datetime


class SystemClock:
    """The machine's own time, in UTC."""

    def monotonic(self) -> float:
        return time.monotonic()

    def now(self) -> datetime:
        return datetime.now(UTC)
