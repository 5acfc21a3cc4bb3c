"""Did the model decline?"""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluators.refusal import HINTS, PHRASES, Refusal
from router.types import Choice, Delta, Reply
from tests.support.world import request


async def judged(text, **choice):
    return await Refusal().judge(request(), Reply(choices=(Choice(text=text, **choice),)), None)


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help with that.",
        "I\u2019m sorry, I cannot assist with this request.",
        "I cannot provide instructions for that.",
        "As an AI language model, I cannot browse.",
        "Es tut mir leid, aber ich kann dabei nicht helfen.",
        "Je suis d\u00e9sol\u00e9, mais je ne peux pas vous aider.",
        "Lo siento, pero no puedo ayudar con eso.",
        "Mi dispiace, ma non posso farlo.",
        "Desculpe, mas n\u00e3o posso ajudar.",
        "Het spijt me, maar ik kan dat niet.",
        "Извините, но я не могу помочь.",
        "\u62b1\u6b49\uff0c\u6211\u65e0\u6cd5\u56de\u7b54\u3002",
    ],
)
async def test_set_phrases_are_known_in_many_languages(text):
    assert not (await judged(text)).passed


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry to hear that you are ill. Rest and drink a lot.",
        "The function cannot assist in memory, since it returns early.",
        "Sure! Here is the poem.",
        "Ich kann das erkl\u00e4ren: es regnet.",
        "You can say: 'Thank you, but no.'",
    ],
)
async def test_ordinary_answers_pass(text):
    assert (await judged(text)).passed


async def test_a_refusal_said_as_such_or_a_filter_fails():
    assert not (await judged("", refusal="no")).passed
    assert not (await judged("half", finish_reason="content_filter")).passed


def test_a_refusal_is_known_as_soon_as_it_is_said():
    watch = Refusal().watch(request())
    assert watch.feed((Delta(text="I'm sorry, but "),)) is None
    verdict = watch.feed((Delta(text="I can"), Delta(text="'t help with that.")))
    assert (verdict.check, verdict.passed) == ("refusal", False)


@given(st.from_regex(PHRASES))
def test_whatever_the_phrases_match_has_a_hint(text):
    assert any(hint in PHRASES.search(text)[0].lower() for hint in HINTS)


async def test_a_megabyte_takes_no_time():
    began = time.perf_counter()
    await judged("i am sorry " * 100_000)
    assert time.perf_counter() - began < 0.1
