"""The YAML policy language: what a policy may say, and what it means if it says nothing."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from router.types import Release

DEFAULT_POLICY = "default"
"""The policy that plain `auto` means."""


class Gate(BaseModel):
    """How much of a gated stream is held back before it is committed: whichever bound is met first."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tokens: Annotated[int, Field(ge=1, le=4096, description="Tokens held back at most.")] = 48
    milliseconds: Annotated[
        int, Field(ge=1, le=60_000, description="Milliseconds held back at most, from the first token on.")
    ] = 800


class PolicySpec(BaseModel):
    """One policy: which models, how good, how checked, at what price."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    strategy: Annotated[
        Literal["cheapest_adequate", "cascade", "pinned"],
        Field(description="How the models that may serve are ordered."),
    ] = "cheapest_adequate"
    models: Annotated[
        tuple[str, ...] | None,
        Field(description="Names of the models that may be tried; left out, every model of the catalogue."),
    ] = None
    quality: Annotated[
        float,
        Field(
            gt=0,
            le=1,
            description="A plan is adequate if its predicted chance of success, climbs included, is at least "
            "this share of the best single model's.",
        ),
    ] = 0.9
    checks: Annotated[
        tuple[str, ...], Field(description="Self-checks an answer must pass, in this order.")
    ] = ("shape", "refusal")
    max_attempts: Annotated[int, Field(ge=1, le=10, description="Upstream calls per request at most.")] = 3
    max_cost_usd: Annotated[
        Decimal | None,
        Field(gt=0, description="A model expected to cost more than this per request is struck out."),
    ] = None
    stream_release: Annotated[
        Release, Field(description="When a streamed answer is shown: relayed, gated or held until checked.")
    ] = Release.GATED
    gate: Gate = Gate()
    baseline: Annotated[
        str | None,
        Field(description="The model savings are compared with; left out, the strongest by prediction."),
    ] = None
    on_unpriced: Annotated[
        Literal["refuse", "allow"], Field(description="Whether a model without a known price may serve.")
    ] = "refuse"
    on_substitution: Annotated[
        Literal["refuse", "warn"],
        Field(description="What happens when an upstream answers with another model than was asked."),
    ] = "refuse"
