"""`when:` a policy is the one for a request.

The lines of a condition must all hold; `all`, `any` and `not` put conditions together.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, Field, field_validator

from policies.matching import Names, Range, Text, Words
from router.types import Capability
from router.windows import DAYS, Window, known_zone

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "x-api-key", "api-key"})
"""What no policy may look at: it would stand in the ledger."""


class Hours(Words):
    """Hours of the day and days of the week, in a time zone; hours may run past midnight."""

    after: Annotated[
        str | None, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", description="From this hour on, as `22:00`.")
    ] = None
    before: Annotated[
        str | None, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", description="Until this hour, as `06:00`.")
    ] = None
    days: Annotated[
        tuple[Day, ...],
        Field(min_length=1, description="On these days; hours past midnight are the day before's."),
    ] = get_args(Day)
    zone: Annotated[
        Text, AfterValidator(known_zone), Field(description="The time zone, as `Europe/Berlin`.")
    ] = "UTC"

    @property
    def window(self) -> Window:
        """The same in minutes; midnight to midnight is the whole day."""
        return Window(
            zone=self.zone,
            start=_minutes(self.after),
            end=_minutes(self.before),
            weekdays=frozenset(DAYS.index(day) + 1 for day in self.days),
        )


def _minutes(clock: str | None) -> int:
    hour, minute = (clock or "00:00").split(":")
    return int(hour) * 60 + int(minute)


class Condition(Words):
    """What must be so of a request; every line must hold."""

    all: Annotated[
        tuple["Condition", ...] | None, Field(min_length=1, description="Each of these holds.")
    ] = None
    any: Annotated[tuple["Condition", ...] | None, Field(min_length=1, description="One of these holds.")] = (
        None
    )
    not_: Annotated["Condition | None", Field(alias="not", description="This does not hold.")] = None
    key: Annotated[Names | None, Field(description="The caller's key is one of these, by name.")] = None
    team: Annotated[Names | None, Field(description="The caller's team is.")] = None
    user: Annotated[Names | None, Field(description="The user is.")] = None
    tag: Annotated[Names | None, Field(description="The call carries one of these tags.")] = None
    header: Annotated[
        dict[Text, Names] | None,
        Field(min_length=1, description="Headers of the call, by name; no policy sees any other."),
    ] = None
    model: Annotated[Names | None, Field(description="The model asked for is, as the caller wrote it.")] = (
        None
    )
    dialect: Annotated[Names | None, Field(description="The call speaks one of these, such as `chat`.")] = (
        None
    )
    role: Annotated[
        Names | None, Field(description="What an agent wants it for: `main`, `subagent` or `housekeeping`.")
    ] = None
    language: Annotated[
        Names | None, Field(description="The last turn seems to be in one of these, as `de`; `und`: unknown.")
    ] = None  # fmt: skip
    tools: Annotated[bool | None, Field(description="Tools are declared.")] = None
    schema_: Annotated[bool | None, Field(alias="schema", description="An answer in JSON is asked for.")] = (
        None
    )
    stream: Annotated[bool | None, Field(description="The answer is to be streamed.")] = None
    needs: Annotated[
        tuple[Capability, ...] | None, Field(min_length=1, description="It needs each of these capabilities.")
    ] = None
    prompt_tokens: Annotated[Range | None, Field(description="Tokens of the prompt, as counted here.")] = None
    best_chance: Annotated[
        Range | None, Field(description="The best model's predicted chance of a good answer, from 0 to 1.")
    ] = None
    mean_chance: Annotated[Range | None, Field(description="The same of all models on average.")] = None
    time: Annotated[Hours | None, Field(description="It comes within these hours and days.")] = None

    @field_validator("header")
    @classmethod
    def _no_secrets(cls, header: dict[str, Any] | None) -> dict[str, Any] | None:
        for name in header or ():
            if name.lower() in SECRET_HEADERS:
                raise ValueError(
                    f"{name!r} carries a secret, and what a policy looks at stands in the ledger"
                )
        return header and {name.lower(): wanted for name, wanted in header.items()}

    @property
    def leaves(self) -> Iterator[tuple[str, Any]]:
        """The lines that are said here, without those of conditions within."""
        for name in type(self).model_fields:
            value = getattr(self, name)
            if value is not None and name not in {"all", "any", "not_"}:
                yield name.removesuffix("_"), value

    @property
    def within(self) -> Iterator["Condition"]:
        """The conditions this one is put together from."""
        yield from self.all or ()
        yield from self.any or ()
        if self.not_ is not None:
            yield self.not_

    def uses(self) -> Iterator[tuple[str, Any]]:
        """Every line that is said here or within."""
        yield from self.leaves
        for each in self.within:
            yield from each.uses()
