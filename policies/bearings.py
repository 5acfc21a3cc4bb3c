"""What a decision is told of this moment beside what rests: conversations, checks that do not pay, risk."""

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias

from policies.language import PolicySpec, StatedRisk
from policies.sessions import Sessions
from policies.worth import Worth
from router.types import Features, Request

Promised: TypeAlias = Callable[[str, StatedRisk], Mapping[str, float]]
"""Tells what a policy's promise asks for now."""


def nothing_known(_policy: str, _risk: StatedRisk) -> Mapping[str, float]:
    """Of no outcome: no promise can be made, and the most successful plan serves."""
    return {"least": 2.0}


class Checks(NamedTuple):
    """A policy's checks, and those of them that it can do without, by label."""

    every: tuple[str, ...]
    optional: tuple[str, ...]

    @classmethod
    def of(cls, spec: PolicySpec) -> "Checks":
        return cls(
            tuple(check.label for check in spec.checks),
            tuple(check.label for check in spec.checks if not check.keep),
        )


class Bearings:
    """Asks the meters, and puts what they say into one mapping (see `policies/standing.py` for its keys).

    `promised` tells what a stated risk asks for.
    """

    def __init__(self, sessions: Sessions, worth: Worth, promised: Promised = nothing_known) -> None:
        self.sessions, self.worth, self._promised = sessions, worth, promised

    def moment(
        self, policy: str, spec: PolicySpec, checks: Checks, request: Request, features: Features
    ) -> Mapping[str, float]:
        """Give what is known now; most often nothing."""
        said = self.sessions.moment(request, features, spec.latch.minutes)
        off = self.worth.moment(policy, checks.optional)
        measured = self.worth.reliability(policy, checks.every)
        if spec.promise is not None:
            said = {**said, **self._promised(policy, spec.promise)}
        return {**said, **measured, **off} if measured or off else said
