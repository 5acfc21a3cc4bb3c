"""The `cost` of an upstream that is one's own machine: its hour, its power, its speed."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, model_validator

from router.catalog.machines import Basis, Running, Speed
from router.config.fields import CallPrice, Settings
from router.types import DOLLAR

HOURS_A_YEAR = 8760


class Watts(Settings):
    """Power, of all its machines together."""

    idle: Annotated[float, Field(ge=0, le=1e7, description="Watts while nothing is asked of it.")] = 0.0
    busy: Annotated[float, Field(ge=0, le=1e7, description="Watts while it works.")]


class MachineCost(Settings):
    """What one's own machine costs; all figures are those of the whole upstream."""

    usd_per_hour: Annotated[CallPrice | None, Field(description="Rent of an hour, in USD.")] = None
    purchase_usd: Annotated[CallPrice | None, Field(description="Instead: what it was bought for.")] = None
    lifetime_years: Annotated[
        float, Field(gt=0, le=50, description="Years over which the purchase is written off.")
    ] = 4.0
    hours: Annotated[
        Literal["on_demand", "spot", "reserved", "owned"] | None,
        Field(
            description="Whether hours are paid as they are used (the first two) or anyway; "
            "left out, `on_demand` for a rent and `owned` for a purchase."
        ),
    ] = None
    watts: Annotated[Watts | None, Field(description="Its power, if that is paid for apart.")] = None
    usd_per_kwh: Annotated[CallPrice, Field(description="The tariff of that power.")] = Decimal(0)
    prefill_tokens_per_second: Annotated[
        float,
        Field(gt=0, le=1e9, description="Prompt tokens a second, all callers together, until measured."),
    ]
    decode_tokens_per_second: Annotated[
        float,
        Field(gt=0, le=1e9, description="Tokens written a second, all callers together, until measured."),
    ]
    route_on: Annotated[
        Basis, Field(description="Which view of its cost is asked when a model is chosen.")
    ] = Basis.MARGINAL

    @model_validator(mode="after")
    def _whole(self) -> "MachineCost":
        if (self.usd_per_hour is None) == (self.purchase_usd is None):
            raise ValueError("needs either 'usd_per_hour' or 'purchase_usd'")
        if self.watts is not None and self.watts.idle > self.watts.busy:
            raise ValueError("draws more power idle than busy")
        if self._sunk and self.route_on is Basis.MARGINAL and not self._energy:
            raise ValueError(
                "is paid for anyway and says nothing of its power, so that a call would cost nothing: "
                "give 'watts' and 'usd_per_kwh', or 'route_on: busy'"
            )
        return self

    @property
    def _sunk(self) -> bool:
        hours = self.hours or ("owned" if self.usd_per_hour is None else "on_demand")
        return hours in {"reserved", "owned"}

    @property
    def _energy(self) -> int:
        """Picodollars of power an hour of work draws above idling."""
        return self._power(self.watts.busy - self.watts.idle) if self.watts else 0

    def _power(self, watts: float) -> int:
        return round(Decimal(watts) / 1000 * self.usd_per_kwh * DOLLAR)

    def running(self) -> Running:
        """Give the same in picodollars."""
        if self.usd_per_hour is not None:
            hour = self.usd_per_hour
        else:
            assert self.purchase_usd is not None, "one of both is there"
            hour = self.purchase_usd / Decimal(self.lifetime_years * HOURS_A_YEAR)
        idle = self._power(self.watts.idle) if self.watts else 0
        return Running(
            hour=round(hour * DOLLAR) + idle,
            energy=self._energy,
            sunk=self._sunk,
            stated=Speed(prefill=self.prefill_tokens_per_second, decode=self.decode_tokens_per_second),
            basis=self.route_on,
        )
