"""What is said of a model or an upstream that its policies may ask: who runs it, where, and what is kept."""

import re
from collections.abc import Mapping
from datetime import date
from ipaddress import ip_address
from typing import Annotated, Any, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, WithJsonSchema

from policies.selectors import LOCAL
from router.config.fields import Settings
from router.types import Evidence, Fact

COUNTRY = re.compile(rf"[A-Z]{{2}}|{LOCAL}")

HOME = re.compile(r"[^.]+|.*\.(local|lan|home|internal|localhost)", re.IGNORECASE)
"""Names of hosts that lead nowhere but into one's own network."""


def _country(value: str) -> str:
    if not COUNTRY.fullmatch(value):
        raise ValueError(f"must be a country's two capital letters, such as DE, or {LOCAL!r}")
    return value


def _date(value: str) -> str:
    try:
        date.fromisoformat(value)
    except ValueError:
        raise ValueError("must be a day, such as 2026-11-24") from None
    return value


Country: TypeAlias = Annotated[str, AfterValidator(_country)]
Countries: TypeAlias = Annotated[tuple[Country, ...], Field(min_length=1)]
Day: TypeAlias = Annotated[str, AfterValidator(_date), WithJsonSchema({"type": "string"})]
Word: TypeAlias = Annotated[str, Field(min_length=1, max_length=100)]
Days: TypeAlias = Annotated[int, Field(ge=0, le=36_500)]


class Claims(Settings):
    """What is said of a model, or of every model of an upstream; it wins over what Farthing itself knows."""

    evidence: Annotated[
        Evidence, Field(description="How it is known: `declared`, `attested`, `verified` or `own`.")
    ] = Evidence.DECLARED
    source: Annotated[str | None, Field(min_length=1, max_length=500, description="Where it is said.")] = None
    as_of: Annotated[Day | None, Field(description="The day it was looked up, as `2026-11-24`.")] = None
    licence: Annotated[Word | None, Field(description="The licence of the weights, as `Apache-2.0`.")] = None
    jurisdiction: Annotated[
        Countries | None, Field(description="The countries whose law the operator answers to.")
    ] = None
    region: Annotated[Countries | None, Field(description="The countries where the machines stand.")] = None
    retention_days: Annotated[Days | None, Field(description="Days prompts and answers are kept.")] = None
    trains: Annotated[bool | None, Field(description="Whether the operator trains on them.")] = None
    quantisation: Annotated[Word | None, Field(description="How the weights are stored, as `fp8`.")] = None
    local: Annotated[
        bool | None,
        Field(description="Whether it runs on one's own machines; left out, told from the address."),
    ] = None

    def facts(self) -> dict[str, Fact]:
        """Give what is said as facts, by name."""
        said: Mapping[str, Any] = self.model_dump(exclude={"evidence", "source", "as_of"}, exclude_none=True)
        as_of = date.fromisoformat(self.as_of) if self.as_of else None
        source = self.source or "the configuration"
        return {
            name: Fact(value=value, evidence=self.evidence, source=source, as_of=as_of)
            for name, value in said.items()
        }


def _own(value: str | float | bool | tuple[str, ...]) -> Fact:
    return Fact(value=value, evidence=Evidence.OWN, source="it is one's own machine")


OURS: Mapping[str, Fact] = {
    "local": _own(True),
    "retention_days": _own(0),
    "trains": _own(False),
    "jurisdiction": _own((LOCAL,)),
    "region": _own((LOCAL,)),
}
"""What is so of one's own machine."""


def at_home(base_url: str) -> bool:
    """Tell whether an address is this machine's or one's own network's."""
    host = urlsplit(base_url).hostname or ""
    try:
        address = ip_address(host)
    except ValueError:
        return HOME.fullmatch(host) is not None
    return address.is_loopback or address.is_private or address.is_link_local


def claimed(upstream: Claims | None, model: Claims | None, *, home: bool) -> Mapping[str, Fact]:
    """Put together what the configuration says of a model: itself, else its upstream, else its address."""
    said = {**(upstream.facts() if upstream else {}), **(model.facts() if model else {})}
    local = said.get("local")
    ours = local.value is True if local is not None else home
    return {**OURS, **said} if ours else {"local": Fact(value=False, evidence=Evidence.VERIFIED), **said}
