"""`POST /v1/farthing/outcomes`: what came of an answer, told by those who used it."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

import orjson
from aiohttp import web

from router.dialects import DIALECTS
from router.errors import BadRequest, FarthingError, UnknownObject
from router.http import Identify, answer, failed
from router.ids import ANSWER_ID, Ids, shown_id
from router.records import UserOutcome
from router.seams import Clock
from router.types import Outcome

VERDICTS: Mapping[str, str] = MappingProxyType(
    {"accepted": "pass", "regenerated": "fail", "test_failed": "fail", "test_passed": "pass"}
)
"""What callers may say, and what it means for the answer."""

MOST_AT_ONCE = 1000
LONGEST_ID = 200


class Recent:
    """The requests answered lately, by the id their callers know; in this process, and bounded."""

    def __init__(self, most: int = 20_000) -> None:
        self._most = most
        self._ids: OrderedDict[tuple[str | None, str], str] = OrderedDict()

    def follow(self, outcome: Outcome, /) -> None:
        request = outcome.request
        known = request.principal.key, shown_id(request.id)
        if known[1] != request.id:
            self._ids[known] = request.id
            self._ids.move_to_end(known)
            while len(self._ids) > self._most:
                self._ids.popitem(last=False)

    def full(self, shown: str, key: str | None) -> str | None:
        """The whole id of the latest request that this key sent with that id."""
        return self._ids.get((key, shown))


class OutcomeRoutes:
    """Takes outcomes of a caller's own requests, and hands them to `write`."""

    def __init__(
        self, ids: Ids, recent: Recent, clock: Clock, write: Callable[[Iterable[UserOutcome]], None]
    ) -> None:
        self._ids, self._recent, self._clock, self._write = ids, recent, clock, write

    def add(self, app: web.Application, prefix: str, identify: Identify, /) -> None:
        async def outcomes(http: web.Request) -> web.Response:
            try:
                key = identify(http).key
                told = [self._outcome(row, at, key) for at, row in enumerate(_rows(await http.read()))]
            except FarthingError as error:
                return failed(DIALECTS["chat"], error, {})
            self._write(told)
            return answer({"object": "farthing.outcomes", "recorded": len(told)})

        app.router.add_post(f"{prefix}/farthing/outcomes", outcomes)

    def _outcome(self, row: object, at: int, key: str | None) -> UserOutcome:
        where = f"outcomes[{at}]"
        if not isinstance(row, dict):
            raise BadRequest(f"`{where}` must be an object.", param=where)
        unknown = row.keys() - {"request_id", "outcome", "score"}
        if unknown:
            raise BadRequest(f"`{where}` has an unknown field `{min(unknown)[:50]}`.", param=where)
        verdict, score = row.get("outcome"), row.get("score")
        if verdict is not None and verdict not in VERDICTS:
            raise BadRequest(f"`{where}.outcome` is one of {', '.join(VERDICTS)}.", param=f"{where}.outcome")
        if score is not None and not (_is_number(score) and 0 <= score <= 1):
            raise BadRequest(f"`{where}.score` must be a number from 0 to 1.", param=f"{where}.score")
        if verdict is None and score is None:
            raise BadRequest(f"`{where}` says neither `outcome` nor `score`.", param=where)
        return UserOutcome(
            time=self._clock.now(),
            request_id=self._request(row.get("request_id"), where, key),
            source=verdict or "score",
            verdict=VERDICTS[verdict] if verdict else None,
            score=float(score) if score is not None else None,
            key=key,
        )

    def _request(self, told: object, where: str, key: str | None) -> str:
        if not isinstance(told, str) or not 0 < len(told) <= LONGEST_ID:
            raise BadRequest(
                f"`{where}.request_id` must be the id of a request.", param=f"{where}.request_id"
            )
        bare = ANSWER_ID.sub("", told, count=1) if ANSWER_ID.match(told) else told
        for candidate in (bare, told):
            if self._ids.ours(candidate, key):
                return candidate
            if (full := self._recent.full(candidate, key)) is not None:
                return full
        raise UnknownObject(
            f"No request of this key has the id {told!r}. An id of your own is known for a while, and to the "
            "worker that answered; the `id` of the answer is known to all, for ever.",
            param=f"{where}.request_id",
            code="request_not_found",
        )


def _rows(body: bytes) -> list[Any]:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"The body is not valid JSON: {error}.") from None
    if isinstance(value, dict) and "outcomes" in value:
        value = value["outcomes"]
    rows = value if isinstance(value, list) else [value]
    if not 0 < len(rows) <= MOST_AT_ONCE:
        raise BadRequest(f"From 1 to {MOST_AT_ONCE} outcomes are taken at once.", param="outcomes")
    return rows


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
