"""A model at an upstream, and what is known of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from router.types.prices import Prices
from router.types.request import Capability, Endpoint
from router.types.units import nothing

CHAT_ALONE = frozenset({Endpoint.CHAT})


class Thinking(StrEnum):
    """By which field a model is told to think more."""

    EFFORT = "reasoning_effort"
    TEMPLATE = "chat_template_kwargs"


class Evidence(StrEnum):
    """How a fact is known, the weakest first."""

    DECLARED = "declared"  # somebody says so
    ATTESTED = "attested"  # signed hardware or software says so
    VERIFIED = "verified"  # it was looked at
    OWN = "own"  # it is one's own machine: nobody else's word is needed, and nothing gets old


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What is true of a model at its upstream, who says so, and when it was looked up."""

    value: str | float | bool | tuple[str, ...]
    evidence: Evidence = Evidence.DECLARED
    source: str | None = None
    as_of: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One row of the catalogue: a model at one upstream, with what is known of it.

    `name` is what callers and policies say; `upstream_name` is what is sent.
    `served_as` are other names the upstream may truthfully answer with.
    `ability` overrides the classifier's own placing of the model, in its units.
    `thinking` is the field by which it takes an order to think more (`None`: not known to take any).
    `serves` is what it may be asked for (`None`: not known, which is taken for chat alone).
    """

    name: str
    upstream: str
    upstream_name: str
    prices: Prices | None = None
    context_window: int | None = None
    max_output: int | None = None
    capabilities: frozenset[Capability] = frozenset()
    served_as: tuple[str, ...] = ()
    provider: str | None = None
    family: str | None = None
    params_b: float | None = None
    active_params_b: float | None = None
    open_weight: bool | None = None
    ability: float | None = None
    simulated: bool = False
    thinking: Thinking | None = None
    facts: Mapping[str, Fact] = field(default_factory=nothing, hash=False)
    serves: frozenset[Endpoint] | None = None

    def does(self, endpoint: Endpoint) -> bool:
        """Tell whether it may be asked for that."""
        return endpoint in (CHAT_ALONE if self.serves is None else self.serves)
