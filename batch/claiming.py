"""How many lines are claimed at a time, and which of them are passed over for now.

Lines are claimed in their order, and a line is decided on only then.
So those for an engine that is away would be claimed, and wait, until there is room for no others.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from batch.jobs import Claim

AHEAD = 16
"""Lines claimed beyond those that have a place, so that a place that comes free is not left empty."""

MOST = 1024
"""Lines that are claimed at once, at most: each holds what waits for it in memory."""


@dataclass(frozen=True, slots=True)
class Meal:
    """What may be claimed now: so many lines, none of which asks for one of `but`."""

    limit: int
    but: Collection[str] = ()


class Claiming:
    """Says what may be claimed beside `claims`, which are under way, by request id.

    `places` says how many calls there may be at once, `late` whether a batch has lines for elsewhere.
    """

    def __init__(
        self, claims: Mapping[str, Claim], places: Callable[[], int], late: Callable[[], bool]
    ) -> None:
        self._claims, self._places, self._late = claims, places, late
        self._sent: set[str] = set()

    def sent(self, request_id: str) -> None:
        """Note that a call is sent for a line: it waits no longer."""
        self._sent.add(request_id)

    def meal(self) -> Meal:
        places = self._places()
        # Those that wait for a late engine take no room from those that may go elsewhere.
        more = 2 * AHEAD if self._late() else 0
        waiting = self._in_vain(max(places, 2 * AHEAD) + more)
        busy = len(self._claims) - sum(waiting.values())
        room = max(2 * places, 2 * AHEAD) + more
        return Meal(min(room - busy, MOST - len(self._claims)), tuple(waiting))

    def _in_vain(self, enough: int) -> Mapping[str, int]:
        """What lines ask for of which none is at its model and `enough` wait, with how many those are."""
        self._sent &= self._claims.keys()
        waits, goes = Counter[str](), set[str]()
        for request_id, claim in self._claims.items():
            if request_id in self._sent:
                goes.add(claim.line.model)
            else:
                waits[claim.line.model] += 1
        return {word: count for word, count in waits.items() if count >= enough and word not in goes}
