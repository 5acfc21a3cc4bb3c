"""What is asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from router.types.principal import Principal
from router.types.units import Picodollars, nothing


class Endpoint(StrEnum):
    """What is asked of a model: an answer in a chat, the continuation of a text, or vectors of texts."""

    CHAT = "chat"
    COMPLETIONS = "completions"
    EMBEDDINGS = "embeddings"


ONE_SPACE = "vectors of different models cannot be compared"
"""Why no model's vector stands for another's."""


class Capability(StrEnum):
    """What a request may need and a model may have; a model whose capability is unknown does not have it."""

    TOOLS = "tools"
    JSON_OBJECT = "json_object"
    JSON_SCHEMA = "json_schema"
    VISION = "vision"
    AUDIO = "audio"
    FILES = "files"
    LOGPROBS = "logprobs"


class Lane(StrEnum):
    """How soon an answer is wanted.

    INTERACTIVE: somebody waits. BACKGROUND: a single request that can wait for cheap capacity.
    BATCH: a line of a file.
    """

    INTERACTIVE = "interactive"
    BACKGROUND = "background"
    BATCH = "batch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One message as far as it can be read: who spoke and the text, whatever else it carried."""

    role: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A function the caller declared, with the JSON Schema of its arguments (`None`: any)."""

    name: str
    parameters: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerForm:
    """The JSON the caller wants: any object, or one that fits `schema`."""

    schema: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """What the conversation itself says of how it goes.

    `failed_tools` counts the tool results at its end that report a failure,
    `repeated_calls` how often the last call was made before with the same arguments,
    `refused_calls` are the ids of calls at its end that their tool did not take,
    `asked_again` is true if the last message of the user is one that was answered before.
    `conversation` tells conversations apart without keeping anything of them: a digest.
    """

    failed_tools: int = 0
    repeated_calls: int = 0
    refused_calls: tuple[str, ...] = ()
    asked_again: bool = False
    conversation: str = ""

    @property
    def trouble(self) -> str | None:
        """What goes wrong, in words; `None` if nothing can be seen."""
        if self.repeated_calls >= 2 or (self.repeated_calls and self.failed_tools):
            return "the same call was made again"
        if self.failed_tools >= 2:
            return f"{self.failed_tools} tool results in a row failed"
        return "the user asked again" if self.asked_again else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What this one call may take: output tokens per choice, picodollars, and choices asked for."""

    output_tokens: int | None = None
    cost: Picodollars | None = None
    choices: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a caller asked for, in no dialect.

    `body` is the call in the form of its `endpoint`, with every option the caller sent.
    It is handed from the dialect to the upstream's wire; nobody between them looks inside.
    `repeatable` is true if the caller wants the same answer each time, so that asking again is no use.
    `variant` says how it was amended on its way to the upstream.
    `labels` are what policies ask of it that no other field tells: the language, the role, and those headers
    that a policy names.
    Where each turn is a text by itself, not part of one conversation, they are `apart`;
    `token_counts` says of texts that came as numbers of tokens, whose turns have no words, how long each is.
    `incomparable` says why one model's answer cannot stand for another's; empty if it can.
    """

    id: str
    asked: str
    dialect: str
    principal: Principal
    turns: tuple[Turn, ...]
    body: Mapping[str, Any]
    stream: bool = False
    needs: frozenset[Capability] = frozenset()
    tools: tuple[Tool, ...] = ()
    answer: AnswerForm | None = None
    limits: Limits = Limits()
    lane: Lane = Lane.INTERACTIVE
    signals: Signals = Signals()
    repeatable: bool = False
    variant: str = ""
    labels: Mapping[str, str] = field(default_factory=nothing)
    endpoint: Endpoint = Endpoint.CHAT
    apart: bool = False
    token_counts: tuple[int, ...] = ()
    incomparable: str = ""
