"""Whom a secret belongs to, and for how long."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from router.errors import NotAuthorized
from router.keys import Key, Ring, digest_of, new_secret
from router.types import Role, Scopes

NOW = datetime(2026, 11, 24, tzinfo=UTC)
HOUR = timedelta(hours=1)


def key(name="alice", secret="right", **given) -> Key:
    return Key(name=name, digest=digest_of(secret), **given)


def only(**names) -> Scopes:
    return Scopes(**{field: frozenset(each) for field, each in names.items()})


def test_a_secret_is_long_recognisable_and_another_each_time():
    secrets = {new_secret() for _ in range(100)}
    assert len(secrets) == 100
    assert all(secret.startswith("fk-") and len(secret) == 46 for secret in secrets)


def test_a_key_is_found_by_its_secret():
    who = Ring([key(team="research", tags=("a",))]).find("right", NOW)
    assert (who.key, who.team, who.tags, who.role) == ("alice", "research", ("a",), Role.CALLER)


@pytest.mark.parametrize(
    ("secret", "given", "said", "guessed"),
    [
        ("wrong", {}, "not known here", True),
        ("", {}, "needed", False),
        ("right", {"expires": NOW}, "expired", False),
        ("right", {"revoked": NOW - HOUR}, "revoked", False),
        ("right", {"parent": "nobody"}, "parent is gone", False),
    ],
)
def test_a_key_that_is_not_good_says_why(secret, given, said, guessed):
    with pytest.raises(NotAuthorized, match=said) as refused:
        Ring([key(**given)]).find(secret, NOW)
    assert refused.value.guessed is guessed


def test_after_a_rotation_both_secrets_are_good_for_a_while():
    ring = Ring([key(secret="new", previous=digest_of("old"), previous_until=NOW + HOUR)])
    assert ring.find("old", NOW).key == ring.find("new", NOW).key == "alice"
    with pytest.raises(NotAuthorized, match="expired"):
        ring.find("old", NOW + HOUR)
    assert ring.find("new", NOW + HOUR).key == "alice"


PARENT = key("parent", "p", team="t", tags=("x",), scopes=only(models="ab"), expires=NOW + HOUR)
CHILD = key("child", "c", parent="parent", tags=("y",), scopes=only(models="bc", policies=["cheap"]))


def test_a_child_has_what_both_it_and_its_parent_have():
    who = Ring([PARENT, CHILD]).find("c", NOW)
    assert (who.key, who.parents, who.team, who.tags) == ("child", ("parent",), "t", ("x", "y"))
    assert who.scopes == only(models="b", policies=["cheap"])
    with pytest.raises(NotAuthorized, match="expired"):
        Ring([PARENT, CHILD]).find("c", NOW + HOUR)


def test_a_child_ends_with_its_parent():
    with pytest.raises(NotAuthorized, match="was made from has been revoked"):
        Ring([replace(PARENT, revoked=NOW), CHILD]).find("c", NOW)


def test_no_child_has_a_role_its_parent_cannot_give():
    raised = Ring([PARENT, replace(CHILD, role=Role.ADMIN)]).find("c", NOW)
    assert raised.role is Role.CALLER


def test_keys_that_are_each_others_parents_are_good_for_nothing():
    loop = [key("a", "1", parent="b"), key("b", "2", parent="a")]
    with pytest.raises(NotAuthorized):
        Ring(loop).find("1", NOW)


def test_of_two_keys_with_one_name_the_configurations_stands(caplog):
    ring = Ring([key(secret="configured"), key(secret="made")])
    assert ring.find("configured", NOW).key == "alice"
    with pytest.raises(NotAuthorized):
        ring.find("made", NOW)
    assert "two keys named 'alice'" in caplog.text
