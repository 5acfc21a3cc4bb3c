"""Who comes in: a key becomes a principal, its scopes are kept, and guessing is made slow."""

import asyncio
import binascii
import logging
import math
from base64 import b64decode
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from ipaddress import IPv6Address, ip_address

from aiohttp import web
from aiohttp.typedefs import Handler

from router.config import AUTO
from router.dialects import DIALECTS
from router.errors import NotAuthorized, OutOfScope, OverRate
from router.http import failed
from router.keys import Ring
from router.seams import Clock
from router.types import EVERYTHING, Lane, Principal, Request, Role

log = logging.getLogger("farthing.door")

SESSION_HEADERS = ("x-farthing-session", "x-session-id", "x-claude-code-session-id", "x-session-affinity")
"""Where clients say which conversation a call belongs to, the most explicit first."""

MAX_LABEL = 256

ANYONE = Principal()

GUESSED = web.RequestKey("guessed", bool)
"""Marks a call with a secret that nobody has."""


def principal_of(ring: Ring | None, http: web.Request, now: datetime) -> Principal:
    """Tell who asks, and what the call is labelled with; without a ring, anybody may.

    Raises `NotAuthorized`.
    """
    base = ANYONE if ring is None else _holder(ring, http, now)
    headers = http.headers
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


def auditor_of(ring: Ring | None, http: web.Request, now: datetime) -> None:
    """Let auditors pass, or anybody where no keys are asked for; raises `NotAuthorized`, `OutOfScope`."""
    if ring is not None and _holder(ring, http, now).role not in {Role.AUDITOR, Role.ADMIN}:
        raise OutOfScope("This is for keys whose role is 'auditor' or 'admin'.", param="role")


def still_good(ring: Ring | None, who: Principal, now: datetime) -> Principal:
    """Give who asked a while ago with what the key may do now; raises `NotAuthorized` if it is good no more.

    Who asked while no keys were asked for may go on.
    """
    if ring is None or who.key is None:
        return who
    found = ring.named(who.key, now)
    return replace(who, role=found.role, scopes=found.scopes)


def may_spend(who: Principal) -> None:
    """Raise `OutOfScope` if the key is for looking alone."""
    if who.role is Role.AUDITOR:
        raise OutOfScope("The key's role is 'auditor': it reads, and may not spend.", param="role")


def keep_within_kind(who: Principal, dialect: str, lane: Lane) -> None:
    """Raise `OutOfScope` if the key is not for requests of that kind, whatever they ask."""
    may_spend(who)
    _within("dialects", dialect, who.scopes.dialects)
    _within("lanes", lane, who.scopes.lanes)


def keep_within_scopes(request: Request) -> None:
    """Raise `OutOfScope`, naming the constraint, if the key is not for this request."""
    who = request.principal
    keep_within_kind(who, request.dialect, request.lane)
    scopes = who.scopes
    if scopes is EVERYTHING:
        return
    for tag in who.tags:
        _within("tags", tag, scopes.tags)
    policy = policy_named(request.asked)
    if policy is not None:
        _within("policies", policy, scopes.policies)
    elif scopes.models is not None:
        _within("models", request.asked, scopes.models)
    elif scopes.policies is not None:
        raise OutOfScope(
            f"The key may ask for policies ({_listed(scopes.policies)}), and name no model.", param="policies"
        )


def may_see(who: Principal, name: str) -> bool:
    """Tell whether a model, or `auto` and its like, is something the key can use."""
    policy, scopes = policy_named(name), who.scopes
    if policy is not None:
        return scopes.policies is None or policy in scopes.policies
    return name in scopes.models if scopes.models is not None else scopes.policies is None


def policy_named(asked: str) -> str | None:
    """Give the policy that a caller's `model` names; `None` if it names a model."""
    head, _, name = asked.partition(":")
    return (name or DEFAULT) if head == AUTO else None


DEFAULT = "default"


def _holder(ring: Ring, http: web.Request, now: datetime) -> Principal:
    try:
        return ring.find(_secret(http), now)
    except NotAuthorized as error:
        http[GUESSED] = error.guessed
        raise


def _secret(http: web.Request) -> str:
    scheme, _, sent = http.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        # What a browser sends that was asked for a password.
        with suppress(binascii.Error, UnicodeDecodeError):
            return b64decode(sent, validate=True).decode().partition(":")[2]
    bearer = sent.strip() if scheme.lower() == "bearer" else ""
    return bearer or http.headers.get("x-api-key", "")


def _within(field: str, name: str, allowed: frozenset[str] | None) -> None:
    if allowed is not None and name not in allowed:
        raise OutOfScope(f"The key's {field} are {_listed(allowed)}, and {name!r} is not.", param=field)


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def _label(text: str | None) -> str | None:
    return (text.strip()[:MAX_LABEL] or None) if text else None


FREE_GUESSES = 5
"""Wrong keys that cost nothing: somebody is setting up a client."""

FORGIVEN_EVERY = 10.0
"""Seconds after which one wrong key is forgotten."""

LONGEST = 2.0
REFUSED_FROM = 30
"""Wrong keys after which an address is told to wait, rather than kept waiting."""

ADDRESSES = 10_000
"""Addresses that are remembered."""


class Guard:
    """Slows addresses that try keys nobody has; whoever has a good key never notices, at whatever address."""

    def __init__(self, clock: Clock, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._clock, self._sleep = clock, sleep
        self._guesses: OrderedDict[str, tuple[float, float]] = OrderedDict()  # how many, as of when
        self._told: float | None = None

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer, and keep who has guessed waiting for it (an aiohttp middleware)."""
        response = await handler(request)
        if not request.get(GUESSED, False):
            return response
        count = self._count(_address(request.remote))
        if count > REFUSED_FROM:
            wait = math.ceil(FORGIVEN_EVERY)
            return failed(DIALECTS["chat"], OverRate("Too many unknown API keys.", retry_after=wait), {})
        if count > FREE_GUESSES:
            await self._sleep(min(LONGEST, 0.1 * 2 ** (count - FREE_GUESSES)))
        return response

    def _count(self, address: str) -> float:
        now = self._clock.monotonic()
        count, since = self._guesses.pop(address, (0.0, now))
        count = max(0.0, count - (now - since) / FORGIVEN_EVERY) + 1
        self._guesses[address] = count, now
        if len(self._guesses) > ADDRESSES:
            self._guesses.popitem(last=False)
        if count > FREE_GUESSES and (self._told is None or now - self._told > 1.0):
            self._told = now
            log.warning("%s tries API keys that are not known here (%.0f lately)", address, count)
        return count


def _address(remote: str | None) -> str:
    """The caller's address; of IPv6 the network, since whoever has one address there has 2**64."""
    try:
        address = ip_address((remote or "").partition("%")[0])
    except ValueError:
        return remote or "somebody"
    return str(IPv6Address(int(address) >> 64 << 64)) + "/64" if address.version == 6 else str(address)
