"""How much is claimed, and what is passed over while its engine is away."""

import pytest

from batch.claiming import AHEAD, MOST, Claiming, Meal
from batch.jobs import Claim, Line


class World:
    """Claims by what their lines ask for; `places` calls may be made at once."""

    def __init__(self, places: int = 0, late: bool = False) -> None:
        self.claims: dict[str, Claim] = {}
        self.claiming = Claiming(self.claims, lambda: places, lambda: late)

    def claim(self, model: str, count: int, *, sent: bool = False) -> None:
        for number in range(len(self.claims), len(self.claims) + count):
            line = Line(number=number, custom_id=None, offset=0, length=0, model=model)
            self.claims[f"r{number}"] = Claim(batch="b", line=line, tries=1, worker="w")
            if sent:
                self.claiming.sent(f"r{number}")


def test_what_is_claimed_is_twice_what_has_a_place():
    world = World(places=40)
    world.claim("there", 30, sent=True)
    world.claim("there", 10)

    assert world.claiming.meal() == Meal(40)


def test_lines_whose_engine_is_away_leave_room_for_all_others():
    world = World(places=40)
    world.claim("away", 40)

    assert world.claiming.meal() == Meal(80, ("away",))

    world.claim("there", 40, sent=True)
    world.claim("there", 40)
    assert world.claiming.meal() == Meal(0, ("away",))


def test_where_nothing_has_a_place_yet_a_few_of_each_model_wait():
    world = World()
    world.claim("away", 2 * AHEAD)

    assert world.claiming.meal() == Meal(2 * AHEAD, ("away",))


def test_a_model_that_gets_on_is_never_passed_over():
    world = World(places=1)
    world.claim("slow", 500)
    world.claim("slow", 1, sent=True)

    assert world.claiming.meal().but == ()


def test_one_whose_last_line_has_ended_waits_in_vain_again():
    world = World(places=1)
    world.claim("slow", 1, sent=True)
    world.claim("slow", 50)
    assert world.claiming.meal().but == ()

    del world.claims["r0"]

    assert world.claiming.meal().but == ("slow",)


def test_a_late_engine_takes_no_room_from_lines_that_may_go_elsewhere():
    assert World(places=40, late=True).claiming.meal() == Meal(80 + 2 * AHEAD)


@pytest.mark.parametrize("models", [1, 40])
def test_however_many_are_away_no_more_are_claimed_than_memory_is_to_hold(models):
    world = World(places=40)
    for model in range(models):
        world.claim(f"away-{model}", 1000 // models)

    assert world.claiming.meal().limit <= MOST - len(world.claims)
