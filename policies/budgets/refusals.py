"""What a caller is told when a budget does not bear a call."""

from collections.abc import Mapping

from router.budget import BudgetScope, Standing, Unit
from router.errors import OverBudget, OverRate
from router.types import DOLLAR, Model

KIND: Mapping[Unit, type[OverBudget]] = {Unit.USD: OverBudget, Unit.REQUESTS: OverRate, Unit.TOKENS: OverRate}


def refusal(standing: Standing, needed: int, now: float) -> OverBudget:
    """Say which budget does not bear `needed` more, how it stands, and when it begins anew."""
    window = "request" if standing.scope is BudgetScope.REQUEST else standing.per
    allowed = f"{amount(standing.unit, standing.limit)} " + ("in all" if window == "total" else f"a {window}")
    who = f" ({standing.scope} {standing.of})" if standing.of else ""
    text = (
        f"Budget {standing.budget!r}{who} allows {allowed}: "
        f"{amount(standing.unit, standing.spent)} is spent, "
        f"{amount(standing.unit, standing.held)} is held for calls under way, "
        f"and this call may take up to {amount(standing.unit, needed)}."
    )
    if needed > standing.limit:
        text += " It alone is more than the budget: ask for a shorter answer."
    elif standing.resets is not None:
        text += f" It begins anew at {standing.resets:%Y-%m-%dT%H:%M:%SZ}."
    waits = standing.resets is not None and needed <= standing.limit
    return KIND[standing.unit](
        text,
        budget=standing.budget,
        details={**told(standing), "needed": number(standing.unit, needed)},
        retry_after=max(0.0, standing.resets.timestamp() - now) if waits and standing.resets else None,
    )


def unpriced(model: Model) -> OverBudget:
    """Refuse a model whose price is unknown, where a budget of money applies."""
    return OverBudget(
        f"The price of {model.name!r} is unknown, so no budget of money can bear it (set its `price`).",
        details={"model": model.name},
    )


def told(standing: Standing) -> dict[str, object]:
    """A standing as callers are told it: money in US dollars, as text."""
    unit = standing.unit
    return {
        "budget": standing.budget,
        "scope": standing.scope,
        "of": standing.of or None,
        "unit": unit,
        "per": standing.per,
        "limit": number(unit, standing.limit),
        "spent": number(unit, standing.spent),
        "held": number(unit, standing.held),
        "remaining": number(unit, standing.remaining),
        "resets": standing.resets.strftime("%Y-%m-%dT%H:%M:%SZ") if standing.resets else None,
    }


def number(unit: Unit, value: int) -> int | str:
    """Money as an exact decimal of US dollars, anything else as it is."""
    return _dollars(value) if unit is Unit.USD else value


def amount(unit: Unit, value: int) -> str:
    """An amount for people: `$0.05`, `60 requests`."""
    return f"${_dollars(value)}" if unit is Unit.USD else f"{value:,} {unit}"


def _dollars(value: int) -> str:
    whole, part = divmod(value, DOLLAR)
    return f"{whole}.{part:012d}".rstrip("0").rstrip(".")
