"""A process that works on lines says that it lives, whatever becomes of the store meanwhile."""

import asyncio

import pytest

from batch.jobs import Claim, Line
from batch.leases import Leases
from router.errors import StoreAway

CLAIM = Claim(batch="b", line=Line(number=1, custom_id="c", offset=0, length=1), tries=1, worker="w")


class Moody:
    """A store that does not take the first two of what it is told, and an heir for what it gives away."""

    def __init__(self, trouble):
        self.trouble, self.renewed, self.settled = [trouble, trouble], [], asyncio.Event()

    def renew(self, claims):
        if self.trouble:
            raise self.trouble.pop()
        self.renewed += claims

    def take_over(self, _heir, *, worker, silent):
        return [(CLAIM, ())]

    async def settle(self, _left):
        self.settled.set()


@pytest.mark.parametrize("trouble", [StoreAway(), ZeroDivisionError()])
async def test_it_goes_on_saying_so_once_the_store_listens_again(trouble):
    moody = Moody(trouble)
    leases = Leases(moody, moody, {"r": CLAIM}, worker="w", lease=0.003)

    async with asyncio.TaskGroup() as group, asyncio.timeout(60):
        keeping = group.create_task(leases.keep())
        await moody.settled.wait()
        keeping.cancel()

    assert moody.trouble == []
    assert moody.renewed[0] is CLAIM
