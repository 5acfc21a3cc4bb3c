"""The HTTP server: parse, run, answer. What is decided is decided elsewhere."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Protocol, cast

from aiohttp import web
from aiohttp.typedefs import Handler

from router.answers import StreamedAnswer, headers_of
from router.dialects import DIALECTS
from router.door import Guard, auditor_of, keep_within_scopes, may_see, principal_of
from router.errors import BadRequest, FarthingError, TooLarge, UnknownModel
from router.http import Routes, answer, failed
from router.ids import Ids, shown_id
from router.keys import Ring
from router.pipeline import Pipeline
from router.ratelimits import OwnKey, limit_headers
from router.seams import Clock, Dialect, Policy, Purse, Renderer
from router.tiers import TierDown, run_within
from router.types import DOLLAR, Lane, Limits, Outcome, Principal, Request

log = logging.getLogger("farthing.server")


class House(Protocol):
    """What is in force at a moment; a reload replaces it whole, and a request keeps the one it began with."""

    pipeline: Pipeline
    keepalive: float
    tiers: Mapping[str, TierDown]
    """What is asked in the place of a policy, by its name, when a budget runs out."""

    @property
    def ring(self) -> Ring | None:
        """The keys there are; `None`: no keys are asked for."""
        ...

    def policy(self, asked: str, /) -> Policy: ...

    def labels(self, request: Request, headers: Mapping[str, str], /) -> Mapping[str, str]: ...

    def rules(self, who: Principal, /) -> Mapping[str, object]: ...

    def listing(self) -> Sequence[Mapping[str, object]]: ...


class Deferral(Protocol):
    """Takes requests that are to be answered later; tells by which id to ask for them."""

    async def defer(self, request: Request, dialect: Dialect, /) -> Mapping[str, object]: ...


class Service:
    """The handlers, over whatever house is in force; `routes` are others' that the application serves too."""

    def __init__(
        self,
        house: Callable[[], House],
        *,
        clock: Clock,
        ids: Ids,
        metrics: Callable[[], bytes],
        max_body: int = 100 << 20,
        routes: Sequence[Routes] = (),
        deferral: Deferral | None = None,
    ) -> None:
        self._deferral = deferral
        self._routes = (*routes, OwnKey(lambda: house().pipeline.budgets))
        self._guard = web.middleware(Guard(clock))
        self._house, self._clock, self._ids = house, clock, ids
        self._metrics, self._max_body = metrics, max_body

    def application(self) -> web.Application:
        """Every route, with `/v1` in front and without."""
        app = web.Application(client_max_size=self._max_body, middlewares=[self._guard, _last_resort])
        for prefix in ("/v1", ""):
            for dialect in DIALECTS.values():
                app.router.add_post(prefix + dialect.path, partial(self._complete, dialect=dialect))
            app.router.add_get(f"{prefix}/models", self.models)
            app.router.add_get(f"{prefix}/farthing/policy", self.rules)
            app.router.add_get(f"{prefix}/models/{{id:[\\s\\S]+}}", self.model)
            for routes in self._routes:
                routes.add(app, prefix, self._identify)
        app.router.add_get("/health", self.health)
        app.router.add_get("/metrics", self.metrics)
        app.router.add_get("/", self.health)
        app.router.add_route("*", "/{path:[\\s\\S]*}", self.nowhere)
        app.on_response_prepare.append(_sign)
        return app

    async def _complete(self, http: web.Request, dialect: Dialect) -> web.StreamResponse:
        house, given = self._house(), http.headers.get("x-request-id", "")
        try:
            principal = principal_of(house.ring, http, self._clock.now())
        except FarthingError as error:
            return failed(dialect, error, {"x-request-id": shown_id(self._ids.new(given, None))})
        request_id = self._ids.new(given, principal.key)
        try:
            request = dialect.parse(await self._body(http), request_id=request_id, principal=principal)
            request = replace(
                request,
                limits=_limits(request, http),
                lane=_lane(request, http),
                labels=house.labels(request, http.headers),
            )
            keep_within_scopes(request)
            policy = house.policy(request.asked)
            if request.body.get("background"):
                return await self._defer(request, dialect)
        except FarthingError as error:
            return failed(dialect, error, {"x-request-id": shown_id(request_id)})
        if request.stream:
            return await self._stream(http, house, request, policy, dialect)
        purse = house.pipeline.budgets.open(request)
        outcome = await run_within(house.pipeline, request, policy, house.tiers, None, purse)
        return self._whole(outcome, dialect, self._standing(purse))

    async def _defer(self, request: Request, dialect: Dialect) -> web.Response:
        """Answer at once with an id to ask for the answer by."""
        if request.body["background"] is not True:
            raise BadRequest("`background` must be true or false.", param="background")
        if request.stream:
            raise BadRequest("A request in the background cannot be streamed.", param="stream")
        if self._deferral is None:
            raise BadRequest("This server keeps nothing for later.", param="background")
        return answer(await self._deferral.defer(request, dialect), status=202)

    def _whole(self, outcome: Outcome, dialect: Dialect, standing: Mapping[str, str]) -> web.Response:
        headers = {**headers_of(outcome), **standing}
        chosen = outcome.chosen
        if chosen is None or chosen.reply is None:
            return failed(dialect, outcome.failure or FarthingError(), headers)
        renderer = dialect.renderer(outcome.request, created=int(self._clock.now().timestamp()))
        reply = replace(chosen.reply, usage=chosen.usage)
        body = renderer.whole(reply, chosen.decision.model.name, {})
        return web.Response(body=body, content_type="application/json", headers=headers)

    async def _stream(
        self, http: web.Request, house: House, request: Request, policy: Policy, dialect: Dialect
    ) -> web.StreamResponse:
        # Whoever lets a request stream can write its reply as it comes.
        renderer = cast("Renderer", dialect.renderer(request, created=int(self._clock.now().timestamp())))
        purse = house.pipeline.budgets.open(request)
        standing = partial(self._standing, purse)
        async with StreamedAnswer(
            http, request, renderer, keepalive=house.keepalive, standing=standing
        ) as streamed:
            try:
                outcome = await run_within(house.pipeline, request, policy, house.tiers, streamed, purse)
                if not streamed.begun and outcome.chosen is None:
                    headers = headers_of(outcome) | standing()
                    return failed(dialect, outcome.failure or FarthingError(), headers)
                return await streamed.finish(outcome)
            except ConnectionError:
                # The caller has left, which the ledger knows; nobody is there to be answered.
                return streamed.response or web.Response()

    def _standing(self, purse: Purse) -> dict[str, str]:
        """Tell how the limits of rates stand, and whether any budget was asked at all."""
        headers = limit_headers(purse.standings(), self._clock.now())
        return {**headers, "x-farthing-budget": "unchecked"} if purse.unchecked else headers

    def _identify(self, http: web.Request) -> Principal:
        return principal_of(self._house().ring, http, self._clock.now())

    def _audit(self, http: web.Request) -> None:
        auditor_of(self._house().ring, http, self._clock.now())

    async def models(self, http: web.Request) -> web.Response:
        try:
            seen = self._seen(http)
        except FarthingError as error:
            return failed(DIALECTS["chat"], error, {})
        return answer({"object": "list", "data": seen})

    async def rules(self, http: web.Request) -> web.Response:
        """Show the rules in force, as far as the key may see them."""
        house = self._house()
        try:
            return answer(house.rules(self._identify(http)))
        except FarthingError as error:
            return failed(DIALECTS["chat"], error, {})

    async def model(self, http: web.Request) -> web.Response:
        name = http.match_info["id"]
        try:
            for entry in self._seen(http):
                if entry["id"] == name:
                    return answer(entry)
            raise UnknownModel(f"There is no model {name!r} here.", param="model")
        except FarthingError as error:
            return failed(DIALECTS["chat"], error, {})

    def _seen(self, http: web.Request) -> list[Mapping[str, object]]:
        """The models, and ways to have one chosen, that the caller's key can use."""
        house = self._house()
        who = principal_of(house.ring, http, self._clock.now())
        return [entry for entry in house.listing() if may_see(who, str(entry["id"]))]

    async def health(self, http: web.Request) -> web.Response:  # noqa: ARG002 - a handler
        return answer({"status": "ok"})

    async def metrics(self, http: web.Request) -> web.Response:
        try:
            self._audit(http)
        except FarthingError as error:
            return failed(DIALECTS["chat"], error, {})
        return web.Response(body=self._metrics(), headers={"Content-Type": "text/plain; version=0.0.4"})

    async def nowhere(self, http: web.Request) -> web.Response:
        error = BadRequest(f"There is nothing at {http.method} {http.path[:200]}.", code="not_found")
        return failed(DIALECTS["chat"], error, {}, status=404)

    async def _body(self, http: web.Request) -> bytes:
        if http.headers.get("Content-Encoding", "identity").lower() != "identity":
            # Inflated, a small body could be a thousand times as large.
            raise BadRequest("A compressed body is not taken.")
        if (http.content_length or 0) > self._max_body:
            raise TooLarge
        try:
            return await http.read()
        except web.HTTPRequestEntityTooLarge:
            raise TooLarge from None
        except web.RequestPayloadError as error:
            raise BadRequest(f"The body did not arrive whole: {error}.") from None


