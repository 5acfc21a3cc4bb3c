"""What a call is booked at whose upstream says nothing, or nothing that can be believed."""

from dataclasses import replace

import pytest

from router.errors import Broken, Truncated, Unreachable
from router.estimating import Call, used
from router.types import Choice, Grade, Limits, Reply, ToolCall, Usage
from tests.support.world import features, model, request

WORDS = "The quick brown fox jumps over the lazy dog."


def count(text):
    return len(text.split())


def call(*, reply=None, error=None, body=(), prompt_tokens=10, max_output=None, **fields):
    asked = request(**fields)
    asked = replace(asked, body={**asked.body, **dict(body)})
    return Call(
        request=asked,
        features=features({"m": 0.9}, prompt_tokens=prompt_tokens),
        model=model("m", max_output=max_output),
        reply=reply,
        error=error,
    )


def said(text=WORDS, *, complete=True, usage=None, **fields):
    return Reply(choices=(Choice(text=text, **fields),), usage=usage, complete=complete)


def test_what_is_reported_and_can_be_is_taken():
    usage = Usage(input=12, output=9)
    assert used(call(reply=said(usage=usage)), count) is usage


def test_a_whole_answer_without_usage_is_counted_and_bounds_itself():
    found = used(call(reply=said()), count)
    assert (found.grade, found.input, found.output) == (Grade.ESTIMATED, 10, 9)
    assert len(WORDS) <= found.output_bound <= len(WORDS) + 8
    assert found.input_bound >= len(request().turns[0].text)


def test_a_cut_answer_is_bounded_by_what_was_allowed():
    allowed = call(reply=said(complete=False), limits=Limits(output_tokens=50, choices=2))
    assert used(allowed, count).output_bound == 100
    assert used(call(reply=said(complete=False), max_output=700), count).output_bound == 700
    window = used(call(reply=said(complete=False)), count).output_bound
    assert window == 100_000 - 10


def test_thoughts_and_calls_are_output_too():
    thinking = said("", extra={"reasoning_content": WORDS})
    assert used(call(reply=thinking), count).output == 9
    calling = said("", tool_calls=(ToolCall(name="look_up", arguments='{"city": "Rome"}'),))
    assert used(call(reply=calling), count).output_bound >= len('look_up{"city": "Rome"}')


def test_hidden_thoughts_are_not_bounded_by_what_is_shown():
    hidden = call(reply=said(), max_output=700, body={"reasoning": {"exclude": True}})
    assert used(hidden, count).output_bound == 700


@pytest.mark.parametrize(
    ("usage", "flaw"),
    [
        (Usage(input=10**6, output=9), "more input than was sent"),
        (Usage(input=10, output=10**6), "more output than was allowed"),
        (Usage(flaw="its parts exceed the whole"), "its parts exceed the whole"),
    ],
)
def test_a_report_that_cannot_be_of_this_call_is_replaced_and_flagged(usage, flaw):
    reply = said(usage=replace(usage, cost=7))
    found = used(call(reply=reply, limits=Limits(output_tokens=50)), count)
    assert (found.grade, found.flaw, found.cost) == (Grade.ESTIMATED, flaw, 7)
    assert (found.input, found.output) == (10, 9)


def test_a_prompt_the_provider_puts_in_front_is_believed():
    usage = Usage(input=3000, output=9)
    assert used(call(reply=said(usage=usage)), count) is usage


def test_an_upstream_that_ignores_the_limit_is_believed_if_it_wrote_as_much():
    long = WORDS * 100
    usage = Usage(input=10, output=1000)
    assert used(call(reply=said(long, usage=usage), limits=Limits(output_tokens=5)), count) is usage


def test_pictures_are_bounded_by_the_window_and_counted():
    body = {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:"}}]}]}
    seen = call(reply=said(), body=body)
    seen = replace(seen, features=replace(seen.features, images=1))
    found = used(seen, count)
    assert (found.input_bound, found.images) == (100_000, 1)


def test_an_upstream_that_refused_bills_nothing():
    assert used(call(error=Broken(status=500)), count) == Usage(input=0, output=0, grade=Grade.COMPUTED)


@pytest.mark.parametrize("error", [Truncated(), Unreachable(), None])
def test_one_that_fell_silent_may_bill_all_that_was_allowed(error):
    found = used(call(error=error, max_output=700), count)
    assert (found.grade, found.input, found.output, found.output_bound) == (Grade.ESTIMATED, 0, 0, 700)
    assert found.input_bound > 0


def test_zeros_are_not_believed_of_an_answer_that_says_something():
    nothing = Usage(input=0, output=0)
    assert used(call(reply=said(usage=nothing)), count).flaw == "no input for a prompt"
    assert used(call(reply=said(usage=replace(nothing, input=5))), count).flaw == "no output for an answer"
    assert used(call(reply=said("", usage=replace(nothing, input=5))), count).flaw is None
