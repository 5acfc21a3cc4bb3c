"""Who comes in, for what, and how guessing is made slow."""

import base64
import logging
from dataclasses import replace

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from router.door import ADDRESSES, Guard, auditor_of, keep_within_scopes, may_see, principal_of
from router.errors import NotAuthorized, OutOfScope
from router.keys import Key, Ring, digest_of
from router.types import Principal, Role, Scopes
from tests.support.world import FakeClock, request

NOW = FakeClock().now()
RING = Ring([Key(name=role, digest=digest_of(role), role=role, user="u", tags=("own",)) for role in Role])


def call(**headers):
    return make_mocked_request("GET", "/", headers={k.replace("_", "-"): v for k, v in headers.items()})


def basic(secret: str) -> str:
    return "Basic " + base64.b64encode(f"anybody:{secret}".encode()).decode()


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer caller"},
        {"Authorization": "bearer  caller "},
        {"x_api_key": "caller"},
        {"Authorization": basic("caller")},
    ],
)
def test_a_key_comes_as_a_bearer_token_a_header_or_a_password(headers):
    assert principal_of(RING, call(**headers), NOW).key == "caller"


@pytest.mark.parametrize("sent", ["", "Bearer", "Basic ???", "Basic /w==", "Bearer wrong", "caller"])
def test_anything_else_is_no_key(sent):
    with pytest.raises(NotAuthorized):
        principal_of(RING, call(Authorization=sent), NOW)


def test_labels_are_added_to_what_the_key_says_and_cannot_replace_it():
    headers = {"x_farthing_tags": " a ,, b", "x_farthing_run_id": "r", "x_farthing_user": "me"}
    who = principal_of(RING, call(Authorization="Bearer caller", **headers), NOW)
    assert (who.tags, who.run, who.user) == (("own", "a", "b"), "r", "u")
    assert principal_of(None, call(**headers), NOW).user == "me"


def test_metrics_are_for_auditors_and_for_anybody_where_no_keys_are():
    for role in ("auditor", "admin"):
        auditor_of(RING, call(Authorization=f"Bearer {role}"), NOW)
    auditor_of(None, call(), NOW)
    with pytest.raises(OutOfScope, match="role"):
        auditor_of(RING, call(Authorization="Bearer caller"), NOW)


def asking(asked="auto", *, carried=(), **scopes):
    held = Scopes(**{field: frozenset(names) for field, names in scopes.items()})
    return replace(request(asked=asked), principal=Principal(key="k", tags=carried, scopes=held))


@pytest.mark.parametrize(
    ("asked", "scopes", "param"),
    [
        ("large", {"models": ["small"]}, "models"),
        ("auto:dear", {"policies": ["cheap"]}, "policies"),
        ("auto", {"policies": ["cheap"]}, "policies"),
        ("small", {"policies": ["cheap"]}, "policies"),
        ("auto", {"tags": ["b"]}, "tags"),
        ("auto", {"lanes": ["batch"]}, "lanes"),
        ("auto", {"dialects": ["messages"]}, "dialects"),
    ],
)
def test_what_the_key_is_not_for_is_refused_by_name(asked, scopes, param):
    with pytest.raises(OutOfScope) as refused:
        keep_within_scopes(asking(asked, carried=("a",), **scopes))
    assert refused.value.param == param


def test_what_the_key_is_for_passes():
    keep_within_scopes(request())
    keep_within_scopes(asking("small", models=["small"], policies=["cheap"]))
    keep_within_scopes(asking("auto:cheap", policies=["cheap"], lanes=["interactive"], dialects=["chat"]))
    keep_within_scopes(asking("auto", models=["small"]))


def test_an_auditor_may_not_spend():
    with pytest.raises(OutOfScope, match="may not spend"):
        keep_within_scopes(replace(request(), principal=Principal(role=Role.AUDITOR)))


def test_a_key_sees_what_it_can_use():
    def seen(**scopes):
        who = asking(**scopes).principal
        return [name for name in ("auto", "auto:cheap", "small", "large") if may_see(who, name)]

    assert seen() == ["auto", "auto:cheap", "small", "large"]
    assert seen(policies=["cheap"]) == ["auto:cheap"]
    assert seen(models=["small"]) == ["auto", "auto:cheap", "small"]
    assert seen(models=["small"], policies=["default"]) == ["auto", "small"]


class World:
    """A guard, and an address that comes to it."""

    def __init__(self):
        self.clock, self.slept = FakeClock(), []
        self.guard = Guard(self.clock, self._sleep)

    async def _sleep(self, seconds):
        self.slept.append(seconds)

    async def come(self, secret="wrong", remote="10.0.0.1"):
        async def handler(http):
            try:
                principal_of(RING, http, NOW)
            except NotAuthorized:
                return web.Response(status=401)
            return web.Response()

        http = call(Authorization=f"Bearer {secret}").clone(remote=remote)
        return (await self.guard(http, handler)).status


async def test_guessing_gets_slower_and_is_then_turned_away_and_logged(caplog):
    world = World()
    assert [await world.come() for _ in range(31)] == [401] * 30 + [429]
    assert world.slept[:3] == [0.2, 0.4, 0.8]
    assert max(world.slept) == 2.0
    assert [r.levelno for r in caplog.records] == [logging.WARNING]
    assert "10.0.0.1 tries API keys" in caplog.text


async def test_a_good_key_at_the_same_address_never_waits():
    world = World()
    for _ in range(100):
        await world.come()
    world.slept.clear()
    assert await world.come("caller") == 200
    assert world.slept == []


async def test_it_is_forgiven_after_a_while_and_another_address_is_another():
    world = World()
    for _ in range(40):
        await world.come(remote="2001:db8::1")
    assert await world.come(remote="2001:db8::2") == 429, "one network of IPv6 is one address"
    assert await world.come(remote="2001:db9::2") == 401
    world.clock.at += 3600
    world.slept.clear()
    assert await world.come(remote="2001:db8::1") == 401
    assert world.slept == []


async def test_no_more_addresses_are_remembered_than_there_is_room_for():
    world = World()
    for number in range(ADDRESSES + 50):
        world.guard._count(str(number))
    assert len(world.guard._guesses) == ADDRESSES
