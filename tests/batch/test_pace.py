"""How many calls a model is given at once, found by trying; time is simulated."""

import asyncio
import heapq

import pytest

from batch.gate import Gate, Terms
from batch.load import EngineLoad
from batch.lookout import LOOK_EVERY, SELDOM
from batch.pace import Pace
from router.errors import RateLimited, Unreachable
from tests.support.world import FakeClock


async def hold(pace: Pace, release: asyncio.Event, entered: list[int], number: int) -> None:
    async with pace.turn():
        entered.append(number)
        await release.wait()


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_no_more_are_let_in_than_there_are_places():
    pace, release, entered = Pace(FakeClock(), first=2), asyncio.Event(), []
    async with asyncio.TaskGroup() as group:
        for number in range(5):
            group.create_task(hold(pace, release, entered, number))
        await settled()
        assert (entered, pace.busy, pace.free) == ([0, 1], 2, 0)
        release.set()
    assert entered == [0, 1, 2, 3, 4]
    assert pace.busy == 0


async def test_one_that_gives_up_waiting_takes_no_place():
    pace, release, entered = Pace(FakeClock(), first=1), asyncio.Event(), []
    async with asyncio.TaskGroup() as group:
        group.create_task(hold(pace, release, entered, 0))
        await settled()
        impatient = group.create_task(hold(pace, release, entered, 1))
        await settled()
        impatient.cancel()
        await settled()
        group.create_task(hold(pace, release, entered, 2))
        release.set()
    assert entered == [0, 2]


async def test_a_closed_gate_lets_nobody_in_until_it_opens():
    opened = [False]
    gate = Gate(Terms(), FakeClock(), ready=lambda: opened[0])
    pace, release, entered = Pace(FakeClock(), gate=gate), asyncio.Event(), []
    release.set()
    async with asyncio.TaskGroup() as group:
        group.create_task(hold(pace, release, entered, 0))
        await settled()
        assert entered == []
        opened[0] = True
        pace.wake()
    assert entered == [0]


async def test_a_call_that_is_turned_away_narrows_it():
    pace = Pace(FakeClock(), first=10)

    async with pace.turn() as turn:
        turn.failed(RateLimited())

    assert pace.width == 7


async def test_a_call_that_fails_at_once_is_not_taken_for_a_fast_one():
    clock = FakeClock()
    pace = Pace(clock, first=4)

    for _ in range(200):
        async with pace.turn() as turn:
            clock.at += 0.001
            turn.failed(Unreachable())

    assert pace.width == 4


class Engine:
    """Answers `knee` calls at once as fast as one, and more only more slowly; time is its own."""

    def __init__(self, clock: FakeClock, knee: int) -> None:
        self.clock, self.knee, self.busy = clock, knee, 0
        self.due: list[tuple[float, int, asyncio.Future[None]]] = []

    async def answer(self, number: int) -> None:
        self.busy += 1
        done = asyncio.get_running_loop().create_future()
        heapq.heappush(self.due, (self.clock.at + max(1.0, self.busy / self.knee), number, done))
        await done
        self.busy -= 1

    def step(self) -> None:
        at, _, done = heapq.heappop(self.due)
        self.clock.at = max(self.clock.at, at)
        done.set_result(None)


@pytest.mark.parametrize("knee", [4, 16, 64])
async def test_the_width_comes_to_lie_near_the_knee_of_an_engine(knee):
    clock = FakeClock()
    pace, engine = Pace(clock), Engine(clock, knee)

    async def call(number: int) -> None:
        async with pace.turn():
            await engine.answer(number)

    async with asyncio.TaskGroup() as group:
        for number in range(3000):
            group.create_task(call(number))
        await settled()
        widths = []
        while engine.due:
            engine.step()
            await settled()
            widths.append(pace.width)

    late = sorted(widths[-1000:])[500]
    assert knee * 0.7 <= late <= max(24, knee * 2)
    assert clock.at < 1.25 * 3000 / knee


class Slots:
    """An engine that runs `slots` calls at once, each for a second, and says so when it is looked at."""

    def __init__(self, clock: FakeClock, gate: Gate, slots: int) -> None:
        self.clock, self.gate, self.slots = clock, gate, slots
        self.running: list[tuple[float, int, asyncio.Future[None]]] = []
        self.waiting: list[asyncio.Future[None]] = []
        self.ended = self.begun = 0

    async def answer(self) -> None:
        done = asyncio.get_running_loop().create_future()
        self.waiting.append(done)
        self.gate.begun()
        self._fill()
        await done
        self.gate.over()

    def _fill(self) -> None:
        while self.waiting and len(self.running) < self.slots:
            self.begun += 1
            heapq.heappush(self.running, (self.clock.at + 1.0, self.begun, self.waiting.pop(0)))

    def step(self, until: float) -> None:
        """End the calls that end first, all at once; or let time pass until the next look."""
        self.clock.at = min(until, self.running[0][0]) if self.running else until
        while self.running and self.running[0][0] <= self.clock.at:
            heapq.heappop(self.running)[2].set_result(None)
            self.ended += 1
        self._fill()

    def look(self) -> None:
        self.gate.looking()
        self.gate.saw(EngineLoad(running=len(self.running), waiting=len(self.waiting), ended=self.ended))


@pytest.mark.parametrize("slots", [8, 64, 100])
async def test_an_engine_that_says_what_it_runs_is_full_from_beginning_to_end(slots):
    clock, lines = FakeClock(), 32 * slots
    gate = Gate(Terms(), clock)
    pace, engine, begin = Pace(clock, gate=gate), Slots(clock, gate, slots), clock.at

    async def call() -> None:
        async with pace.turn():
            await engine.answer()

    engine.look()
    async with asyncio.TaskGroup() as group:
        for _ in range(lines):
            group.create_task(call())
        await settled()
        look = clock.at + LOOK_EVERY
        while engine.ended < lines:
            engine.step(look)
            if clock.at >= look:
                engine.look()
                pace.wake()
                look += SELDOM if gate.fed else LOOK_EVERY
            await settled()

    assert lines / slots / (clock.at - begin) >= 0.95
