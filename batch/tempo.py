"""How long a batch will take, as far as anybody has measured: what is not known is said to be unknown."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from batch.forecast import INTERVAL, Doubles, Forecast


class Speed(Protocol):
    """What an upstream did before: calls, tokens written, and the seconds they took."""

    @property
    def upstream(self) -> str: ...

    @property
    def calls(self) -> int: ...

    @property
    def written(self) -> int: ...

    @property
    def seconds(self) -> float: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Took:
    """Seconds of work at one upstream, with an interval; `None`: nobody knows. `source` says whence."""

    upstream: str
    calls: float
    seconds: float | None
    low: float | None
    high: float | None
    source: str


def times(forecast: Forecast, speeds: Sequence[Speed]) -> list[Took]:
    """Say how long each upstream will work; upstreams work beside each other, models of one share it.

    What batches did there before counts most, then the speed of one's own machine.
    """
    found = []
    for upstream in dict.fromkeys(model.upstream for model in forecast.models):
        at = [place for place, model in enumerate(forecast.models) if model.upstream == upstream]
        known = [speed for speed in speeds if speed.upstream == upstream]
        calls, written = forecast.calls[:, at].sum(1), forecast.written[:, at].sum(1)
        seconds: Doubles | None
        if known:
            seconds = _as_before(calls, written, known)
            batches = f"{len(known)} earlier batch{'es' if len(known) > 1 else ''}"
            source = f"measured: {sum(one.calls for one in known):,} calls of {batches}"
        else:
            seconds, source = _by_machine(forecast, at)
        found.append(_took(upstream, float(calls.mean()), seconds, source))
    return found


def whole(parts: Sequence[Took]) -> Took | None:
    """The longest part, if every part that has work is known."""
    working = [part for part in parts if part.calls >= 0.5]
    if not working or any(part.seconds is None for part in working):
        return None
    return max(working, key=lambda part: part.seconds or 0.0)


def _as_before(calls: Doubles, written: Doubles, known: Sequence[Speed]) -> Doubles:
    """Every draw at every earlier speed, by calls and by tokens: files differ in which of them counts."""
    return np.concatenate(
        [
            each
            for one in known
            for each in (calls * one.seconds / one.calls, written * one.seconds / max(1, one.written))
        ]
    )


def _by_machine(forecast: Forecast, at: Sequence[int]) -> tuple[Doubles | None, str]:
    seconds = np.zeros(len(forecast.calls))
    for place in at:
        prices = forecast.models[place].prices
        machine = prices.machine if prices is not None else None
        if machine is None:
            return None, "unknown: no batch was there before"
        seconds += forecast.read[:, place] / machine.prefill + forecast.written[:, place] / machine.decode
    return seconds, "by the machine's speed in the configuration, or as measured since"


def _took(upstream: str, calls: float, seconds: Doubles | None, source: str) -> Took:
    if seconds is None:
        return Took(upstream=upstream, calls=calls, seconds=None, low=None, high=None, source=source)
    low, high = np.quantile(seconds, INTERVAL)
    middle = float(np.median(seconds))
    return Took(
        upstream=upstream, calls=calls, seconds=middle, low=float(low), high=float(high), source=source
    )
