"""Who serves models, and where: `providers.yaml`.

Engines run on this machine or another of one's own; hosted providers take money.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from router.catalog.money import picodollars_per_token
from router.catalog.pricemap import Known
from router.catalog.tables import read_table
from router.types import Capability, Prices

WEIGHTS_ALONE = frozenset({Capability.TOOLS, Capability.VISION, Capability.AUDIO, Capability.FILES})
"""What depends on the weights; an engine can only let it pass. Other capabilities are the engine's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One row of the table.

    `key` names the environment variable of its key.
    `litellm` is its name in litellm's list.
    `lists_prices` says that `GET {base_url}/models` states prices, as OpenRouter's does.
    `owned_by` are the marks by which an engine's list of models gives it away,
    `alone` that nothing else usually listens on its port.
    `can` is what it lets pass of what weights can do, and what it adds of its own.
    `window` is the context window an engine starts with unless told otherwise.
    `serves` are the only names it takes, where litellm's list has others that it no longer does.
    `offers` are models that no other list has.
    """

    id: str
    name: str
    base_url: str
    local: bool
    key: str | None = None
    litellm: str | None = None
    lists_prices: bool = False
    owned_by: tuple[str, ...] = ()
    alone: bool = False
    can: frozenset[Capability] = WEIGHTS_ALONE
    window: int | None = None
    serves: tuple[str, ...] = ()
    offers: tuple[tuple[str, Known], ...] = ()


class Providers:
    """The table, engines first."""

    def __init__(self, rows: Sequence[Provider]) -> None:
        self._by_id = {row.id: row for row in rows}

    @classmethod
    def load(cls) -> "Providers":
        """Read `providers.yaml`."""
        table = read_table("providers.yaml")
        engines = [_provider(row, local=True) for row in table["engines"]]
        return cls(engines + [_provider(row, local=False) for row in table["hosted"]])

    def get(self, provider: str | None) -> Provider | None:
        """Return the row of that id, or `None`."""
        return None if provider is None else self._by_id.get(provider)

    def __iter__(self) -> Iterator[Provider]:
        return iter(self._by_id.values())

    @property
    def engines(self) -> tuple[Provider, ...]:
        """What may run on this machine."""
        return tuple(row for row in self if row.local)

    @property
    def hosted(self) -> tuple[Provider, ...]:
        """Who takes a key and money."""
        return tuple(row for row in self if not row.local)


def _provider(row: Mapping[str, Any], *, local: bool) -> Provider:
    values = dict(row)
    if "can" in values:
        values["can"] = frozenset(Capability(one) for one in values["can"])
    for plural in ("owned_by", "serves"):
        values[plural] = tuple(values.get(plural, ()))
    values["offers"] = tuple(_offer(offer) for offer in values.get("offers", ()))
    return Provider(**values, local=local)


def _offer(row: Mapping[str, Any]) -> tuple[str, Known]:
    source = f"{row['source']}, {row['as_of']}"
    stated = row.get("price")
    prices = None
    if stated is not None:
        rates: dict[str, Any] = {kind: picodollars_per_token(usd) for kind, usd in stated.items()}
        prices = Prices(**rates, source=source, checked=date.fromisoformat(str(row["as_of"])))
    unpriced = None if prices else "its price changes too often to be kept in a file"
    return row["name"], Known(source=source, prices=prices, unpriced=unpriced)
