"""Are the sums right?"""

import pytest

from evaluators.arithmetic import Arithmetic
from tests.evaluators.checking import passes, verdict


@pytest.mark.parametrize(
    "text",
    [
        "12 * 13 = 146",
        "So the total is $240,000 + $10,000 - $62,500 = $231,500.",
        "We get 16 \u00d7 4 = 60.",
        "Then x = 3 + 4 = 8.",
        "2 + 3 * 4 = 20",
        "20% of 50 is 20.",
        "The ship is 5 km = 500 m long.",
        "That takes 2 hours = 200 minutes",
        "1000/8 = 150",
        "34.0 / 16.0 = 3.125",
    ],
)
async def test_wrong_sums_fail(text):
    assert not await passes(Arithmetic(), f"First of all,\n{text}\nThat is it.")


@pytest.mark.parametrize(
    "text",
    [
        "12 * 13 = 156",
        "10 / 3 = 3.33 and 10 / 3 = 3 and 2/3 = 0.667",
        "1,234 + 1 = 1,235",
        "20% of 50 is 10, 15% of 9.99 is 1.5",
        "2^3 + 12 * 13 = 164",
        "(2 + 3) * 4 = 20",
        "n + 3 * 4 = 20",
        "3x * 4 = 20",
        "12 * 13 = 146 + 10",
        "12 * 13 = 1.56 * 100 and 70% of 60 = 0.7 x 60",
        "5! / 3 = 40",
        "-2 - 3 = -5",
        "Suppose that 2 + 2 = 5.",
        "It is wrong that 2 + 2 = 5.",
        "17 / 5 = 3 remainder 2",
        "3 + 4 = 7cm and 3 * 4 = 12a",
        "2024-11-24 = today",
        "5 km = 5000 m, 72 minutes = 1 hour 12 minutes, 1 hour 12 minutes = 72 minutes",
        "196 g / 49 g = 4 g",
        "1 mile = 1.6 km, 1 inches = 2.5 cm",
        "```\n12 * 13 = 146\n```",
        "283 * 323 * 151 = 138, 473, 151",
        "1/0 = 5",
    ],
)
async def test_right_ones_and_what_is_not_sure_pass(text):
    assert await passes(Arithmetic(), text)


async def test_where_numbers_may_mean_something_else_it_looks_away():
    assert await passes(Arithmetic(), "9 + 5 = 2", to="Which hour is it on a clock 5 hours after 9?")


async def test_it_says_what_kind_of_slip_it_is():
    assert (await verdict(Arithmetic(), "20% of 50 is 20.")).reason == "a percentage that is wrong"
