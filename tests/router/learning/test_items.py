import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.learning.items import FAMILIES, LEVELS, Place, make
from router.learning.items.sandbox import harmless, passes

PLACES = [Place(family=family, level=level, seed=7) for family in FAMILIES for level in LEVELS]


@pytest.mark.parametrize("place", PLACES, ids=lambda place: f"{place.family} {place.level}")
def test_every_prompt_takes_its_right_answer_and_not_its_wrong_one(place):
    item = make(place)
    assert item.check(item.answer)
    assert not item.check(item.wrong)
    assert not item.check("")
    assert len(item.prompt) > 30


@given(
    st.sampled_from([family for family in FAMILIES if family != "code"]),
    st.integers(1, 5),
    st.integers(0, 2**40),
)
@settings(max_examples=150, deadline=None)
def test_any_seed_makes_a_prompt_with_an_answer_twice_the_same(family, level, seed):
    place = Place(family=family, level=level, seed=seed)
    item = make(place)
    assert (item.prompt, item.answer) == (make(place).prompt, make(place).answer)
    assert item.check(item.answer)
    assert not item.check(item.wrong)


@given(st.sampled_from(sorted(FAMILIES)), st.text(max_size=200))
@settings(max_examples=60, deadline=None)
def test_no_reply_breaks_a_check(family, text):
    assert make(Place(family=family, level=2, seed=1)).check(text) in {True, False}


def test_an_answer_is_found_in_ordinary_replies():
    item = make(Place(family="arithmetic", level=1, seed=3))
    value = item.answer.removeprefix("Answer: ")
    assert item.check(f"First I multiply.\n\n**Answer: {value}**")
    assert item.check(f"The answer is {value}.")
    assert not item.check(f"{value} was my first thought.\nAnswer: 999999")


@pytest.mark.parametrize(
    "code",
    [
        "import os",
        "from subprocess import run",
        "def solve(a): return open('/etc/passwd').read()",
        "def solve(a): return ().__class__.__bases__",
        "def solve(a): return eval('1')",
        "def solve(a): return getattr(a, 'x')",
        "def solve(a): return '{0.__class__}'.format(a)",
        "def solve(a: return",
        "__import__('os')",
    ],
)
def test_code_that_does_more_than_compute_is_not_run(code):
    assert not harmless(code)


def test_code_that_never_ends_or_eats_memory_fails():
    assert passes("def solve(a): return a + 1", "solve", [([1], 2)])
    assert not passes("def solve(a):\n    while True: pass", "solve", [([1], 2)])
    assert not passes("def solve(a): return len([0] * 10**9)", "solve", [([1], 10**9)])
    assert not passes("x = 1", "solve", [([1], 2)])
