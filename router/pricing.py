"""What a call costs: the places that multiply prices, and how a price in force is found.

`quote` says what a call would cost (`ceiling`: at most), `charge` what one did;
all for an instant, because prices have hours.
Parts of the input and of the output are never counted twice.
Unknown stays unknown: without prices a call is unpriced, without counts it has no amount.
"""

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from router.types import NOTHING, Charge, Grade, Model, Override, Picodollars, Prices, Rates, Usage
from router.windows import within

KINDS = tuple(field.name for field in fields(Rates))


def quote(
    model: Model, *, input_tokens: int, output_tokens: float, at: datetime | None, images: int = 0
) -> Picodollars | None:
    """Say what a call would cost, nothing of it cached; `None` if the model is unpriced.

    Without an instant the prices of no window hold.
    """
    if model.prices is None:
        return None
    prices = model.prices
    # Asked for every candidate: what holds is looked up by itself, without another list of prices.
    if not prices.overrides:
        usual = input_tokens * prices.input + round(output_tokens * prices.output)
        return max(usual + prices.request + images * prices.image, prices.minimum)
    now = _over(prices, input_tokens, None, at)
    tokens = input_tokens * now.get("input", prices.input)
    tokens += round(output_tokens * now.get("output", prices.output))
    extras = now.get("request", prices.request) + images * now.get("image", prices.image)
    return max(tokens + extras, now.get("minimum", prices.minimum))


def ceiling(
    model: Model, *, input_tokens: int, output_tokens: int, at: datetime | None, images: int = 0
) -> Picodollars | None:
    """Say the most that a call of so many tokens at most can cost; `None` if the model is unpriced."""
    if model.prices is None:
        return None
    prices = _dearest(model.prices, input_tokens, None, at) if model.prices.overrides else model.prices
    most = _at_most(prices, input_tokens, output_tokens)
    return max(prices.request + most + images * prices.image, prices.minimum)


def charge(model: Model, usage: Usage, at: datetime | None) -> Charge:
    """Price one call that began `at` an instant; see `_charge`, to which one's own machine adds its time."""
    charged = _charge(model, usage, at)
    machine = model.prices.machine if model.prices else None
    if machine is None or usage.input is None or usage.output is None:
        return charged
    fresh = max(0, usage.input - (usage.cached or 0))
    seconds = fresh / machine.prefill + usage.output / machine.decode
    return replace(charged, machine_ms=round(seconds * 1000, 3))


def _charge(model: Model, usage: Usage, at: datetime | None) -> Charge:
    """Price one call that began `at` an instant.

    | prices | usage | amount | bound | grade |
    |---|---|---|---|---|
    | any | believed, and the provider says what it charged | that | the amount | REPORTED |
    | unknown | any other | `None` | `None` | UNPRICED |
    | known | input or output unknown | `None` | `None` | NONE |
    | known | ESTIMATED | from the estimate | from its bounds, `None` without them | ESTIMATED |
    | known | silent on a part that costs more than others | without the part | were all of it | ESTIMATED |
    | known | impossible: its parts exceed the whole | of the parts | all at the dearest | ESTIMATED |
    | known | else | exact | the amount | COMPUTED |

    A provider's word of zero is not taken: proxies say so of what they cannot price.
    The price of a call (`prices.request`) is asked only where tokens were used.
    """
    reported = usage.cost
    if model.prices is None:
        if reported and usage.grade is Grade.REPORTED:
            return Charge(amount=reported, bound=reported, grade=Grade.REPORTED, reported=reported)
        return Charge(amount=None, bound=None, grade=Grade.UNPRICED, reported=reported)
    if usage.input is None or usage.output is None or _negative(usage):
        return Charge(amount=None, bound=None, grade=Grade.NONE, reported=reported)
    prices = in_force(model.prices, prompt=usage.input, tier=usage.tier, at=at)
    amount = _amount(prices, usage, usage.input, usage.output)
    if reported and usage.grade is Grade.REPORTED:
        return Charge(
            amount=reported, bound=reported, grade=Grade.REPORTED, reported=reported, computed=amount
        )
    if usage.grade is Grade.ESTIMATED or not possible(usage) or _silent(prices, usage):
        bound = _bound(model.prices, usage, at)
        most = None if bound is None else max(amount, bound)
        return Charge(amount=amount, bound=most, grade=Grade.ESTIMATED, reported=reported, computed=amount)
    return Charge(amount=amount, bound=amount, grade=Grade.COMPUTED, reported=reported, computed=amount)


def in_force(prices: Prices, *, prompt: int, tier: str | None, at: datetime | None) -> Prices:
    """Give the prices of a call: the base, and over it each override that holds, the later winning."""
    over: Mapping[str, Any] = _over(prices, prompt, tier, at)
    return replace(prices, **over, overrides=()) if over else prices


def _over(prices: Prices, prompt: int, tier: str | None, at: datetime | None) -> Mapping[str, Picodollars]:
    """Give the kinds that cost otherwise now, by the last override that holds and says so."""
    if not prices.overrides:
        return NOTHING
    stated: dict[str, Picodollars] = {}
    for override in prices.overrides:
        if _holds(override, prompt, tier, at):
            stated |= stated_rates(override.rates)
    return stated


def stated_rates(rates: Rates) -> dict[str, Picodollars]:
    """Give what is said, by kind."""
    return {kind: value for kind in KINDS if (value := getattr(rates, kind)) is not None}


