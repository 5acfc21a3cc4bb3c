"""The YAML policy language: what a policy may say, and what it means if it says nothing."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
)

from policies.conditions import Condition
from policies.matching import Text
from policies.selectors import Models, Where
from router.types import Release, Rescue

DEFAULT_POLICY = "default"
"""The policy that plain `auto` means."""


class Gate(BaseModel):
    """How much of a gated stream is held back before it is committed: whichever bound is met first."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tokens: Annotated[int, Field(ge=1, le=4096, description="Tokens held back at most.")] = 48
    milliseconds: Annotated[
        int, Field(ge=1, le=60_000, description="Milliseconds held back at most, from the first token on.")
    ] = 800


class CheckSpec(BaseModel):
    """A self-check and its options; in a file, `shape` or `{agreement: {samples: 3}}`.

    An option of every check is `keep`: it stays on even where it is found not to pay.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    options: Mapping[str, Any] = {}
    keep: bool = False

    @property
    def label(self) -> str:
        """What it is called in verdicts: a check that may be there twice has an option `name`."""
        return str(self.options.get("name", self.name))


def _read_check(written: Any) -> Any:
    if isinstance(written, str):
        return {"name": written}
    if isinstance(written, Mapping):
        if len(written) != 1:
            raise ValueError("is one check and its options, such as {agreement: {samples: 3}}")
        ((name, options),) = written.items()
        if isinstance(options, Mapping) and "keep" in options:
            rest = {key: value for key, value in options.items() if key != "keep"}
            return {"name": name, "options": rest, "keep": options["keep"]}
        return {"name": name, "options": options or {}}
    return written


def _write_check(check: CheckSpec) -> Any:
    options = {**check.options, **({"keep": True} if check.keep else {})}
    return {check.name: options} if options else check.name


WrittenCheck = Annotated[
    CheckSpec,
    BeforeValidator(_read_check),
    PlainSerializer(_write_check),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {
                    "type": "object",
                    "additionalProperties": {"anyOf": [{"type": "object"}, {"type": "null"}]},
                },
            ]
        }
    ),
]


class Escalation(BaseModel):
    """What may follow a failed check, and what all attempts of a request may take together."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_calls: Annotated[int, Field(ge=1, le=10, description="Upstream calls per request at most.")] = 3
    max_cost_usd: Annotated[
        Decimal | None,
        Field(
            gt=0,
            description="No further call is made whose expected cost would bring the request above this.",
        ),
    ] = None
    max_milliseconds: Annotated[
        int | None,
        Field(
            ge=1,
            le=3_600_000,
            description="No further call begins after this long, unless there is no whole answer yet.",
        ),
    ] = None
    rescue: Annotated[
        tuple[Rescue, ...],
        Field(
            description="How the same model may be asked again before a dearer one, where that is expected "
            "to cost less: `resample`, `repair` (with what was wrong), `think` (with more thinking)."
        ),
    ] = tuple(Rescue)


class Latch(BaseModel):
    """When a conversation in trouble keeps to a stronger model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    minutes: Annotated[
        float, Field(ge=0, le=1440, description="How long it lasts after the last sign of trouble; 0: never.")
    ] = 15.0


class StatedRisk(BaseModel):
    """A promise instead of a share: at most so many accepted answers fail, with so much confidence."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_failure_rate: Annotated[
        float, Field(gt=0, lt=1, description="The share of accepted answers that may be wrong.")
    ]
    confidence: Annotated[
        float,
        Field(ge=0.5, lt=1, description="How sure the promise is, over the outcomes it is learnt from."),
    ] = 0.95


class ControlArm(BaseModel):
    """Requests drawn by chance to be served without routing, so that what routing saves can be measured."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    share: Annotated[
        float,
        Field(gt=0, le=0.5, description="The share of requests that is drawn; 0.01 is one in a hundred."),
    ]
    route: Annotated[
        Literal["baseline", "random"],
        Field(description="Who serves them: the strongest model, or any that may serve, evenly by chance."),
    ] = "baseline"


class TierDown(BaseModel):
    """When a cheaper policy answers instead, because a budget of money runs out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    at: Annotated[float, Field(gt=0, le=1, description="From which share of a budget on.")] = 1.0
    policy: Annotated[str, Field(min_length=1, description="The cheaper policy's name.")]


