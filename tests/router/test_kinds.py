import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.kinds import KINDS, kind_of
from router.types import AnswerForm, Tool
from tests.support.world import request


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("code", "Write a Python function that reverses a list."),
        ("code", "Why does this fail?\n```\nx = y\n```"),
        ("math", "What is 17 * 23?"),
        ("math", "Prove that there are infinitely many primes."),
        ("extraction", "Extract all names from this letter."),
        ("chat", "What should I cook tonight?"),
        ("chat", ""),
    ],
)
def test_a_few_words_tell_the_kind(kind: str, text: str):
    assert kind_of(request(text), 100) == kind


def test_the_form_of_a_request_says_more_than_its_words():
    text = "Write a Python function."
    assert kind_of(request(text, tools=(Tool(name="f"),)), 100_000) == "tools"
    assert kind_of(request(text, answer=AnswerForm()), 100) == "extraction"
    assert kind_of(request(text), 100_000) == "long"


@given(st.text())
def test_every_text_has_a_kind(text: str):
    assert kind_of(request(text), 10) in KINDS


def test_no_text_takes_long():
    began = time.perf_counter()
    for text in ("a" * 10**6, "1" * 10**6, "`" * 10**6, " " * 10**6, ");" * 10**5 + "\n" * 10**5):
        kind_of(request(text), 10)
    assert time.perf_counter() - began < 0.2
