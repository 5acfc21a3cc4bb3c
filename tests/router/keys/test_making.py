"""From the keys there are to those there shall be."""

from datetime import UTC, datetime, timedelta

import pytest

from router.errors import FarthingError, NotAuthorized
from router.keys import Key, Ring, digest_of
from router.keys.making import created, limited, revoked, rotated
from router.keys.writing import limits_of
from router.types import Role, Scopes

NOW = datetime(2026, 11, 24, tzinfo=UTC)
PARENT = Key(
    name="parent",
    digest=digest_of("p"),
    scopes=Scopes(models=frozenset("ab")),
    limits=limits_of("parent", ["5 usd/day"]),
    expires=NOW + timedelta(days=1),
)


def child(**given) -> Key:
    return Key(name="child", digest=digest_of("c"), parent="parent", **given)


def test_a_child_that_narrows_is_made():
    narrow = child(scopes=Scopes(models=frozenset("a")), limits=limits_of("child", ["1 usd/day"]))
    assert created((PARENT,), (), narrow) == (PARENT, narrow)
    assert created((), (PARENT,), narrow) == (narrow,), "its parent may stand in the configuration"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"scopes": Scopes(models=frozenset("abc"))}, "'c' is not among the models of 'parent': a, b"),
        ({"expires": NOW + timedelta(days=2)}, "expires before that"),
        ({"limits": limits_of("child", ["6 usd/day"])}, "above that of 'parent'"),
        ({"role": Role.AUDITOR}, "cannot make one of role 'auditor'"),
    ],
)
def test_a_child_that_widens_is_refused(given, said):
    with pytest.raises(FarthingError, match=said):
        created((PARENT,), (), child(**given))


def test_a_name_is_taken_once_and_a_parent_must_be_there():
    with pytest.raises(FarthingError, match="already"):
        created((PARENT,), (), PARENT)
    with pytest.raises(FarthingError, match="no key 'parent'"):
        created((), (), child())
    with pytest.raises(FarthingError, match="has been revoked"):
        created(revoked((PARENT,), "parent", now=NOW), (), child())


def test_a_rotation_keeps_the_old_secret_for_the_grace_or_not_at_all():
    keys = rotated((PARENT,), "parent", "new", now=NOW, grace=timedelta(hours=1), hint="fk-new")
    assert Ring(keys).find("new", NOW) == Ring(keys).find("p", NOW)
    at_once = rotated((PARENT,), "parent", "new", now=NOW, grace=timedelta(), hint="fk-new")
    with pytest.raises(NotAuthorized):
        Ring(at_once).find("p", NOW)


def test_what_is_revoked_stays_so_and_cannot_be_rotated():
    gone = revoked(revoked((PARENT,), "parent", now=NOW), "parent", now=NOW + timedelta(days=1))
    assert gone[0].revoked == NOW
    with pytest.raises(FarthingError, match="make another"):
        rotated(gone, "parent", "new", now=NOW, grace=timedelta(), hint="")


def test_limits_are_replaced_within_those_of_the_parent():
    keys = created((PARENT,), (), child())
    less = limited(keys, (), "child", limits_of("child", ["2 usd/day", "10 requests/minute"]))
    assert len(less[1].limits) == 2
    with pytest.raises(FarthingError, match="above"):
        limited(keys, (), "child", limits_of("child", ["9 usd/day"]))
    with pytest.raises(FarthingError, match="stands in the configuration is changed there"):
        limited((), (PARENT,), "parent", ())
