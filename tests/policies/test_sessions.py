"""What is remembered of conversations: the latch, the cache that is kept, what is certain of an answer."""

from dataclasses import replace as but

from policies.sessions import Sessions
from policies.standing import latched
from router.types import (
    Attempt,
    Charge,
    Choice,
    Decision,
    Grade,
    Outcome,
    Prices,
    Reply,
    Signals,
    Status,
    ToolCall,
    Turn,
    Usage,
)
from tests.support.world import FakeClock, features, model, request

CACHING = Prices(input=100, output=100, cached_input=10)
WEAK, STRONG = model("weak", prices=CACHING), model("strong", price=9)
CHANCES = features({"weak": 0.5, "strong": 0.9}, prompt_tokens=1000)


def asked(turns=1, **signals):
    said = tuple(Turn(role="user", text="do it") for _ in range(turns))
    return but(request(), turns=said, signals=Signals(conversation="c", **signals))


def came_of(request, model, *, cached=None, calls=()):
    choice = Choice(tool_calls=tuple(ToolCall(id=call) for call in calls))
    attempt = Attempt(
        number=1,
        decision=Decision(model=model, reason="r"),
        status=Status.ACCEPTED,
        started=FakeClock().now(),
        duration_ms=1,
        reply=Reply(choices=(choice,)),
        usage=Usage(input=1000, output=5, cached=cached),
        charge=Charge(amount=1, bound=1, grade=Grade.COMPUTED),
    )
    return Outcome(request=request, features=CHANCES, policy="p", config="c", refused={}, attempts=(attempt,))


def test_trouble_latches_a_conversation_to_stronger_models_for_a_while():
    clock = FakeClock()
    sessions = Sessions(clock)
    sessions.follow(came_of(asked(), WEAK))
    assert "above:weak" not in sessions.moment(asked(3), CHANCES, 15)
    told = sessions.moment(asked(3, failed_tools=2), CHANCES, 15)
    assert told["above:weak"] == 900
    assert list(latched(but(CHANCES, moment=told), [WEAK, STRONG])) == ["weak"]
    sessions.follow(came_of(asked(3), STRONG))
    clock.at = 600
    assert sessions.moment(asked(5), CHANCES, 15)["above:weak"] == 300
    clock.at = 901
    assert sessions.moment(asked(7), CHANCES, 15) == {}


def test_a_stronger_model_is_given_a_few_turns_before_a_still_stronger_one_is_called_for():
    sessions = Sessions(FakeClock())
    sessions.follow(came_of(asked(), WEAK))
    for turn in (3, 5):
        assert "above:weak" in sessions.moment(asked(turn, repeated_calls=2), CHANCES, 15)
        sessions.follow(came_of(asked(turn), STRONG))
    assert "above:strong" in sessions.moment(asked(7, repeated_calls=2), CHANCES, 15)


def test_the_strongest_stays_if_it_is_itself_in_trouble():
    assert list(latched(but(CHANCES, moment={"above:strong": 60.0}), [WEAK, STRONG])) == ["weak"]


def test_a_policy_can_do_without_the_latch():
    sessions = Sessions(FakeClock())
    sessions.follow(came_of(asked(), WEAK))
    assert "above:weak" not in sessions.moment(asked(3, failed_tools=2), CHANCES, 0)


def test_staying_with_a_model_keeps_its_prompt_cache_while_it_is_warm():
    clock = FakeClock()
    sessions = Sessions(clock)
    sessions.follow(came_of(asked(), WEAK))
    assert sessions.moment(asked(3), CHANCES, 15) == {"kept:weak": 1000 * 90.0}
    assert sessions.moment(asked(1), CHANCES, 15) == {}, "a new beginning, not a next turn"
    clock.at = 301
    assert sessions.moment(asked(3), CHANCES, 15) == {}


def test_a_model_that_said_it_caches_nothing_keeps_nothing():
    sessions = Sessions(FakeClock())
    sessions.follow(came_of(asked(), WEAK))
    sessions.follow(came_of(asked(3), WEAK, cached=0))
    assert sessions.moment(asked(5), CHANCES, 15) == {}


def test_what_is_certain_of_an_earlier_answer_is_told():
    told = []
    sessions = Sessions(FakeClock(), told.append)
    sessions.follow(came_of(but(asked(), id="first"), WEAK, calls=["call-1"]))
    sessions.follow(came_of(but(asked(3, refused_calls=("call-1",)), id="second"), WEAK))
    sessions.follow(came_of(but(asked(5, asked_again=True), id="third"), WEAK))
    assert [(o.request_id, o.source, o.verdict) for o in told] == [
        ("first", "tool_refused", "fail"),
        ("second", "asked_again", "fail"),
    ]


def test_a_call_of_somebody_elses_says_nothing_of_our_answer():
    told = []
    sessions = Sessions(FakeClock(), told.append)
    sessions.follow(came_of(asked(), WEAK, calls=["call-1"]))
    sessions.follow(came_of(asked(3, refused_calls=("call-2",)), WEAK))
    assert told == []


def test_it_remembers_only_so_many_conversations_and_only_so_long():
    clock = FakeClock()
    sessions = Sessions(clock, most=2)
    for name in "abc":
        sessions.follow(came_of(but(asked(), signals=Signals(conversation=name)), WEAK))

    def known(name):
        return bool(sessions.moment(but(asked(3), signals=Signals(conversation=name)), CHANCES, 15))

    assert [known(name) for name in "abc"] == [False, True, True]
    clock.at = 3601
    assert not known("c")
