"""A call waits for its model's turn, and is noted before it is sent."""

import asyncio

import pytest

from batch.admission import Admitted, Paces
from batch.gate import Gate, Terms
from router.errors import Unsent
from tests.support.world import FakeClock, Script, items_of, model, request

SMALL = model("small")


def admitted(noted, *, first=1, gates=None):
    upstream = Script({"small": [["x"]]})
    clock = FakeClock()

    async def sent(request_id, name):
        noted.append((request_id, name))

    paces = Paces(gates or {}, clock, first=first)
    return Admitted(upstream, paces, sent, (gates or {}).get("fake")), upstream, paces


async def test_a_call_is_noted_before_it_is_sent():
    noted = []
    door, upstream, _ = admitted(noted)

    await items_of(door.send(request(), SMALL))

    assert (noted, upstream.sent) == ([("r1", "small")], ["small"])


async def test_one_that_is_cancelled_before_its_turn_says_that_nothing_was_sent():
    noted = []
    door, upstream, paces = admitted(noted)

    async with paces.of(SMALL).turn():
        waiting = asyncio.ensure_future(items_of(door.send(request(), SMALL)))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(Unsent):
            await waiting

    assert (noted, upstream.sent) == ([], [])
    assert paces.of(SMALL).busy == 0


@pytest.mark.parametrize(("goes_by_priority", "sent"), [(True, 10), (False, None)])
async def test_an_engine_that_goes_by_priority_is_told_that_others_go_first(goes_by_priority, sent):
    gate = Gate(Terms(priority=goes_by_priority), FakeClock())
    door, upstream, _ = admitted([], gates={"fake": gate})

    await items_of(door.send(request(), SMALL))

    assert upstream.requests[0].body.get("priority") == sent
    assert (gate.busy, gate.ended) == (0, 1)


async def test_models_of_one_engine_share_its_room():
    paces = Paces({"fake": Gate(Terms(), FakeClock())}, FakeClock())

    assert paces.of(SMALL) is paces.of(model("large"))
    assert paces.of(SMALL) is not Paces({}, FakeClock()).of(SMALL)
