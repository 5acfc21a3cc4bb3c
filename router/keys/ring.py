"""All keys there are, ready to be asked for: built whole, replaced whole."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime

from router.budget import Budget
from router.errors import NotAuthorized
from router.keys.key import Key, digest_of
from router.types import Principal, Role, Scopes

log = logging.getLogger(__name__)

DEEPEST = 8
"""Keys made from keys made from keys: no further."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """A key with all that its parents narrow: who holds it, until when, or why it is good no more."""

    principal: Principal
    until: datetime | None = None
    refused: str | None = None


class Ring:
    """Finds keys by secret, and their limits by name."""

    def __init__(self, keys: Iterable[Key] = ()) -> None:
        """Take keys; of two with one name the first stands."""
        self._keys: dict[str, Key] = {}
        for key in keys:
            if self._keys.setdefault(key.name, key) is not key:
                log.error("there are two keys named %r; the one of the key store is not used", key.name)
        self._by_name = {key.name: self._admitted(key) for key in self._keys.values()}
        self._by_digest: dict[str, Admitted] = {}
        for key in self._keys.values():
            admitted = self._by_name[key.name]
            self._by_digest[key.digest] = admitted
            if key.previous is not None:
                until = _earliest(admitted.until, key.previous_until)
                self._by_digest[key.previous] = Admitted(
                    principal=admitted.principal, until=until, refused=admitted.refused
                )

    def __len__(self) -> int:
        return len(self._keys)

    def find(self, secret: str, now: datetime) -> Principal:
        """Tell who holds `secret`; raise `NotAuthorized` if nobody does, or does no more."""
        # A dictionary of digests: what the look-up takes tells nothing about any secret.
        found = self._by_digest.get(digest_of(secret))
        if found is None:
            raise NotAuthorized(
                "The API key is not known here." if secret else "An API key is needed.", guessed=bool(secret)
            )
        return _good(found, now)

    def named(self, name: str, now: datetime) -> Principal:
        """Tell what the key of that name may do now; raise `NotAuthorized` if it is good no more."""
        found = self._by_name.get(name)
        if found is None:
            raise NotAuthorized("The API key is not there any more.")
        return _good(found, now)

    def holders(self) -> list[Principal]:
        """Everybody whose key may be good, each once."""
        holders = {admitted.principal.key: admitted.principal for admitted in self._by_digest.values()}
        return list(holders.values())

    def limits(self, name: str) -> Sequence[Budget]:
        """Give the limits that stand on the key itself."""
        key = self._keys.get(name)
        return key.limits if key is not None else ()

    def key(self, name: str) -> Key | None:
        """Give a key by its name."""
        return self._keys.get(name)

    def lineage(self, key: Key) -> list[Key] | None:
        """Give the key and those it was made from, the nearest first; `None` if that leads nowhere."""
        line = [key]
        while line[-1].parent is not None:
            parent = self._keys.get(line[-1].parent)
            if parent is None or len(line) >= DEEPEST or parent in line:
                return None
            line.append(parent)
        return line

    def _admitted(self, key: Key) -> Admitted:
        line = self.lineage(key)
        if line is None:
            return Admitted(principal=Principal(key=key.name), refused="The API key's parent is gone.")
        tags = tuple(dict.fromkeys(tag for each in reversed(line) for tag in each.tags))
        scopes = narrowed([each.scopes for each in line])
        if scopes.tags is not None:
            scopes = replace(scopes, tags=scopes.tags | set(tags))  # what it carries anyway
        principal = Principal(
            key=key.name,
            team=next((each.team for each in reversed(line) if each.team is not None), None),
            user=next((each.user for each in reversed(line) if each.user is not None), None),
            tags=tags,
            parents=tuple(parent.name for parent in line[1:]),
            role=key.role if all(each.role in {key.role, Role.ADMIN} for each in line) else Role.CALLER,
            scopes=scopes,
        )
        gone = next((each for each in line if each.revoked is not None), None)
        whose = "The API key" if gone is key else "The API key it was made from"
        return Admitted(
            principal=principal,
            until=_earliest(*(each.expires for each in line)),
            refused=f"{whose} has been revoked." if gone is not None else None,
        )


def _good(found: Admitted, now: datetime) -> Principal:
    if found.refused is not None:
        raise NotAuthorized(found.refused)
    if found.until is not None and found.until <= now:
        raise NotAuthorized(f"The API key has expired, at {found.until:%Y-%m-%dT%H:%M:%SZ}.")
    return found.principal


def narrowed(scopes: Sequence[Scopes]) -> Scopes:
    """What all of them allow."""
    allowed: Mapping[str, frozenset[str] | None] = {
        field.name: _common([getattr(each, field.name) for each in scopes]) for field in fields(Scopes)
    }
    return Scopes(**allowed)


def _common(sets: Sequence[frozenset[str] | None]) -> frozenset[str] | None:
    stated = [each for each in sets if each is not None]
    return frozenset.intersection(*stated) if stated else None


def _earliest(*instants: datetime | None) -> datetime | None:
    return min((instant for instant in instants if instant is not None), default=None)
