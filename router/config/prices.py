"""The price of a model as people write it: what an ordinary call costs, and when it costs otherwise."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from router.config.fields import CALL_DIGITS, TOKEN_DIGITS, CallPrice, Settings, TokenPrice, exact
from router.types import Override, Prices, Rates
from router.windows import DAYS, Window, known_zone

PER_CALL = ("image", "search", "request", "minimum")


def _clock(text: str) -> str:
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d|24:00", text):
        raise ValueError('is no time of day such as "08:30" (in quotes)')
    return text


def _day(text: str) -> str:
    try:
        date.fromisoformat(text)
    except ValueError:
        raise ValueError('is no day such as "2026-12-25" (in quotes)') from None
    return text


def _instant(text: str) -> str:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        raise ValueError('is no day or time such as "2026-12-01" or "2026-12-01T08:00+01:00"') from None
    return text


def _weekday(text: str) -> str:
    if text not in DAYS:
        raise ValueError(f"is no day of the week: {', '.join(DAYS)}")
    return text


Clock: TypeAlias = Annotated[str, AfterValidator(_clock)]
Day: TypeAlias = Annotated[str, AfterValidator(_day)]
Instant: TypeAlias = Annotated[str, AfterValidator(_instant)]
Weekday: TypeAlias = Annotated[str, AfterValidator(_weekday)]
Zone: TypeAlias = Annotated[str, AfterValidator(known_zone)]


class Hours(Settings):
    """Hours of some days by a wall clock; hours over midnight belong to the day they begin."""

    zone: Annotated[Zone, Field(description="The time zone of the clock, such as `Asia/Shanghai`.")] = "UTC"
    start: Annotated[Clock, Field(description='When they begin, such as `"22:00"`.')] = "00:00"
    end: Annotated[Clock, Field(description='When they are over, such as `"06:00"`.')] = "24:00"
    weekdays: Annotated[tuple[Weekday, ...], Field(description="`mon` to `sun`; left out, every day.")] = ()
    holidays: Annotated[tuple[Day, ...], Field(description="Days on which they do not hold.")] = ()

    def window(self) -> Window:
        return Window(
            zone=self.zone,
            start=_minutes(self.start),
            end=_minutes(self.end),
            weekdays=frozenset(DAYS.index(day) + 1 for day in self.weekdays),
            holidays=frozenset(date.fromisoformat(day) for day in self.holidays),
        )


class _Kinds(Settings):
    """The kinds of price there are, none of them needed."""

    cached_input: Annotated[
        TokenPrice | None,
        Field(description="USD per million prompt tokens read from a cache; left out, as `input`."),
    ] = None
    cache_write: Annotated[
        TokenPrice | None,
        Field(description="USD per million prompt tokens written to a cache; left out, as `input`."),
    ] = None
    cache_write_long: Annotated[
        TokenPrice | None, Field(description="The same, kept for an hour; left out, as `cache_write`.")
    ] = None
    reasoning: Annotated[
        TokenPrice | None, Field(description="USD per million tokens of reasoning; left out, as `output`.")
    ] = None
    audio_input: Annotated[
        TokenPrice | None, Field(description="USD per million prompt tokens of sound; left out, as `input`.")
    ] = None
    audio_output: Annotated[
        TokenPrice | None, Field(description="USD per million tokens of sound; left out, as `output`.")
    ] = None
    image_input: Annotated[
        TokenPrice | None,
        Field(description="USD per million prompt tokens of pictures; left out, as `input`."),
    ] = None
    image_output: Annotated[
        TokenPrice | None, Field(description="USD per million tokens of pictures; left out, as `output`.")
    ] = None
    image: Annotated[CallPrice | None, Field(description="USD per picture sent, beside the tokens.")] = None
    search: Annotated[CallPrice | None, Field(description="USD per web search the provider makes.")] = None
    request: Annotated[CallPrice | None, Field(description="USD per call, beside the tokens.")] = None
    minimum: Annotated[CallPrice | None, Field(description="USD a call costs at least.")] = None

    def stated(self) -> dict[str, Any]:
        """Give what is written in picodollars, by kind."""
        values = {kind: getattr(self, kind, None) for kind in Rates.__dataclass_fields__}
        return {
            kind: exact(value, CALL_DIGITS if kind in PER_CALL else TOKEN_DIGITS)
            for kind, value in values.items()
            if value is not None
        }


class Otherwise(_Kinds):
    """Other prices where every condition that is written holds; what is not written stays."""

    above: Annotated[
        int | None, Field(ge=0, description="For prompts of more tokens than this, all of their tokens.")
    ] = None
    tier: Annotated[
        str | None, Field(min_length=1, description="For calls served at this tier (`flex`, `batch`).")
    ] = None
    hours: Annotated[tuple[Hours, ...], Field(description="At these hours.")] = ()
    since: Annotated[Instant | None, Field(description="From this day or time on, in UTC unless said.")] = (
        None
    )
    until: Annotated[Instant | None, Field(description="Until this day or time, which is not part.")] = None
    times: Annotated[
        Annotated[Decimal, WithJsonSchema({"type": "number"})] | None,
        Field(ge=0, le=100, description="A share of the ordinary prices, such as 0.5; what is written wins."),
    ] = None
    input: Annotated[TokenPrice | None, Field(description="USD per million prompt tokens.")] = None
    output: Annotated[TokenPrice | None, Field(description="USD per million tokens written.")] = None

    @model_validator(mode="after")
    def _conditional(self) -> "Otherwise":
        if self.above is None and not (self.tier or self.hours or self.since or self.until):
            raise ValueError("needs a condition: 'above', 'tier', 'hours', 'since' or 'until'")
        return self

    def override(self, base: dict[str, Any]) -> Override:
        shared = {} if self.times is None else {kind: _part(base[kind], self.times) for kind in base}
        return Override(
            rates=Rates(**{**shared, **self.stated()}),
            above=self.above,
            tier=self.tier,
            windows=tuple(hours.window() for hours in self.hours),
            since=_aware(self.since),
            until=_aware(self.until),
        )


class Price(_Kinds):
    """What a model costs, in USD per million tokens, and per call."""

    input: Annotated[TokenPrice, Field(description="USD per million prompt tokens.")]
    output: Annotated[TokenPrice, Field(description="USD per million tokens written.")]
    overrides: Annotated[
        tuple[Otherwise, ...], Field(description="When it costs otherwise; of several, the later wins.")
    ] = ()
    source: Annotated[str, Field(min_length=1, description="Who says so, for `farthing prices`.")] = "config"
    checked: Annotated[Day | None, Field(description="The day it was looked up last.")] = None

    def prices(self) -> Prices:
        """Give the same in picodollars per token."""
        base = self.stated()
        return Prices(
            **base,
            source=self.source,
            checked=date.fromisoformat(self.checked) if self.checked else None,
            overrides=tuple(each.override(base) for each in self.overrides),
        )


def _minutes(clock: str) -> int:
    hour, minute = clock.split(":")
    return (int(hour) * 60 + int(minute)) % (24 * 60)


def _aware(text: str | None) -> datetime | None:
    if text is None:
        return None
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _part(price: int, share: Decimal) -> int:
    numerator, denominator = share.as_integer_ratio()
    return -(-price * numerator // denominator)