class Audit(BaseModel):
    """A random share of the accepted answers is looked at again by a stronger model, after they went out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    share: Annotated[float, Field(gt=0, le=1, description="Of the accepted answers.")] = 0.02
    model: Annotated[str, Field(description="Who looks at them: the strongest there is, at best.")]


class PolicySpec(BaseModel):
    """One policy: for which requests, which models, how good, how checked, at what price."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    description: Annotated[str | None, Field(max_length=500, description="What it is for, in words.")] = None
    extends: Annotated[
        Text | None,
        Field(description="A preset, or another policy, that this one is like where it says nothing itself."),
    ] = None
    when: Annotated[
        Condition | None,
        Field(description="Which requests for plain `auto` it is for: the first policy that fits has them."),
    ] = None
    content: Annotated[
        Literal["none", "hashed", "redacted", "full"],
        Field(description="Whether texts are kept, apart from the ledger: see `server.content_days`."),
    ] = "none"
    strategy: Annotated[
        Literal["cheapest_adequate", "cascade", "pinned", "weighted", "fastest_adequate"],
        Field(description="How the models that may serve are ordered."),
    ] = "cheapest_adequate"
    models: Annotated[
        Models | None,
        Field(description="The models that may be tried; left out, every model of the catalogue."),
    ] = None
    prefer: Annotated[
        Where | None,
        Field(description="Models of which this is known are tried before any other."),
    ] = None
    spill: Annotated[
        Literal["allow", "refuse"],
        Field(
            description="Whether others are tried once no preferred one can serve, or not in a batch's time."
        ),
    ] = "allow"
    weights: Annotated[
        Mapping[Text, Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]] | None,
        Field(description="For `weighted`: each model's share of the traffic, relative to the others'."),
    ] = None
    quality: Annotated[
        Annotated[float, Field(gt=0, le=1)] | StatedRisk,
        Field(
            description="A plan is adequate if its predicted chance of success, climbs included, is at least "
            "this share of the best single model's; or a promise, `{max_failure_rate, confidence}`.",
        ),
    ] = 0.9
    checks: Annotated[
        tuple[WrittenCheck, ...],
        Field(
            description="Self-checks an answer must pass, in this order, each with its options.",
            json_schema_extra={"default": ["shape", "refusal"]},
        ),
    ] = (CheckSpec(name="shape"), CheckSpec(name="refusal"))
    escalation: Escalation = Escalation()
    latch: Latch = Latch()
    audit: Annotated[
        Audit | None,
        Field(description="Which accepted answers are looked at again, after they went out; left out, none."),
    ] = None
    max_cost_usd: Annotated[
        Decimal | None,
        Field(gt=0, description="A model expected to cost more than this per request is struck out."),
    ] = None
    max_first_token_ms: Annotated[
        float | None,
        Field(gt=0, le=3_600_000, description="A model that has lately taken longer to begin is struck out."),
    ] = None  # fmt: skip
    deadline_ms: Annotated[
        float | None,
        Field(
            gt=0,
            le=86_400_000,
            description="A model that would probably end later after the call is struck out.",
        ),
    ] = None
    stream_release: Annotated[
        Release, Field(description="When a streamed answer is shown: relayed, gated or held until checked.")
    ] = Release.GATED
    gate: Gate = Gate()
    control: Annotated[
        ControlArm | None,
        Field(
            description="A control arm, visible in the answer as `x-farthing-arm: control`; left out, none."
        ),
    ] = None
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
    tier_down: Annotated[
        TierDown | None,
        Field(description="The cheaper policy that answers when a budget of money runs out."),
    ] = None

    @property
    def share(self) -> float:
        """The share of the best single model's chance that is enough, where no promise was made."""
        return 1.0 if isinstance(self.quality, StatedRisk) else self.quality

    @property
    def promise(self) -> StatedRisk | None:
        return self.quality if isinstance(self.quality, StatedRisk) else None
