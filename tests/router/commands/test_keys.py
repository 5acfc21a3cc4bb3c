"""`farthing keys`, as an operator types it."""

import json
import re

import pytest
from click.testing import CliRunner

from router.commands.keys import command
from router.errors import FarthingError, NotAuthorized
from router.keys import KeyStore, Ring
from tests.support.world import FakeClock

CONFIG = """
auth: keys
keys: [{name: written, secret: sixteen-letters-and-more, limits: [{usd: 5, per: day}]}]
upstreams: {sim: {kind: simulated}}
models: [{name: small, upstream: sim}]
"""


@pytest.fixture
def farthing(tmp_path):
    (tmp_path / "farthing.yaml").write_text(CONFIG)

    def run(*words: str):
        path = str(tmp_path / "farthing.yaml")
        return CliRunner().invoke(command, ["--config", path, *words], catch_exceptions=False)

    run.ring = lambda: Ring(KeyStore(tmp_path / "farthing-data").read())
    return run


def found(farthing, secret):
    return farthing.ring().find(secret, FakeClock().now())


def test_the_secret_alone_goes_to_standard_output(farthing):
    done = farthing("create", "alice", "--team", "research", "--limit", "5 usd/day", "--model", "small")
    secret = done.stdout.strip()
    assert re.fullmatch(r"fk-[\w-]{43}", secret)
    who = found(farthing, secret)
    assert (who.key, who.team, who.scopes.models) == ("alice", "research", frozenset({"small"}))
    assert secret not in farthing("show", "alice").output


def test_a_rotation_a_limit_and_an_end(farthing):
    first = farthing("create", "alice").stdout.strip()
    second = farthing("rotate", "alice", "--grace", "1h").stdout.strip()
    assert found(farthing, first) == found(farthing, second)
    assert (
        "limited to 9 requests per minute"
        in farthing("limit", "alice", "--limit", "9 requests/minute").output
    )
    assert "of 9 requests per minute" in farthing("show", "alice").output
    farthing("limit", "alice", "--none")
    assert "minute" not in farthing("show", "alice").output
    farthing("revoke", "alice")
    with pytest.raises(NotAuthorized):
        found(farthing, second)


def test_all_keys_are_listed_with_where_they_are_from(farthing):
    farthing("create", "alice", "--policy", "default")
    rows = {row["name"]: row for row in json.loads(farthing("list", "--json").output)}
    assert rows["written"]["secret"] == "(of the configuration)"
    assert rows["alice"]["scopes"] == "policies: default"
    assert "alice" in farthing("list").output


def test_a_child_of_a_key_of_the_configuration(farthing):
    farthing("create", "child", "--parent", "written", "--limit", "1 usd/day")
    with pytest.raises(FarthingError, match="above that of 'written'"):
        farthing("create", "greedy", "--parent", "written", "--limit", "6 usd/day")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("create", "a b"), "is no name"),
        (("create", "written"), "already"),
        (("create", "a", "--limit", "much"), "no limit"),
        (("create", "a", "--expires", "soon"), "no instant"),
        (("rotate", "written"), "stands in the configuration"),
        (("revoke", "nobody"), "no key 'nobody'"),
        (("show", "nobody"), "no key 'nobody'"),
    ],
)
def test_a_mistake_is_a_sentence(farthing, words, said):
    with pytest.raises(FarthingError, match=said):
        farthing(*words)


def test_limits_or_none(farthing):
    farthing("create", "alice")
    assert farthing("limit", "alice").exit_code == 2
