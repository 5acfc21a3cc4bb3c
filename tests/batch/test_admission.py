"""A call waits for its model's turn, and is noted before it is sent."""

import asyncio

import pytest

from batch.admission import Admitted, Paces
from batch.pace import Pace
from router.errors import Unsent
from tests.support.world import FakeClock, Script, items_of, model, request

SMALL = model("small")


def admitted(noted, *, first=1):
    upstream = Script({"small": [["x"]]})
    clock = FakeClock()

    async def sent(request_id, name):
        noted.append((request_id, name))

    paces = Paces(lambda _: Pace(clock, first=first))
    return Admitted(upstream, paces, sent), upstream, paces


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
