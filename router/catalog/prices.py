"""What a call costs: prices times usage.

Cached and written tokens are parts of the input, reasoning is a part of the output; none is counted twice.
Unknown stays unknown: without prices a call is unpriced, without counts it has no amount.
"""

from dataclasses import dataclass

from router.types import Charge, Grade, Picodollars, Prices, Usage


def charge(prices: Prices | None, usage: Usage) -> Charge:
    """Price one call.

    | prices | usage | amount | bound | grade |
    |---|---|---|---|---|
    | unknown | any | `None` | `None` | UNPRICED |
    | known | input or output unknown | `None` | `None` | NONE |
    | known | ESTIMATED | from the estimate | from its bounds, `None` without them | ESTIMATED |
    | known | impossible: more cached and written than input | see below | all at the dearest | ESTIMATED |
    | known | else | exact | the amount | COMPUTED |

    Impossible usage is not clamped to what was said to be the input: what is said to be cached or written
    is charged as such, and the rest not at all.
    The price of a call (`prices.request`) is asked only where tokens were used.
    What the provider says it charged stands beside all of this, in `reported`.
    """
    if prices is None:
        return Charge(amount=None, bound=None, grade=Grade.UNPRICED, reported=usage.cost)
    tokens = _Tokens.of(usage)
    if tokens is None:
        return Charge(amount=None, bound=None, grade=Grade.NONE, reported=usage.cost)
    amount = tokens.cost(prices)
    if usage.grade is not Grade.ESTIMATED and tokens.possible:
        return Charge(amount=amount, bound=amount, grade=Grade.COMPUTED, reported=usage.cost)
    bound = _bound(prices, usage, tokens)
    return Charge(
        amount=amount,
        bound=None if bound is None else max(amount, bound),
        grade=Grade.ESTIMATED,
        reported=usage.cost,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tokens:
    """Counts that are all there, and none of them negative."""

    input: int
    output: int
    cached: int
    cache_write: int

    @classmethod
    def of(cls, usage: Usage) -> "_Tokens | None":
        if usage.input is None or usage.output is None:
            return None
        tokens = cls(
            input=usage.input,
            output=usage.output,
            cached=usage.cached or 0,
            cache_write=usage.cache_write or 0,
        )
        return tokens if min(tokens.input, tokens.output, tokens.cached, tokens.cache_write) >= 0 else None

    @property
    def possible(self) -> bool:
        return self.cached + self.cache_write <= self.input

    def cost(self, prices: Prices) -> Picodollars:
        cached = prices.input if prices.cached_input is None else prices.cached_input
        written = prices.input if prices.cache_write is None else prices.cache_write
        plain = max(0, self.input - self.cached - self.cache_write)
        return (
            (prices.request if self.input or self.output else 0)
            + plain * prices.input
            + self.cached * cached
            + self.cache_write * written
            + self.output * prices.output
        )


def _bound(prices: Prices, usage: Usage, tokens: _Tokens) -> Picodollars | None:
    """The most it can have been: all bounds met, and no input as cheap as a cached one."""
    output = usage.output_bound if usage.grade is Grade.ESTIMATED else usage.output
    if output is None:
        return None
    most_input = max(usage.input_bound or 0, tokens.input)
    if not tokens.possible:
        most_input += tokens.cached + tokens.cache_write
    dearest = max(prices.input, prices.cached_input or 0, prices.cache_write or 0)
    most_output = max(output, tokens.output)
    request = prices.request if most_input or most_output else 0
    return request + most_input * dearest + most_output * prices.output