@web.middleware
async def _last_resort(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer in the callers' shape even for a mistake of ours, and say nothing of its inside."""
    try:
        return await handler(request)
    except (web.HTTPException, ConnectionError):
        raise
    except Exception:
        log.exception("%s %s failed", request.method, request.path)
        return failed(DIALECTS["chat"], FarthingError("Farthing itself failed; its log says how."), {})


async def _sign(_request: web.Request, response: web.StreamResponse) -> None:
    """Say who answers, but not with which versions of what."""
    response.headers["Server"] = "farthing"


def _limits(request: Request, http: web.Request) -> Limits:
    text = http.headers.get("x-farthing-max-cost-usd")
    if text is None:
        return request.limits
    try:
        ceiling = Decimal(text)
    except InvalidOperation:
        ceiling = Decimal("NaN")
    if not ceiling.is_finite() or ceiling <= 0 or ceiling > 1_000_000:
        raise BadRequest("`x-farthing-max-cost-usd` must be a positive number of dollars.")
    return replace(request.limits, cost=int(ceiling * DOLLAR))


def _lane(request: Request, http: web.Request) -> Lane:
    """Read how soon the answer is wanted: the header has the last word over the body's `service_tier`."""
    text = http.headers.get("x-farthing-lane")
    if request.body.get("background") is True:
        return Lane.BACKGROUND
    if text is None:
        return request.lane
    if text not in {Lane.INTERACTIVE, Lane.BACKGROUND}:
        raise BadRequest("`x-farthing-lane` must be `interactive` or `background`.")
    return Lane(text)
