"""The `models` section: the rows of the catalogue, as people write them."""

from typing import Annotated

from pydantic import Field, field_validator, model_validator

from policies.language import DEFAULT_POLICY
from router.catalog.machines import Speed
from router.config.facts import Claims, claimed
from router.config.fields import Rate, Settings
from router.config.prices import Price
from router.config.upstreams import OpenAIUpstream, UpstreamSettings
from router.types import Capability, Endpoint, Model, Prices, Thinking

AUTO = "auto"
"""What callers say to have a model chosen for them; no model may be called so."""


class Behaviour(Settings):
    """How a simulated model behaves; the first four rates are shares of its wrong answers."""

    ability: Annotated[
        float,
        Field(ge=-20, le=20, description="In logits: tasks of this difficulty are right half of the time."),
    ] = 0.0
    refusal_rate: Annotated[Rate, Field(description="Wrong answers that are refusals.")] = 0.0
    empty_rate: Annotated[Rate, Field(description="Wrong answers that are empty.")] = 0.0
    cut_rate: Annotated[Rate, Field(description="Wrong answers that are cut off.")] = 0.0
    malformed_rate: Annotated[Rate, Field(description="Wrong answers that break their form.")] = 0.0
    error_rate: Annotated[Rate, Field(description="Calls that fail at the upstream.")] = 0.0
    verbosity: Annotated[
        float, Field(gt=0, le=100, description="Length of prose answers, relative to the reference.")
    ] = 1.0

    @model_validator(mode="after")
    def _shares(self) -> "Behaviour":
        if self.refusal_rate + self.empty_rate + self.cut_rate + self.malformed_rate > 1 + 1e-9:
            raise ValueError("has refusal, empty, cut and malformed rates that together exceed 1")
        return self


class ModelSettings(Settings):
    """One model at one upstream; what is not known of it is left out."""

    name: Annotated[
        str, Field(min_length=1, max_length=200, description="What callers and policies say; not `auto`.")
    ]
    upstream: Annotated[str, Field(description="The upstream that serves it, by its name above.")]
    upstream_name: Annotated[
        str | None, Field(min_length=1, description="What that upstream calls it; left out, as `name`.")
    ] = None
    price: Annotated[
        Price | None, Field(description="What it costs; left out, the public price list is asked.")
    ] = None
    context_window: Annotated[
        int | None, Field(ge=1, le=1_000_000_000, description="Tokens of prompt and answer together.")
    ] = None
    max_output: Annotated[
        int | None, Field(ge=1, le=1_000_000_000, description="Tokens of an answer at most.")
    ] = None
    capabilities: Annotated[
        frozenset[Capability], Field(description="What it can do; what is not listed it is not asked for.")
    ] = frozenset()
    served_as: Annotated[
        tuple[str, ...], Field(description="Other names the upstream may truthfully answer with.")
    ] = ()
    provider: Annotated[
        str | None, Field(min_length=1, description="Who runs it; left out, the upstream's provider.")
    ] = None
    family: Annotated[str | None, Field(min_length=1, description="Its family, such as `qwen3`.")] = None
    params_b: Annotated[float | None, Field(gt=0, le=1e6, description="Billions of parameters.")] = None
    active_params_b: Annotated[
        float | None, Field(gt=0, le=1e6, description="Billions of parameters used for each token.")
    ] = None
    open_weight: Annotated[bool | None, Field(description="Whether its weights are published.")] = None
    ability: Annotated[
        float | None,
        Field(ge=-1e6, le=1e6, description="Overrides the classifier's own placing of it, in its units."),
    ] = None
    thinking: Annotated[
        Thinking | None,
        Field(description="The field by which it takes an order to think more; left out, it is given none."),
    ] = None
    serves: Annotated[
        frozenset[Endpoint] | None,
        Field(
            min_length=1,
            description="What it may be asked for; left out, what the price list says, else chat alone.",
        ),
    ] = None
    simulated: Annotated[
        Behaviour | None, Field(description="How it behaves, if its upstream is a simulated one.")
    ] = None
    facts: Annotated[
        Claims | None,
        Field(description="What is said of it that policies may ask; wins over its upstream's."),
    ] = None

    @field_validator("name")
    @classmethod
    def _speakable(cls, name: str) -> str:
        if any(letter.isspace() for letter in name):
            raise ValueError("has a space in it")
        if name == AUTO or name.startswith(f"{AUTO}:"):
            raise ValueError(f"is kept for the policies: {AUTO!r} asks policy {DEFAULT_POLICY!r} for a model")
        return name

    @model_validator(mode="after")
    def _no_more_active(self) -> "ModelSettings":
        if self.params_b and self.active_params_b and self.active_params_b > self.params_b:
            raise ValueError("has more 'active_params_b' than 'params_b'")
        return self

    def model(self, upstream: UpstreamSettings, measured: Speed | None = None) -> Model:
        """Give the catalogue's row, as far as the configuration knows it."""
        return Model(
            name=self.name,
            upstream=self.upstream,
            upstream_name=self.upstream_name or self.name,
            prices=self._prices(upstream, measured),
            context_window=self.context_window,
            max_output=self.max_output,
            capabilities=self.capabilities,
            served_as=self.served_as,
            provider=self.provider or (None if upstream.kind == "simulated" else upstream.provider),
            family=self.family,
            params_b=self.params_b,
            active_params_b=self.active_params_b,
            open_weight=self.open_weight,
            ability=self.ability,
            thinking=self.thinking,
            simulated=upstream.kind == "simulated",
            serves=self.serves,
            facts=claimed(upstream.facts, self.facts, home=upstream.home),
        )

    def _prices(self, upstream: UpstreamSettings, measured: Speed | None) -> Prices | None:
        """The model's own price, else what the machine it runs on makes of its speed."""
        if self.price is not None:
            return self.price.prices()
        if isinstance(upstream, OpenAIUpstream) and upstream.cost is not None:
            return upstream.cost.running().prices(measured)
        return None
