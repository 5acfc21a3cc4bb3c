"""The HTTP server: parse, run, answer. What is decided is decided elsewhere."""

import hashlib
import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Protocol

from aiohttp import web
from aiohttp.typedefs import Handler

from router.answers import OWN, StreamedAnswer, headers_of, shown_id
from router.dialects import DIALECTS
from router.errors import BadRequest, FarthingError, NotAuthorized, TooLarge, UnknownModel
from router.http import Routes, answer, failed
from router.pipeline import Pipeline
from router.seams import Clock, Dialect, Policy
from router.types import DOLLAR, Limits, Outcome, Principal, Request

log = logging.getLogger("farthing.server")

REQUEST_ID = re.compile(r"[A-Za-z0-9_.:\-]{1,128}")

SESSION_HEADERS = ("x-farthing-session", "x-session-id", "x-claude-code-session-id", "x-session-affinity")
"""Where clients say which conversation a call belongs to, the most explicit first."""

MAX_LABEL = 256

ANYONE = Principal()


class House(Protocol):
    """What is in force at a moment; a reload replaces it whole, and a request keeps the one it began with."""

    pipeline: Pipeline
    principals: Mapping[str, Principal] | None
    """SHA-256 of a key to whom it belongs; `None`: no keys are asked for."""
    keepalive: float

    def policy(self, asked: str, /) -> Policy: ...

    def labels(self, request: Request, headers: Mapping[str, str], /) -> Mapping[str, str]: ...

    def listing(self) -> Sequence[Mapping[str, object]]: ...


class Service:
    """The handlers, over whatever house is in force; `routes` are others' that the application serves too."""

    def __init__(
        self,
        house: Callable[[], House],
        *,
        clock: Clock,
        new_id: Callable[[], str],
        metrics: Callable[[], bytes],
        dashboard: Callable[[], Awaitable[str]] | None = None,
        max_body: int = 100 << 20,
        routes: Sequence[Routes] = (),
    ) -> None:
        self._routes = tuple(routes)
        self._house, self._clock, self._new_id = house, clock, new_id
        self._metrics, self._dashboard, self._max_body = metrics, dashboard, max_body

    def application(self) -> web.Application:
        """Every route, with `/v1` in front and without."""
        app = web.Application(client_max_size=self._max_body, middlewares=[_last_resort])
        for prefix in ("/v1", ""):
            app.router.add_post(f"{prefix}/chat/completions", self.chat_completions)
            app.router.add_get(f"{prefix}/models", self.models)
            app.router.add_get(f"{prefix}/models/{{id:[\\s\\S]+}}", self.model)
            for routes in self._routes:
                routes.add(app, prefix, self._identify)
        app.router.add_get("/health", self.health)
        app.router.add_get("/metrics", self.metrics)
        app.router.add_get("/", self.health)
        if self._dashboard is not None:
            app.router.add_get("/dashboard", self.dashboard)
        app.router.add_route("*", "/{path:[\\s\\S]*}", self.nowhere)
        app.on_response_prepare.append(_sign)
        return app

    async def chat_completions(self, http: web.Request) -> web.StreamResponse:
        return await self._complete(http, DIALECTS["chat"])

    async def _complete(self, http: web.Request, dialect: Dialect) -> web.StreamResponse:
        house, request_id = self._house(), self._request_id(http)
        try:
            principal = _principal(house, http)
            request = dialect.parse(await self._body(http), request_id=request_id, principal=principal)
            request = replace(
                request,
                limits=_limits(request, http),
                labels=house.labels(request, http.headers),
            )
            policy = house.policy(request.asked)
        except FarthingError as error:
            return failed(dialect, error, {"x-request-id": shown_id(request_id)})
        if request.stream:
            return await self._stream(http, house, request, policy, dialect)
        outcome = await house.pipeline.run(request, policy)
        return self._whole(outcome, dialect)

    def _whole(self, outcome: Outcome, dialect: Dialect) -> web.Response:
        headers = headers_of(outcome)
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
        renderer = dialect.renderer(request, created=int(self._clock.now().timestamp()))
        async with StreamedAnswer(http, request, renderer, keepalive=house.keepalive) as streamed:
            try:
                outcome = await house.pipeline.run(request, policy, streamed)
                if not streamed.begun and outcome.chosen is None:
                    return failed(dialect, outcome.failure or FarthingError(), headers_of(outcome))
                return await streamed.finish(outcome)
            except ConnectionError:
                # The caller has left, which the ledger knows; nobody is there to be answered.
                return streamed.response or web.Response()

    def _identify(self, http: web.Request) -> Principal:
        return _principal(self._house(), http)

    async def models(self, http: web.Request) -> web.Response:
        house = self._house()
        try:
            _principal(house, http)
        except FarthingError as error:
            return failed(DIALECTS["chat"], error, {})
        return answer({"object": "list", "data": list(house.listing())})

    async def model(self, http: web.Request) -> web.Response:
        house, name = self._house(), http.match_info["id"]
        try:
            _principal(house, http)
            for entry in house.listing():
                if entry["id"] == name:
                    return answer(entry)
            raise UnknownModel(f"There is no model {name!r} here.", param="model")
        except FarthingError as error:
            return failed(DIALECTS["chat"], error, {})

    async def health(self, http: web.Request) -> web.Response:  # noqa: ARG002 - a handler
        return answer({"status": "ok"})

    async def metrics(self, http: web.Request) -> web.Response:  # noqa: ARG002 - a handler
        return web.Response(body=self._metrics(), headers={"Content-Type": "text/plain; version=0.0.4"})

    async def dashboard(self, http: web.Request) -> web.Response:
        if self._dashboard is None:
            return await self.nowhere(http)
        return web.Response(text=await self._dashboard(), content_type="text/html")

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

    def _request_id(self, http: web.Request) -> str:
        """Keep a caller's id, and make it the only one of its kind: retries tend to carry the same."""
        given, own = http.headers.get("x-request-id", ""), self._new_id()
        return f"{given}{OWN}{own[:8]}" if REQUEST_ID.fullmatch(given) else own


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


def _principal(house: House, http: web.Request) -> Principal:
    headers = http.headers
    base = ANYONE
    if house.principals is not None:
        secret = headers.get("Authorization", "").removeprefix("Bearer ").strip() or headers.get(
            "x-api-key", ""
        )
        # A dictionary of digests: what the comparison takes tells nothing about the key.
        known = house.principals.get(hashlib.sha256(secret.encode()).hexdigest())
        if known is None:
            raise NotAuthorized("The API key is not known here." if secret else "An API key is needed.")
        base = known
    tags = tuple(tag for tag in (_label(t) for t in headers.get("x-farthing-tags", "").split(",")) if tag)
    session = next((headers[name] for name in SESSION_HEADERS if name in headers), None)
    run, user = headers.get("x-farthing-run-id"), headers.get("x-farthing-user")
    if not (tags or session or run or user):
        return base
    return replace(
        base,
        tags=base.tags + tags,
        session=_label(session),
        run=_label(run),
        user=base.user or _label(user),
    )


def _label(text: str | None) -> str | None:
    return (text.strip()[:MAX_LABEL] or None) if text else None


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
