"""What a model answers, in pieces and whole, and what it used."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from router.types.units import Picodollars, nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A call the model wants made; in a `Delta`, a piece of one (`arguments` is a fragment of JSON text)."""

    index: int = 0
    id: str | None = None
    name: str | None = None
    arguments: str = ""
    extra: Mapping[str, Any] = field(default_factory=nothing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """A piece of one choice of a reply, as it arrived; a reply that came whole is one delta a choice.

    `served_id` is the upstream's own name for the reply, which its bill may give.
    `extra`, `choice_extra` and `envelope` carry what the wire said beside the known fields
    (of the message, of the choice, of the event), so that it can be passed on.
    """

    choice: int = 0
    role: str | None = None
    text: str = ""
    refusal: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str | None = None
    logprobs: Mapping[str, Any] | None = None
    served_model: str | None = None
    served_id: str | None = None
    extra: Mapping[str, Any] = field(default_factory=nothing)
    choice_extra: Mapping[str, Any] = field(default_factory=nothing)
    envelope: Mapping[str, Any] = field(default_factory=nothing)


class Grade(StrEnum):
    """How a number is known."""

    REPORTED = "reported"
    COMPUTED = "computed"
    ESTIMATED = "estimated"
    UNPRICED = "unpriced"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of one upstream call, by one convention whatever the upstream's is.

    `input` counts the whole prompt; `cached`, `cache_write` (of which `cache_write_long` lasts an hour),
    `audio_input` and `image_input` are parts of it.
    `output` counts `reasoning`, `audio_output` and `image_output` too.
    `searches` and `images` (pictures sent) are no tokens.
    `input_bound` and `output_bound` are the most they can have been when the grade is ESTIMATED.
    `cost` is what the provider itself said it charged, `tier` the service tier it served.
    `flaw` says why what the upstream reported is not believed.
    """

    input: int | None = None
    output: int | None = None
    cached: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None
    grade: Grade = Grade.REPORTED
    input_bound: int | None = None
    output_bound: int | None = None
    cost: Picodollars | None = None
    cache_write_long: int | None = None
    audio_input: int | None = None
    audio_output: int | None = None
    image_input: int | None = None
    image_output: int | None = None
    searches: int | None = None
    images: int | None = None
    tier: str | None = None
    flaw: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """The last thing an upstream yields: what is only known once a reply is over."""

    usage: Usage | None = None
    served_model: str | None = None
    envelope: Mapping[str, Any] = field(default_factory=nothing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One finished (or growing) alternative of a reply."""

    index: int = 0
    text: str = ""
    refusal: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str | None = None
    logprobs: Mapping[str, Any] | None = None
    extra: Mapping[str, Any] = field(default_factory=nothing)
    choice_extra: Mapping[str, Any] = field(default_factory=nothing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What an upstream answered; `complete` is False while it still grows, or when it was cut off."""

    choices: tuple[Choice, ...] = ()
    usage: Usage | None = None
    served_model: str | None = None
    envelope: Mapping[str, Any] = field(default_factory=nothing)
    complete: bool = True

    @property
    def text(self) -> str:
        """The first choice's text."""
        return self.choices[0].text if self.choices else ""
