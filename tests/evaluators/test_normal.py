"""What answers come to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluators.normal import normal_form


@pytest.mark.parametrize(
    ("texts", "form"),
    [
        (
            [
                "The answer is (B).",
                "B",
                "**B**",
                "Answer: B",
                "B) Paris",
                '{"answer": "B"}',
                "So, \\boxed{B}",
            ],
            "B",
        ),
        (["1,234", "$1234.00", "It comes to ... The final answer is 1234.", '{"answer": 1234.0}'], "1234"),
        (["-0.5", "answer: -0.50", "\\boxed{-0.5}"], "-0.5"),
        (["Paris.", "paris", "The answer is Paris."], "paris"),
        (['{"b": 2.0, "a": [1]}', '```json\n{"a": [1], "b": 2}\n```'], '{"a": ["1"], "b": "2"}'),
    ],
)
def test_answers_that_say_the_same_have_one_form(texts, form):
    assert [normal_form(text) for text in texts] == [form] * len(texts)


@pytest.mark.parametrize("text", ["", "  ", "Once upon a time there was a fox. " * 20])
def test_an_answer_without_a_point_has_none(text):
    assert normal_form(text) is None


@given(st.text(max_size=300))
def test_any_text_has_a_form_or_none(text):
    form = normal_form(text)
    assert form is None or form
