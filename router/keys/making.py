"""Making, changing and ending keys: from the keys there are to those there shall be."""

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import datetime, timedelta

from router.budget import Budget
from router.errors import FarthingError
from router.keys.key import Key, digest_of
from router.keys.ring import Ring, narrowed
from router.types import Role, Scopes

Keys = tuple[Key, ...]


def created(keys: Keys, configured: Sequence[Key], new: Key) -> Keys:
    """Add a key; one that has a parent may only narrow what that may do."""
    ring = Ring([*configured, *keys])
    if ring.key(new.name) is not None:
        raise FarthingError(f"There is a key {new.name!r} already.")
    if new.parent is not None:
        parent = ring.key(new.parent)
        if parent is None:
            raise FarthingError(f"There is no key {new.parent!r} to make one from.")
        line = ring.lineage(parent)
        if line is None or Ring([*configured, *keys, new]).lineage(new) is None:
            raise FarthingError(f"{new.parent!r} is made from too many keys, or from one that is gone.")
        _only_narrows(new, line)
    return (*keys, new)


def rotated(keys: Keys, name: str, secret: str, *, now: datetime, grace: timedelta, hint: str) -> Keys:
    """Give a key another secret; the old one is good for as long as `grace`."""
    key = _found(keys, name)
    if key.revoked is not None:
        raise FarthingError(f"The key {name!r} has been revoked: make another.")
    return _with(
        keys,
        replace(
            key,
            digest=digest_of(secret),
            hint=hint,
            previous=key.digest if grace else None,
            previous_until=now + grace if grace else None,
        ),
    )


def revoked(keys: Keys, name: str, *, now: datetime) -> Keys:
    """End a key, and with it those that were made from it."""
    key = _found(keys, name)
    return _with(keys, replace(key, revoked=key.revoked or now))


def limited(keys: Keys, configured: Sequence[Key], name: str, limits: tuple[Budget, ...]) -> Keys:
    """Give a key other limits in the place of those it has."""
    key = replace(_found(keys, name), limits=limits)
    line = Ring([*configured, *keys]).lineage(key)
    _limits_fit(key, line[1:] if line is not None else ())
    return _with(keys, key)


def _found(keys: Keys, name: str) -> Key:
    for key in keys:
        if key.name == name:
            return key
    raise FarthingError(
        f"There is no key {name!r} that `farthing keys` has made; "
        "one that stands in the configuration is changed there."
    )


def _with(keys: Keys, changed: Key) -> Keys:
    return tuple(changed if key.name == changed.name else key for key in keys)


def _only_narrows(new: Key, line: Sequence[Key]) -> None:
    gone = next((each for each in line if each.revoked is not None), None)
    if gone is not None:
        raise FarthingError(f"The key {gone.name!r} has been revoked.")
    if any(each.role not in {new.role, Role.ADMIN} for each in line):
        raise FarthingError(
            f"A key of role {line[0].role.value!r} cannot make one of role {new.role.value!r}."
        )
    allowed = narrowed([each.scopes for each in line])
    for field in fields(Scopes):
        wanted, limit = getattr(new.scopes, field.name), getattr(allowed, field.name)
        beyond = sorted(wanted - limit) if wanted is not None and limit is not None else ()
        if beyond:
            raise FarthingError(
                f"{beyond[0]!r} is not among the {field.name} of {line[0].name!r}: "
                f"{', '.join(sorted(limit)) or 'none'}."
            )
    ends = [each.expires for each in line if each.expires is not None]
    if new.expires is not None and ends and new.expires > min(ends):
        raise FarthingError(f"{line[0].name!r} expires before that, at {min(ends):%Y-%m-%dT%H:%M:%SZ}.")
    _limits_fit(new, line)


def _limits_fit(key: Key, parents: Sequence[Key]) -> None:
    for parent in parents:
        most = {(budget.per, unit): limit for budget in parent.limits for unit, limit in budget.limits}
        for budget in key.limits:
            for unit, limit in budget.limits:
                if limit > most.get((budget.per, unit), limit):
                    raise FarthingError(
                        f"The limit of {unit} per {budget.per} is above that of {parent.name!r}, "
                        "from which the key is made."
                    )
