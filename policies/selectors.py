"""Which models a policy may try: by name, by family, or by what is known of them.

What is not known satisfies nothing, and neither does a claim that is older than the policy allows.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Annotated

from pydantic import Field

from policies.matching import Names, Range, Text, Words, matcher, several
from router.types import Evidence, Fact, Model

LOCAL = "local"
"""The jurisdiction and region of one's own machine."""

EU = frozenset(
    ["AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT",
     "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"]
)  # fmt: skip

GROUPS: Mapping[str, frozenset[str]] = MappingProxyType({"EU": EU, "EEA": EU | {"IS", "LI", "NO"}})
"""Words for several countries."""

STRENGTH: Mapping[Evidence, int] = MappingProxyType({kind: rank for rank, kind in enumerate(Evidence)})

Places = Annotated[
    Names, Field(description="Two-letter codes of countries, `EU`, `EEA`, or `local`: one's own machine.")
]


class Where(Words):
    """What must be known of a model; every line must hold."""

    open_weight: Annotated[bool | None, Field(description="Its weights are published.")] = None
    licence: Annotated[
        Names | None, Field(description="Its licence is one of these, such as `Apache-2.0`.")
    ] = None
    provider: Annotated[Names | None, Field(description="One of these runs it.")] = None
    not_provider: Annotated[Names | None, Field(description="None of these runs it.")] = None
    family: Annotated[Names | None, Field(description="It is of one of these families.")] = None
    local: Annotated[bool | None, Field(description="It runs on one's own machines.")] = None
    jurisdiction: Annotated[
        Places | None, Field(description="Its operator answers to the law of these countries alone.")
    ] = None
    not_jurisdiction: Annotated[
        Places | None, Field(description="Its operator is known to answer to none of these countries.")
    ] = None
    region: Annotated[Places | None, Field(description="Its machines stand in these countries alone.")] = None
    not_region: Annotated[
        Places | None, Field(description="Its machines are known to stand in none of these countries.")
    ] = None
    retention_days: Annotated[
        Range | None, Field(description="Days its operator keeps prompts and answers.")
    ] = None
    trains: Annotated[bool | None, Field(description="Its operator trains on what it is sent.")] = None
    quantisation: Annotated[Names | None, Field(description="Its weights are stored so, such as `bf16`.")] = (
        None
    )
    context_window: Annotated[Range | None, Field(description="Tokens of prompt and answer together.")] = None
    params_b: Annotated[Range | None, Field(description="Billions of parameters.")] = None
    evidence: Annotated[
        Evidence | None,
        Field(description="How well the operator's claims above must be known, at least: "
              "`declared`, `attested`, `verified` or `own`."),
    ] = None  # fmt: skip
    max_age_days: Annotated[
        int | None,
        Field(ge=1, le=36_500, description="A claim looked up longer ago, or nobody knows when, is none."),
    ] = None  # fmt: skip

    @property
    def demands(self) -> Iterator[str]:
        """The names of what is demanded of a model, without how it must be known."""
        for name in type(self).model_fields:
            if name not in {"evidence", "max_age_days"} and getattr(self, name) is not None:
                yield name


class Selection(Words):
    """Models by name, by family, or by what is known of them."""

    names: Annotated[Names | None, Field(description="Their names; `*` and `?` stand for any letters.")] = (
        None
    )
    families: Annotated[Names | None, Field(description="Their families, beside those named.")] = None
    where: Annotated[Where, Field(description="What must be known of each.")] = Where()

    @property
    def lists(self) -> bool:
        """Whether it lists any; otherwise it speaks of every model of the catalogue."""
        return self.names is not None or self.families is not None


Models = tuple[Text, ...] | Selection


class Deny(Words):
    """What no policy may use, whatever it says: the switch for the day a provider or a country goes dark."""

    providers: Annotated[tuple[Text, ...], Field(description="Providers and upstreams, by name.")] = ()
    jurisdictions: Annotated[
        tuple[Text, ...],
        Field(description="Countries: strikes out whose operator or machines are there, or may be."),
    ] = ()
    models: Annotated[tuple[Text, ...], Field(description="Models, by name.")] = ()


def selection_of(models: Sequence[str] | Selection | None) -> Selection:
    """Give the long form of what a policy says of its models."""
    if isinstance(models, Selection):
        return models
    return Selection(names=tuple(models)) if models else Selection()


def listed(selection: Selection, models: Sequence[Model]) -> tuple[Model, ...]:
    """Give the models that are named, in the order of their names, then those of the families."""
    if not selection.lists:
        return tuple(models)
    chosen: dict[str, Model] = {}
    for name in several(selection.names):
        is_meant = matcher([name])
        chosen |= {model.name: model for model in models if is_meant(model.name)}
    of_family = matcher(several(selection.families))
    chosen |= {model.name: model for model in models if of_family(model.family)}
    return tuple(chosen.values())


def unmet(where: Where, model: Model, on: date) -> str | None:
    """Say what `where` demands and `model` is not known to have on that day; `None`: it has everything."""
    for name in where.demands:
        reason = DEMANDS[name](where, model, on)
        if reason is not None:
            return reason
    return None


