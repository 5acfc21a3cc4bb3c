"""What is measured, and the words that the other files share."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Work(StrEnum):
    """A kind of answer: one JSON body, a stream that comes in one burst, a stream of one event every 5 ms."""

    JSON = "json"
    BURST = "burst"
    PACED = "paced"


class Missing(Exception):
    """Something this machine lacks; the message is what the report says of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a load goes: the whole URL, the key that is sent with it, and the model that is asked for."""

    url: str
    model: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a system runs: its folder, its core (`None`: any), and the upstream's base URL for each work."""

    folder: Path
    core: int | None
    upstream: Mapping[Work, str]
    cache: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One load on one system.

    `cpu_us` is CPU time a call, of all its processes; `None` where nothing stands between.
    """

    system: str
    work: Work
    connections: int
    requests: int
    calls: int
    errors: int
    rps: float
    p50_ms: float
    p99_ms: float
    cpu_us: float | None
    memory_mb: float | None
