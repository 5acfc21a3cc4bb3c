"""Asking again, differently: always in a copy."""

from router.dialects.amend import MOST_OF_A_DRAFT, amended
from router.types import AS_SENT, Amendment, Choice, Reply, Rescue, Thinking, ToolCall
from tests.support.world import model, request

ASKED = request(body={"messages": [{"role": "user", "content": "hi"}], "seed": 7, "temperature": 0.2})
PLAIN = model("m")


def test_what_is_not_amended_is_sent_as_it_came():
    assert amended(ASKED, PLAIN, AS_SENT) is ASKED


def test_a_resample_drops_the_seed_that_would_give_the_same_again():
    again = amended(ASKED, PLAIN, Amendment(rescue=Rescue.RESAMPLE))
    assert (again.body, again.variant) == (
        {"messages": [{"role": "user", "content": "hi"}], "temperature": 0.2},
        "resample",
    )
    assert ASKED.body["seed"] == 7


def test_a_repair_shows_the_draft_and_says_what_is_wrong_with_it():
    draft = Reply(choices=(Choice(text="{oops"),))
    again = amended(ASKED, PLAIN, Amendment(rescue=Rescue.REPAIR, draft=draft, complaint="invalid JSON"))
    assert [(m["role"], m["content"][:30]) for m in again.body["messages"][1:]] == [
        ("assistant", "{oops"),
        ("user", "Your last answer cannot be use"),
    ]
    assert "invalid JSON" in again.turns[-1].text
    assert len(ASKED.body["messages"]) == 1


def test_a_broken_call_is_shown_as_text_and_a_long_draft_in_part():
    call = Reply(choices=(Choice(tool_calls=(ToolCall(name="run", arguments='{"x'),)),))
    shown = amended(ASKED, PLAIN, Amendment(rescue=Rescue.REPAIR, draft=call)).turns[-2].text
    assert shown == '[{"name":"run","arguments":"{\\"x"}]'
    long = Reply(choices=(Choice(text="x" * 10**6),))
    shown = amended(ASKED, PLAIN, Amendment(rescue=Rescue.REPAIR, draft=long)).turns[-2].text
    assert len(shown) == MOST_OF_A_DRAFT


def test_a_model_is_told_to_think_by_the_field_it_takes():
    think = Amendment(rescue=Rescue.THINK)
    assert amended(ASKED, model("m", thinking=Thinking.EFFORT), think).body["reasoning_effort"] == "high"
    body = amended(ASKED, model("m", thinking=Thinking.TEMPLATE), think).body
    assert body["chat_template_kwargs"] == {"enable_thinking": True}


def test_log_probabilities_are_asked_for():
    assert amended(ASKED, PLAIN, Amendment(logprobs=True)).body["logprobs"] is True