def denied(deny: Deny, model: Model) -> str | None:
    """Say why no policy may use `model`, or `None`."""
    if matcher(deny.models)(model.name):
        return "is denied by name"
    if (is_meant := matcher(deny.providers))(model.provider) or is_meant(model.upstream):
        return f"its provider {model.provider or model.upstream!r} is denied"
    if deny.jurisdictions:
        for fact, noun in (("jurisdiction", "operator's country"), ("region", "machines' country")):
            reason = _outside(deny.jurisdictions, model.facts.get(fact), noun)
            if reason is not None:
                return f"{reason}, and {', '.join(deny.jurisdictions)} is denied"
    return None


def expired(fact: Fact, where: Where, on: date) -> bool:
    """Tell whether a claim is too old to count; one's own machine has no age."""
    if where.max_age_days is None or fact.evidence is Evidence.OWN:
        return False
    return fact.as_of is None or (on - fact.as_of).days > where.max_age_days


def countries(places: Sequence[str]) -> frozenset[str]:
    """Write `EU` and `EEA` out."""
    return frozenset(place for each in places for place in GROUPS.get(each, {each}))


def _outside(places: Sequence[str], fact: Fact | None, noun: str) -> str | None:
    if fact is None:
        return f"its {noun} is not known"
    inside = sorted(countries(places) & set(several(fact.value)))
    return f"its {noun} is {', '.join(inside)}" if inside else None


Demand = Callable[[Where, Model, date], str | None]


def _attribute(name: str, noun: str) -> Demand:
    """What stands on the model itself: a text, a number or a flag."""

    def judge(where: Where, model: Model, _on: date) -> str | None:
        return _compared(getattr(where, name), getattr(model, name), noun)

    return judge


def _fact(name: str, noun: str) -> Demand:
    def judge(where: Where, model: Model, on: date) -> str | None:
        fact = model.facts.get(name)
        if fact is None:
            return f"its {noun} is not known"
        return _compared(getattr(where, name), fact.value, noun) or _unproven(fact, where, on, noun)

    return judge


def _place(name: str, noun: str) -> Demand:
    def judge(where: Where, model: Model, on: date) -> str | None:
        fact = model.facts.get(name)
        if fact is None:
            return f"its {noun} is not known"
        elsewhere = sorted(set(several(fact.value)) - countries(several(getattr(where, name))))
        if elsewhere:
            return f"its {noun} is {', '.join(elsewhere)}"
        return _unproven(fact, where, on, noun)

    return judge


def _not_place(name: str, noun: str) -> Demand:
    def judge(where: Where, model: Model, on: date) -> str | None:
        fact = model.facts.get(name)
        reason = _outside(several(getattr(where, f"not_{name}")), fact, noun)
        return reason or (_unproven(fact, where, on, noun) if fact else None)

    return judge


def _not_provider(where: Where, model: Model, _on: date) -> str | None:
    if model.provider is None:
        return "its provider is not known"
    return (
        f"its provider is {model.provider}" if matcher(several(where.not_provider))(model.provider) else None
    )


def _compared(wanted: object, found: object, noun: str) -> str | None:
    if found is None:
        return f"its {noun} is not known"
    if isinstance(wanted, bool):
        return None if found is wanted else f"its {noun} is {_told(found)}"
    if isinstance(wanted, Range):
        return None if found in wanted else f"its {noun} is {_told(found)}, not {wanted}"
    fits = matcher(several(wanted))
    return None if all(fits(each) for each in several(found)) else f"its {noun} is {_told(found)}"


def _unproven(fact: Fact, where: Where, on: date, noun: str) -> str | None:
    if where.evidence is not None and STRENGTH[fact.evidence] < STRENGTH[where.evidence]:
        return f"its {noun} is only {fact.evidence}, not {where.evidence}"
    if expired(fact, where, on):
        since = f"was looked up on {fact.as_of}" if fact.as_of else "has no date"
        return f"its {noun} {since}, and a claim counts for {where.max_age_days} days"
    return None


def _told(value: object) -> str:
    if isinstance(value, bool):
        return "so" if value else "not so"
    if isinstance(value, int | float):
        return f"{value:,g}"
    return ", ".join(several(value))


DEMANDS: Mapping[str, Demand] = MappingProxyType(
    {
        "open_weight": _attribute("open_weight", "openness"),
        "licence": _fact("licence", "licence"),
        "provider": _attribute("provider", "provider"),
        "not_provider": _not_provider,
        "family": _attribute("family", "family"),
        "local": _fact("local", "being local"),
        "jurisdiction": _place("jurisdiction", "operator's country"),
        "not_jurisdiction": _not_place("jurisdiction", "operator's country"),
        "region": _place("region", "machines' country"),
        "not_region": _not_place("region", "machines' country"),
        "retention_days": _fact("retention_days", "retention"),
        "trains": _fact("trains", "training on what it is sent"),
        "quantisation": _fact("quantisation", "quantisation"),
        "context_window": _attribute("context_window", "context window"),
        "params_b": _attribute("params_b", "size"),
    }
)
"""How each line of a `Where` is judged."""
