"""The conversation is what is classified, not its last message alone."""

from policies.cheapest_adequate import CheapestAdequate
from policies.language import PolicySpec
from router.difficulty import load
from router.types import Features, Turn
from tests.support.world import model, request

MODELS = [
    model("tiny", price=1, params_b=0.6),
    model("middle", price=8, params_b=8),
    model("large", price=60, params_b=235),
]
HARD = (
    "Our transaction coordinator deadlocks when two participants vote abort. Prove that the lock-free "
    "queue below is linearizable, find the ABA problem in it, and mend it without losing wait-freedom. "
) * 6


def test_a_short_turn_in_a_hard_session_does_not_go_to_the_smallest_model():
    turns = (
        Turn(role="system", text="You are a coding agent."),
        Turn(role="user", text=HARD),
        Turn(
            role="assistant",
            text="The epoch-based reclamation goes wrong where the tail is read twice. " * 20,
        ),
        Turn(role="user", text="commit it"),
    )
    predictor = load()
    known = Features(prompt_tokens=900, predictions=predictor.predict(predictor.describe(turns), MODELS))
    first = next(CheapestAdequate(PolicySpec())(request(), known, MODELS))
    assert first.model.name != "tiny"
