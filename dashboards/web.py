"""The dashboard's routes: our own files, the reports as JSON, and a door before them.

Nothing is loaded from elsewhere, and the page's policy lets nothing be: no inline script, no eval, no frame.
"""

import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias, TypeVar

from aiohttp import web

from dashboards import inks
from dashboards.live import Reader
from router.errors import FarthingError
from router.http import Identify, answer

STATIC = Path(__file__).with_name("static")

FILES: Mapping[str, str] = MappingProxyType(
    {
        "page.css": "text/css",
        "page.js": "text/javascript",
        "numbers.js": "text/javascript",
        "mark.svg": "image/svg+xml",
    }
)

HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
        "img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
)

COOKIE = "farthing-dashboard"
WEEK = 7 * 86_400

MOST_FORM = 4096

Policies: TypeAlias = Callable[[], Sequence[Mapping[str, object]]]
"""What policies are in force, as they are shown."""

Budgets: TypeAlias = Callable[[], Awaitable[Sequence[Mapping[str, object]]]]
"""How every budget stands, a row each, all with the same columns."""

Given = TypeVar("Given", bound=web.StreamResponse)

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Dashboard:
    """Routes below `/dashboard`; `key` is what they ask for; `None` lets in this machine's browsers only.

    Where callers need keys, one whose role is auditor or admin opens it too: `auditor` says `True` for it,
    `False` where no keys are asked for, and raises `FarthingError` for any other.
    Without any key the name in the browser's address must be this machine's own: a page from elsewhere
    that has its name point here would otherwise read along (DNS rebinding).
    """

    def __init__(
        self,
        reader: Reader,
        policies: Policies,
        budgets: Budgets,
        key: str | None,
        auditor: Callable[[web.Request], bool] = lambda _: False,
    ) -> None:
        self._reader, self._policies, self._budgets = reader, policies, budgets
        self._key, self._auditor = key, auditor

    def add(self, app: web.Application, prefix: str, identify: Identify, /) -> None:  # noqa: ARG002 - a door of its own
        if prefix:
            return
        router = app.router
        router.add_get("/dashboard", self._guarded(self._page))
        router.add_get("/dashboard/", self._guarded(self._page))
        router.add_post("/dashboard/login", self._login)
        for name in FILES:
            router.add_get(f"/dashboard/{name}", self._file)
        router.add_get("/dashboard/vega.js", self._guarded(self._script))
        router.add_get("/dashboard/theme.json", self._guarded(self._theme))
        router.add_get("/dashboard/reports", self._guarded(self._reports))
        router.add_get("/dashboard/reports/{name}", self._guarded(self._report))
        router.add_get("/dashboard/policies", self._guarded(self._rules))
        router.add_get("/dashboard/budgets", self._guarded(self._accounts))

    def _guarded(self, handler: Handler) -> Handler:
        async def guarded(http: web.Request) -> web.StreamResponse:
            if not self._lets_in(http):
                return self._refusal(http)
            try:
                return _with_headers(await handler(http))
            except FarthingError as error:
                return _with_headers(_problem(str(error), 400))

        return guarded

    def _lets_in(self, http: web.Request) -> bool:
        if self._key is not None and self._knows(http, self._key):
            return True
        try:
            keys = self._auditor(http)
        except FarthingError:
            return False
        return keys or (self._key is None and _is_here(http.remote or "") and _is_here(http.host))

    def _knows(self, http: web.Request, key: str) -> bool:
        headers = http.headers
        given = headers.get("Authorization", "").removeprefix("Bearer ") or headers.get("x-api-key", "")
        cookie = http.cookies.get(COOKIE, "")
        # Both always, and in a time that tells nothing of either.
        known = hmac.compare_digest(given.encode(), key.encode())
        return hmac.compare_digest(cookie.encode(), _pass_of(key).encode()) or known

    def _refusal(self, http: web.Request) -> web.StreamResponse:
        if self._key is not None:
            if http.path.rstrip("/") == "/dashboard":
                return _html("login.html", status=401)
            return _with_headers(_problem("The dashboard's key is needed.", 401))
        try:
            self._auditor(http)
        except FarthingError as error:
            # The browser asks for it then.
            response = _with_headers(_problem(str(error), 401))
            response.headers["WWW-Authenticate"] = 'Basic realm="farthing"'
            return response
        return _with_headers(_problem("Only browsers on this machine are let in.", 403))

    async def _login(self, http: web.Request) -> web.StreamResponse:
        if self._key is None or (http.content_length or 0) > MOST_FORM:
            return _html("login.html", status=401)
        given = (await http.post()).get("key", "")
        if not isinstance(given, str) or not hmac.compare_digest(given.encode(), self._key.encode()):
            return _html("login.html", status=401)
        response = web.Response(status=303, headers={"Location": "/dashboard", **HEADERS})
        response.set_cookie(
            COOKIE,
            _pass_of(self._key),
            max_age=WEEK,
            path="/dashboard",
            httponly=True,
            samesite="Strict",
            secure=http.secure,
        )
        return response

    async def _page(self, http: web.Request) -> web.StreamResponse:  # noqa: ARG002 - a handler
        return _html("index.html")

    async def _file(self, http: web.Request) -> web.StreamResponse:
        name = http.path.rpartition("/")[2]
        body = (STATIC / name).read_bytes()
        return _with_headers(web.Response(body=body, content_type=FILES[name], charset="utf-8"))

    async def _script(self, http: web.Request) -> web.StreamResponse:  # noqa: ARG002 - a handler
        told = json.loads(await self._reader.ask({"script": True}))
        return web.FileResponse(told["path"], headers={"Content-Type": "text/javascript; charset=utf-8"})

    async def _theme(self, http: web.Request) -> web.StreamResponse:
        return answer(inks.theme(dark=http.query.get("dark") == "1"))

    async def _reports(self, http: web.Request) -> web.StreamResponse:  # noqa: ARG002 - a handler
        return web.Response(body=await self._reader.ask({"list": True}), content_type="application/json")

    async def _report(self, http: web.Request) -> web.StreamResponse:
        query = {
            "report": http.match_info["name"],
            **{name: http.query[name] for name in ("since", "until", "by") if http.query.get(name)},
            "where": http.query.getall("where", []),
        }
        body = await self._reader.ask(query)
        if body.startswith(b'{"problem"'):
            return _problem(json.loads(body)["problem"], 400)
        return web.Response(body=body, content_type="application/json")

    async def _accounts(self, http: web.Request) -> web.StreamResponse:  # noqa: ARG002 - a handler
        rows = await self._budgets()
        return answer({"title": "Budgets", "columns": list(rows[0]) if rows else [], "rows": rows})

    async def _rules(self, http: web.Request) -> web.StreamResponse:  # noqa: ARG002 - a handler
        return answer({"policies": self._policies()})


def _is_here(host: str) -> bool:
    name = host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host
    try:
        return ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return name.lower() == "localhost" or name.lower().endswith(".localhost")


def _pass_of(key: str) -> str:
    """What a browser keeps instead of the key: it opens this page and nothing else."""
    return hmac.new(key.encode(), b"farthing dashboard", hashlib.sha256).hexdigest()


def _html(name: str, *, status: int = 200) -> web.Response:
    text = (STATIC / name).read_text(encoding="utf-8")
    return _with_headers(web.Response(status=status, text=text, content_type="text/html"))


def _problem(sentence: str, status: int) -> web.Response:
    body = json.dumps({"error": {"message": sentence}})
    return web.Response(status=status, text=body, content_type="application/json")


def _with_headers(response: Given) -> Given:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response
