"""What a model costs."""

from dataclasses import dataclass
from datetime import date, datetime

from router.types.units import Picodollars
from router.windows import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Prices by kind in picodollars: per token, per `image`, per web `search`, per `request`.

    What is `None` is not said here. `minimum` is the least a call costs that used tokens.
    """

    input: Picodollars | None = None
    output: Picodollars | None = None
    cached_input: Picodollars | None = None
    cache_write: Picodollars | None = None
    cache_write_long: Picodollars | None = None
    reasoning: Picodollars | None = None
    audio_input: Picodollars | None = None
    audio_output: Picodollars | None = None
    image_input: Picodollars | None = None
    image_output: Picodollars | None = None
    image: Picodollars | None = None
    search: Picodollars | None = None
    request: Picodollars | None = None
    minimum: Picodollars | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """Other rates where every condition that is stated holds.

    `above` is met by a longer prompt (strictly, in tokens), `windows` by any of them,
    `tier` by the service tier that was served, `since` (included) and `until` (not) by the instant.
    """

    rates: Rates
    above: int | None = None
    windows: tuple[Window, ...] = ()
    tier: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One's own machine: picodollars an hour that it is there, more for one in which it works, and its speed.

    `prefill` and `decode` are tokens a second, all its callers together.
    """

    hour: Picodollars
    energy: Picodollars
    prefill: float
    decode: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What a model costs: the rates of an ordinary call, and in which cases others hold (the later wins).

    A kind without a rate costs what it is a part of; a long-lived cache write as a short one.
    `source` says who states it, `checked` when that was looked up last; `machine` is there for one's own.
    """

    input: Picodollars
    output: Picodollars
    cached_input: Picodollars | None = None
    cache_write: Picodollars | None = None
    request: Picodollars = 0
    source: str = "config"
    cache_write_long: Picodollars | None = None
    reasoning: Picodollars | None = None
    audio_input: Picodollars | None = None
    audio_output: Picodollars | None = None
    image_input: Picodollars | None = None
    image_output: Picodollars | None = None
    image: Picodollars = 0
    search: Picodollars = 0
    minimum: Picodollars = 0
    overrides: tuple[Override, ...] = ()
    checked: date | None = None
    machine: Machine | None = None
