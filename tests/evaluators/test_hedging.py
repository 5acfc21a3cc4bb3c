"""Does it say that it does not know?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluators.hedging import HINTS, PHRASES, Hedging
from tests.evaluators.checking import passes, seen


@pytest.mark.parametrize(
    "text",
    [
        "I\u2019m not entirely sure, but perhaps 4.",
        "I don't know the answer to that.",
        "There is not enough information to say.",
        "x " * 500 + "So it cannot be determined.",
        "Ich bin mir nicht sicher.",
        "Je ne sais pas.",
    ],
)
async def test_admissions_fail(text):
    assert not await passes(Hedging(), text)


@pytest.mark.parametrize(
    "text", ["Be sure to lock it.", "x " * 500 + "I don't know the answer. " + "x " * 500, "4"]
)
async def test_other_answers_pass(text):
    assert await passes(Hedging(), text)


def test_it_is_seen_at_once():
    assert seen(Hedging(), "I'm not", " sure", "!") == 2


@given(st.from_regex(PHRASES))
def test_whatever_the_phrases_match_has_a_hint(text):
    assert any(hint in PHRASES.search(text)[0].lower() for hint in HINTS)
