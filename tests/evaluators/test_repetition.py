"""Does the answer run in circles?"""

import pytest

from evaluators.repetition import Repetition
from tests.evaluators.checking import passes, seen

PROSE = " ".join(f"Sentence {i} speaks of {i * i} things that are quite unlike." for i in range(60))


@pytest.mark.parametrize(
    "unit", ["a", "no ", "The answer is (E). ", "x" * 30 + " and then again, " + "y" * 80]
)
async def test_a_loop_fails_wherever_it_stands(unit):
    loop = unit * (1600 // len(unit) + 1)
    for text in (loop, PROSE + loop, loop + PROSE):
        assert not await passes(Repetition(), text)


@pytest.mark.parametrize(
    "text",
    [
        PROSE,
        "ha " * 50,
        "-" * 1000,
        "| 0 | 0 |\n" * 60,
        "\n".join(f"{i}: the {i}th of its kind" for i in range(200)),
        "We shall not give up.\n" * 5 + PROSE,
    ],
)
async def test_what_is_no_loop_passes(text):
    assert await passes(Repetition(), text)


async def test_rulers_have_to_go_on_for_long():
    assert not await passes(Repetition(), "0, " * 2000)


async def test_who_asks_for_a_repetition_may_have_it():
    line = "I will not be late again."
    assert await passes(Repetition(), f"{line}\n" * 100, to=f"Write '{line}' 100 times.")
    assert not await passes(Repetition(), f"{line}\n" * 100, to="Write a poem.")


def test_a_loop_is_seen_while_it_goes_on():
    assert seen(Repetition(), *["The answer is (E). "] * 1000) < 60


async def test_how_often_is_too_often_can_be_said():
    text = "The answer is (E), as was said before. " * 5
    assert await passes(Repetition(), text)
    assert not await passes(Repetition(repeats=3, characters=100), text)
