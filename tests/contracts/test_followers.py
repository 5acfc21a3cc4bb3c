"""What every `Follower` keeps to: it takes any outcome, and changes nothing of it."""

from dataclasses import replace

import pytest

from policies.sessions import Sessions
from router.audit import Auditor, Terms
from router.background import Background
from router.outcomes import Recent
from router.seams import Follower
from router.types import (
    Attempt,
    Charge,
    Choice,
    Decision,
    Grade,
    Outcome,
    Purpose,
    Reply,
    Signals,
    Status,
    Usage,
)
from tests.support.world import FakeClock, features, model, request


async def nobody(_outcome, _auditors):
    return None


def auditor():
    terms = {"p": Terms(share=1.0, model="other", auditors=())}
    return Auditor(terms, nobody, Background(), clock=FakeClock(), draw=lambda: 0.0)


FOLLOWERS = {"sessions": lambda: Sessions(FakeClock()), "recent": Recent, "auditor": auditor}

ATTEMPT = Attempt(
    number=1,
    decision=Decision(model=model("m"), reason="r"),
    status=Status.ACCEPTED,
    started=FakeClock().now(),
    duration_ms=1,
    usage=Usage(),
    charge=Charge(amount=None, bound=None, grade=Grade.UNPRICED),
)
ANSWERED = replace(ATTEMPT, reply=Reply(choices=(Choice(text="x"),)))
ATTEMPTS = {
    "none": (),
    "accepted": (ANSWERED,),
    "accepted without a reply": (ATTEMPT,),
    "failed": (replace(ATTEMPT, status=Status.FAILED),),
    "cancelled": (replace(ANSWERED, status=Status.CANCELLED, committed=True),),
    "rejected": (replace(ANSWERED, status=Status.REJECTED),),
    "a check's": (replace(ANSWERED, purpose=Purpose.CHECK), replace(ANSWERED, number=2)),
}


@pytest.mark.parametrize("attempts", ATTEMPTS.values(), ids=ATTEMPTS)
@pytest.mark.parametrize("name", FOLLOWERS)
@pytest.mark.parametrize("conversation", ["", "c"])
async def test_it_takes_any_outcome(name, attempts, conversation):
    follower: Follower = FOLLOWERS[name]()
    asked = replace(request(), signals=Signals(conversation=conversation))
    outcome = Outcome(
        request=asked, features=features({"m": 0.5}), policy="p", config="c", refused={}, attempts=attempts
    )
    for _ in range(2):
        assert follower.follow(outcome) is None
