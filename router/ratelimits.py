"""How limits stand, for a caller: the headers that clients of OpenAI know, and `GET /v1/farthing/key`."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from aiohttp import web

from policies.budgets.refusals import amount, told
from router.budget import BudgetScope, Standing, Unit
from router.dialects import DIALECTS
from router.errors import FarthingError
from router.http import Identify, answer, failed
from router.seams import Budgets
from router.types import Principal, Role


def limit_headers(standings: Sequence[Standing], now: datetime) -> dict[str, str]:
    """The tightest limit of requests, and the tightest of tokens."""
    headers: dict[str, str] = {}
    for unit in (Unit.REQUESTS, Unit.TOKENS):
        of_unit = [standing for standing in standings if standing.unit is unit]
        if of_unit:
            tightest = min(of_unit, key=lambda standing: (standing.remaining, standing.limit))
            headers[f"x-ratelimit-limit-{unit}"] = str(tightest.limit)
            headers[f"x-ratelimit-remaining-{unit}"] = str(tightest.remaining)
            if tightest.resets is not None:
                left = (tightest.resets - now).total_seconds()
                headers[f"x-ratelimit-reset-{unit}"] = go_duration(left)
    return headers


def go_duration(seconds: float) -> str:
    """Write a span as Go does: `12ms`, `1.5s`, `6m0s`, `720h0m0s`."""
    milliseconds = max(0, round(seconds * 1000))
    if milliseconds < 1000:
        return f"{milliseconds}ms" if milliseconds else "0s"
    minutes, rest = divmod(milliseconds, 60_000)
    text = f"{rest // 1000}" + (f".{rest % 1000:03d}".rstrip("0") if rest % 1000 else "") + "s"
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{text}"
    return f"{minutes}m{text}" if minutes else text


class OwnKey:
    """`GET /v1/farthing/key`: what the caller's key is for, and what is left of its budgets."""

    def __init__(self, budgets: Callable[[], Budgets]) -> None:
        self._budgets = budgets

    def add(self, app: web.Application, prefix: str, identify: Identify, /) -> None:
        async def own(http: web.Request) -> web.Response:
            try:
                who = identify(http)
                standings = await self._budgets().standing(who)
            except FarthingError as error:
                return failed(DIALECTS["chat"], error, {})
            return answer(shown(who, standings))

        app.router.add_get(f"{prefix}/farthing/key", own)


async def overview(budgets: Budgets, holders: Iterable[Principal]) -> list[dict[str, object]]:
    """Tell the dashboard of every limit that applies to one of `holders`, each once, the most used first.

    Raises `Unaccounted` if the budgets cannot be asked.
    """
    found: dict[tuple[object, ...], Standing] = {}
    for holder in holders:
        for one in await budgets.standing(holder):
            found[one.budget, one.scope, one.of, one.unit, one.per] = one
    rows: list[dict[str, object]] = [
        {
            "budget": one.budget,
            "of": one.of or str(one.scope),
            "limit": f"{amount(one.unit, one.limit)} per {one.per}",
            "spent": amount(one.unit, one.spent),
            "held": amount(one.unit, one.held),
            "used_share": (one.spent + one.held) / one.limit if one.limit else 1.0,
            "resets": one.resets.strftime("%Y-%m-%d %H:%M") if one.resets else None,
        }
        for one in found.values()
    ]
    return sorted(rows, key=lambda row: (-float(str(row["used_share"])), str(row["budget"]), str(row["of"])))


def _own(standing: Standing) -> bool:
    """What everybody together has spent is not for everybody."""
    return standing.scope is not BudgetScope.ALL


def shown(who: Principal, standings: Sequence[Standing]) -> Mapping[str, object]:
    """A key as its holder may see it."""
    scopes = who.scopes
    limited = {
        field: sorted(names)
        for field in ("models", "policies", "tags", "lanes", "dialects")
        if (names := getattr(scopes, field)) is not None
    }
    return {
        "object": "farthing.key",
        "name": who.key,
        "role": who.role,
        "team": who.team,
        "user": who.user,
        "tags": who.tags,
        "parents": who.parents,
        "scopes": limited,
        "limits": [told(standing) for standing in standings if who.role is Role.ADMIN or _own(standing)],
    }
