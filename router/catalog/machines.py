"""What a token costs on one's own machine: its hour, its power, and how fast it is.

Three views of one call, each of which answers another question:

| view | says | what it counts |
|---|---|---|
| marginal | what one more call adds | the power above idling; the hour too, if hours are bought on demand |
| busy | what the time it took is worth | its seconds of the machine, at the hour's price, and its power |
| loaded | what it must carry for the bill to be paid | the same, and its share of the hour that stood idle |

The router chooses by the marginal view: a machine that runs anyway should be used.
Seconds are those of the machine, not of the caller: a machine that answers ten at once gives each a tenth.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from router.types import Machine, Picodollars, Prices

HOUR = 3600
FILE = "speeds.json"
LEAST_UTILISATION = 0.01
"""Below this a loaded price says more of the clock than of the machine."""

log = logging.getLogger("farthing.catalog")


class Basis(StrEnum):
    """Which view is asked when a model is chosen."""

    MARGINAL = "marginal"
    BUSY = "busy"
    LOADED = "loaded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """Tokens a second a machine reads and writes for all its callers, and what share of the time it works."""

    prefill: float
    decode: float
    utilisation: float | None = None
    measured: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """What a machine costs: picodollars an hour that it is there, and more for one in which it works.

    `sunk` hours are paid for whether it works or not.
    """

    hour: Picodollars
    energy: Picodollars
    sunk: bool
    stated: Speed
    basis: Basis = Basis.MARGINAL

    def prices(self, measured: Speed | None = None) -> Prices:
        """Give the price of a token, by the speed that was measured, or else by what is stated."""
        speed = measured or self.stated
        an_hour = self._an_hour(speed)
        read, written = (_per_token(an_hour, each) for each in (speed.prefill, speed.decode))
        how = "measured" if speed.measured else "stated"
        speeds = f"{speed.prefill:.0f} and {speed.decode:.0f} tokens a second"
        return Prices(
            input=read,
            output=written,
            cached_input=0,
            source=f"own machine, {self.basis}, {how} {speeds}",
            machine=Machine(hour=self.hour, energy=self.energy, prefill=speed.prefill, decode=speed.decode),
        )

    def _an_hour(self, speed: Speed) -> Picodollars:
        """What an hour of work is taken to cost by the view that is asked."""
        if self.basis is Basis.MARGINAL and self.sunk:
            return self.energy
        if self.basis is Basis.LOADED and speed.utilisation:
            return round(self.hour / max(speed.utilisation, LEAST_UTILISATION)) + self.energy
        return self.hour + self.energy


class Speeds:
    """The speeds that were measured: a small file of the data folder, replaced whole.

    `router.ledger.speeds` writes it, in the process that drains.
    """

    def __init__(self, data: Path) -> None:
        self._path = data / FILE
        self._stamp: tuple[int, int] | None = None
        self.current: Mapping[tuple[str, str], Speed] = {}

    def poll(self) -> bool:
        """Read the file if it is another one; say whether there is anything new."""
        try:
            status = self._path.stat()
            stamp = (status.st_mtime_ns, status.st_size)
            if stamp == self._stamp:
                return False
            rows = json.loads(self._path.read_bytes())
            self.current = {
                (row["upstream"], row["model"]): Speed(
                    prefill=float(row["prefill"]),
                    decode=float(row["decode"]),
                    utilisation=float(row["utilisation"]),
                    measured=True,
                )
                for row in rows
            }
        except FileNotFoundError:
            return False
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning("The measured speeds cannot be read, stated ones are used: %s", error)
            return False
        self._stamp = stamp
        return True


def _per_token(an_hour: Picodollars, speed: float) -> Picodollars:
    return -int(-an_hour // (HOUR * speed))
