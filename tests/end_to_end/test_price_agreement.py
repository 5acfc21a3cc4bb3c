"""Our prices against litellm's own calculator, over its whole list; litellm runs in a process of its own."""

import json
import subprocess
import sys
from collections import Counter
from datetime import datetime
from decimal import Decimal

import pytest

from router.catalog.pricemap import PriceMap, _installed
from router.pricing import charge
from router.types import DOLLAR, Usage
from tests.support.price_cases import AT, CASES
from tests.support.world import model

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

ZERO = "a cached or written price of zero is a gap in the list to us, and free to litellm"
FEES = "litellm's calculator for Perplexity knows neither its fee per request, nor its cache, nor its tiers"
FIREWORKS = "litellm's calculator for Fireworks knows no priority tier"
SIZES = "litellm prices old names at Together by the size it reads in them"
AT_ZERO = "listed at zero: unpriced to us"
NO_PRICE = "no price per token both ways: unpriced to us"


def judged():
    """What litellm says: (key, case) to US dollars."""
    command = ["env", "LITELLM_LOCAL_MODEL_COST_MAP=True", sys.executable]
    done = subprocess.run(
        [*command, "-m", "tests.support.litellm_judge"], check=True, capture_output=True, text=True
    )
    rows = (json.loads(line) for line in done.stdout.splitlines())
    return {(row["key"], row["case"]): row["usd"] for row in rows}


def reason(listed, key, case):
    """Say why the two may differ, `None` if they may not."""
    entry, usage = listed[key], CASES[case]
    provider = entry["litellm_provider"]
    # A model that stands there twice is to us the entry with its provider in the name.
    entry = listed.get(f"{provider}/{key}", entry)
    if provider == "perplexity":
        return FEES
    if provider == "fireworks_ai" and usage.get("tier") == "priority":
        return FIREWORKS
    if provider == "together_ai":
        return SIZES
    zero = {"cached": "cache_read_input_token_cost", "cache_write": "cache_creation_input_token_cost"}
    if any(part in usage and entry.get(name) == 0 for part, name in zero.items()):
        return ZERO
    return None


def test_at_least_95_of_100_prices_are_litellms_and_every_difference_is_explained():
    listed = json.loads(_installed().read_text(), parse_float=Decimal)
    prices, at = PriceMap.load(), datetime.fromisoformat(AT)
    equal, apart, unexplained = 0, Counter(), []
    for (key, case), usd in judged().items():
        entry = listed[key]
        known = prices.find(entry["litellm_provider"], key)
        assert known is not None, key
        if known.prices is None:
            apart[AT_ZERO if "zero" in known.unpriced else NO_PRICE] += 1
            continue
        ours = charge(model("m", prices=known.prices), Usage(**CASES[case]), at).amount / DOLLAR
        if abs(ours - usd) <= 1e-6 * max(ours, usd):
            equal += 1
        elif (why := reason(listed, key, case)) is not None:
            apart[why] += 1
        else:
            unexplained.append((key, case, ours, usd))
    different = sum(apart.values()) - apart[AT_ZERO] - apart[NO_PRICE]
    share = equal / (equal + different + len(unexplained))
    sys.stdout.write(f"{equal} equal ({share:.2%} of those priced)\n")
    sys.stdout.write("".join(f"{count:6} {why}\n" for why, count in apart.most_common()))
    assert unexplained == []
    assert equal > 30_000
    assert share >= 0.95
