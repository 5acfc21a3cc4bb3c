"""Did the template leak?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaluators.leak import HINTS, LONGEST, TAGS, Leak
from tests.evaluators.checking import passes, seen


@pytest.mark.parametrize(
    "text",
    [
        "<think>First, the user wants",
        "So it is 4.</think> 4",
        "Four.<|im_end|>\n<|im_start|>user",
        "<|channel|>analysis<|message|>We need",
        "[/INST] Sure!",
        "Yes.</s>",
        "Yes.<end_of_turn>",
        '<tool_call>{"name": "f"}</tool_call>',
        "<\uff5cend\u2581of\u2581sentence\uff5c>",
        "Done.\n### Instruction: now",
    ],
)
async def test_tags_of_templates_fail(text):
    assert not await passes(Leak(), text)


@pytest.mark.parametrize(
    "text",
    [
        "I think so. a <b> c || d <| e",
        "Write `<think>` around it.",
        "```xml\n<think>a</think>\n```",
        "### Instructions for use\nFirst, unpack it.",
        "cout << x >> y; a[INSTANCE]",
    ],
)
async def test_what_only_looks_like_one_passes(text):
    assert await passes(Leak(), text)


async def test_a_tag_that_the_user_speaks_of_passes():
    assert await passes(Leak(), "The tag <|im_start|> begins a turn.", to="What is <|im_start|> for?")


async def test_reasoning_may_be_welcome_and_templates_still_are_not():
    assert await passes(Leak(thinking=True), "<think>Hm.</think> 4")
    assert not await passes(Leak(thinking=True), "4<|eot_id|>")


def test_a_tag_is_seen_as_soon_as_it_is_whole():
    assert seen(Leak(), "Four.<|im", "_e", "nd|>", "more") == 3


@given(st.from_regex(TAGS))
def test_whatever_the_tags_match_has_a_hint_and_is_not_longer_than_thought(text):
    found = TAGS.search(text)[0]
    assert any(hint in found for hint in HINTS)
    assert len(found) <= LONGEST
