"""A key's owner sees the rules in force, and nobody else's name."""

from router.app import Household, gather
from router.clock import SystemClock
from router.config import parse
from router.types import Principal

CONFIG = """
upstreams: {sim: {kind: simulated}}
models:
  - {name: small, upstream: sim, price: {input: 1, output: 1}}
  - {name: free, upstream: sim}
policies:
  vip: {when: {any: [{key: [alice, bob]}, {team: "sales-*"}], not: {user: carol}}}
deny: {models: [free]}
"""


def test_the_rules_are_shown_without_other_peoples_names():
    house = Household(parse(CONFIG, environ={}), gather(None, SystemClock()))
    shown = house.rules(Principal(key="alice", team="research"))
    when = shown["policies"]["vip"]["when"]
    assert when["any"] == [{"key": ["alice", "(others)"]}, {"team": ["(others)"]}]
    assert when["not"] == {"user": ["(others)"]}
    assert shown["policies"]["default"]["may_serve"] == ["small"]
    assert shown["policies"]["default"]["struck_out"] == {"free": "is denied by name"}
    assert "bob" not in str(shown)
