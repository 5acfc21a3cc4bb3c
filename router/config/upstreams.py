"""The `upstreams` section: ways to reach models, told apart by `kind`."""

import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field, SecretStr, field_validator, model_validator

from router.config.facts import Claims, at_home
from router.config.fields import ApiKey, BaseUrl, HeaderValue, ProxyUrl, Seconds, Settings
from router.config.machines import MachineCost
from router.config.pools import Pool

OURS = frozenset({"accept-encoding", "connection", "content-length", "content-type", "transfer-encoding"})
"""Headers that Farthing must set itself."""


def _float(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value


Option: TypeAlias = Annotated[SecretStr | bool | int | float, BeforeValidator(_float)]
"""One of litellm's settings; any text may be a credential, so every text is a secret."""


class Timeouts(Settings):
    """Seconds until an upstream call is given up; whichever is over first ends it."""

    connect: Annotated[Seconds, Field(description="Until the connection stands.")] = 5.0
    first_token: Annotated[Seconds, Field(description="Until a stream's first token.")] = 60.0
    idle: Annotated[Seconds, Field(description="Between two tokens of a stream.")] = 60.0
    total: Annotated[Seconds, Field(description="For the whole call.")] = 600.0


class OpenAIUpstream(Settings):
    """Any server that speaks the OpenAI wire: vLLM, SGLang, Ollama, llama.cpp, OpenRouter and their like."""

    kind: Annotated[Literal["openai"], Field(description="A server that speaks the OpenAI wire.")]
    base_url: Annotated[
        BaseUrl, Field(description="Where it answers, up to and with `/v1`; without credentials.")
    ]
    api_key: Annotated[ApiKey, Field(description="Sent as a bearer token; left out or empty, none is.")] = (
        None
    )
    provider: Annotated[
        str | None,
        Field(min_length=1, description="Who runs it, for prices and reports (`ollama`, `together`)."),
    ] = None
    headers: Annotated[
        Mapping[str, HeaderValue],
        Field(description="Headers sent with every call; their values are secrets."),
    ] = {}
    timeouts: Annotated[Timeouts, Field(description="When a call is given up.")] = Timeouts()
    proxy_url: Annotated[
        ProxyUrl, Field(description="An HTTP proxy on the way there; it may carry credentials.")
    ] = None
    max_answer_mb: Annotated[
        int, Field(ge=1, le=4096, description="An answer above this many megabytes is broken off.")
    ] = 100
    cost: Annotated[
        MachineCost | None,
        Field(description="What it costs if it is one's own machine; models without a `price` cost by it."),
    ] = None
    wire: Annotated[Literal["chat"], Field(description="Which of its routes is used.")] = "chat"
    facts: Annotated[
        Claims | None, Field(description="What is said of all its models that policies may ask.")
    ] = None
    pool: Annotated[
        Pool | None, Field(description="That it is a vLLM engine of one's own, for work that can wait.")
    ] = None

    @field_validator("headers")
    @classmethod
    def _names(cls, headers: Mapping[str, SecretStr]) -> Mapping[str, SecretStr]:
        for name in headers:
            if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name):
                raise ValueError(f"{name!r} is not the name of a header")
            if name.lower() in OURS:
                raise ValueError(f"{name!r} is set by Farthing itself")
        return headers

    @property
    def home(self) -> bool:
        """Whether it is one's own machine, by its address."""
        return self.proxy_url is None and at_home(self.base_url)

    @model_validator(mode="after")
    def _one_authorization(self) -> "OpenAIUpstream":
        if self.api_key and any(name.lower() == "authorization" for name in self.headers):
            raise ValueError("has both an 'api_key' and an 'Authorization' header: keep one")
        return self


class HostedUpstream(Settings):
    """A provider with a protocol of its own (Bedrock, Vertex, Gemini …), reached through litellm."""

    kind: Annotated[Literal["hosted"], Field(description="A provider reached through litellm.")]
    provider: Annotated[str, Field(min_length=1, description="litellm's name for it, such as `bedrock`.")]
    api_key: Annotated[
        ApiKey, Field(description="Its key; left out, litellm looks into the provider's own variables.")
    ] = None
    options: Annotated[
        Mapping[str, Option],
        Field(
            description="litellm's settings for it (`aws_region_name`, `vertex_project`); texts are secrets."
        ),
    ] = {}
    timeouts: Annotated[Timeouts, Field(description="When a call is given up.")] = Timeouts()
    facts: Annotated[
        Claims | None, Field(description="What is said of all its models that policies may ask.")
    ] = None

    @model_validator(mode="after")
    def _one_key(self) -> "HostedUpstream":
        if self.api_key and "api_key" in self.options:
            raise ValueError("has 'api_key' twice, once in 'options': keep one")
        return self

    @property
    def home(self) -> bool:
        """Whether it is one's own machine: never."""
        return False

    def revealed(self) -> dict[str, Any]:
        """Give litellm's settings with their secrets in the open, for the upstream alone."""
        options = {"api_key": self.api_key, **self.options} if self.api_key else self.options
        return {
            name: value.get_secret_value() if isinstance(value, SecretStr) else value
            for name, value in options.items()
        }


class SimulatedUpstream(Settings):
    """A double that answers without any model: for tests, benchmarks and the demo."""

    kind: Annotated[Literal["simulated"], Field(description="A double; no model is asked.")]
    seed: Annotated[int, Field(ge=0, description="The same seed and conversation give the same reply.")] = 0
    first_token_ms: Annotated[
        float, Field(ge=0, le=600_000, description="Milliseconds until the first token.")
    ] = 5.0
    tokens_per_second: Annotated[float, Field(gt=0, le=1e9, description="How fast it writes.")] = 4000.0
    tasks: Annotated[
        Path | None,
        Field(description="Prompts whose right answers it knows: a file or a folder, relative to the file."),
    ] = None
    facts: Annotated[
        Claims | None, Field(description="What is said of all its models that policies may ask.")
    ] = None

    @property
    def home(self) -> bool:
        """Whether it is one's own machine: nothing leaves this process."""
        return True


UpstreamSettings: TypeAlias = Annotated[
    OpenAIUpstream | HostedUpstream | SimulatedUpstream, Field(discriminator="kind")
]