def possible(usage: Usage) -> bool:
    """Tell whether the parts fit into the whole."""
    read = (usage.cached or 0) + (usage.cache_write or 0)
    media = (usage.audio_input or 0) + (usage.image_input or 0)
    written = (usage.reasoning or 0) + (usage.audio_output or 0) + (usage.image_output or 0)
    return (
        max(read, media) <= (usage.input or 0)
        and written <= (usage.output or 0)
        and (usage.cache_write_long or 0) <= (usage.cache_write or 0)
    )


def _holds(override: Override, prompt: int, tier: str | None, at: datetime | None) -> bool:
    if override.above is not None and prompt <= override.above:
        return False
    if override.tier is not None and override.tier != tier:
        return False
    if not (override.windows or override.since or override.until):
        return True
    if at is None or (override.since and at < override.since) or (override.until and at >= override.until):
        return False
    return not override.windows or any(within(window, at) for window in override.windows)


def _amount(prices: Prices, usage: Usage, read: int, written: int) -> Picodollars:
    used = bool(read or written)
    tokens = _input(prices, usage, read) + _output(prices, usage, written)
    return max(tokens + _extras(prices, usage, used=used), prices.minimum if used else 0)


def _input(prices: Prices, usage: Usage, read: int) -> Picodollars:
    """Price the prompt; a cached token costs as one, whatever it is of, and sound or pictures the rest."""
    cached, written, long = usage.cached or 0, usage.cache_write or 0, usage.cache_write_long or 0
    plain = max(0, read - cached - written)
    write = _or(prices.cache_write, prices.input)
    amount = cached * _or(prices.cached_input, prices.input)
    amount += (written - min(long, written)) * write + long * _or(prices.cache_write_long, write)
    if usage.audio_input or usage.image_input:
        audio = min(usage.audio_input or 0, plain)
        image = min(usage.image_input or 0, plain - audio)
        plain -= audio + image
        amount += audio * _or(prices.audio_input, prices.input) + image * _or(
            prices.image_input, prices.input
        )
    return amount + plain * prices.input


def _output(prices: Prices, usage: Usage, written: int) -> Picodollars:
    parts = (
        (usage.reasoning or 0, prices.reasoning),
        (usage.audio_output or 0, prices.audio_output),
        (usage.image_output or 0, prices.image_output),
    )
    amount, plain = 0, written
    for count, price in parts:
        if count and price is not None:
            amount, plain = amount + count * price, plain - count
    return amount + max(0, plain) * prices.output


def _bound(prices: Prices, usage: Usage, at: datetime | None) -> Picodollars | None:
    """The most it can have been: all bounds met, each token of the dearest kind, by the dearest prices."""
    estimated = usage.grade is Grade.ESTIMATED
    output = usage.output_bound if estimated else usage.output
    if output is None or (estimated and usage.input_bound is None):
        return None
    read = max(usage.input_bound or 0, usage.input or 0)
    written = max(output, usage.output or 0)
    if not possible(usage):
        read += (usage.cached or 0) + (usage.cache_write or 0)
        written += (usage.reasoning or 0) + (usage.audio_output or 0) + (usage.image_output or 0)
    prices = _dearest(prices, read, usage.tier, at)
    used = bool(read or written)
    most = _at_most(prices, read, written)
    return max(most + _extras(prices, usage, used=used), prices.minimum if used else 0)


def _at_most(prices: Prices, read: int, written: int) -> Picodollars:
    """Each token of the dearest kind; what has no price of its own costs as what it is a part of."""
    reading = max(
        prices.input,
        prices.cached_input or 0,
        prices.cache_write or 0,
        prices.cache_write_long or 0,
        prices.audio_input or 0,
        prices.image_input or 0,
    )
    writing = max(prices.output, prices.reasoning or 0, prices.audio_output or 0, prices.image_output or 0)
    return read * reading + written * writing


def _extras(prices: Prices, usage: Usage, *, used: bool) -> Picodollars:
    """What is asked beside the tokens, where any were used."""
    if not used:
        return 0
    searches, images = usage.searches or 0, usage.images or 0
    return prices.request + searches * prices.search + images * prices.image


def _dearest(prices: Prices, read: int, tier: str | None, at: datetime | None) -> Prices:
    """Each kind at the dearest it can have been, were the prompt as long as its bound or shorter."""
    held = [stated_rates(override.rates) for override in prices.overrides if _holds(override, read, tier, at)]
    dearest = {
        kind: max(values) for kind in KINDS if (values := [rates[kind] for rates in held if kind in rates])
    }
    over: dict[str, Any] = {kind: max(value, getattr(prices, kind) or 0) for kind, value in dearest.items()}
    return replace(prices, **over)


def _silent(prices: Prices, usage: Usage) -> bool:
    """Tell whether nothing is said of a part that would have cost more than the rest."""
    return (usage.cache_write is None and _or(prices.cache_write, 0) > prices.input) or (
        usage.reasoning is None and _or(prices.reasoning, 0) > prices.output
    )


def _negative(usage: Usage) -> bool:
    counts = (usage.input, usage.output, usage.cached, usage.cache_write, usage.reasoning, usage.searches)
    return any(count is not None and count < 0 for count in counts)


def _or(price: Picodollars | None, fallback: Picodollars) -> Picodollars:
    return fallback if price is None else price
