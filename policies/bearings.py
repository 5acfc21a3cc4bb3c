"""What a decision is told of this moment beside what rests: conversations, checks that do not pay, risk."""

from collections.abc import Mapping

from policies.language import PolicySpec
from policies.sessions import Sessions
from policies.worth import Worth
from router.types import Features, Request


class Bearings:
    """Asks the meters, and puts what they say into one mapping (see `policies/standing.py` for its keys)."""

    def __init__(self, sessions: Sessions, worth: Worth) -> None:
        self.sessions, self.worth = sessions, worth

    def moment(
        self, policy: str, spec: PolicySpec, request: Request, features: Features
    ) -> Mapping[str, float]:
        """Give what is known now; most often nothing."""
        kept = {check.label for check in spec.checks if not check.keep}
        said = self.sessions.moment(request, features, spec.latch.minutes)
        off = self.worth.moment(policy, kept)
        return {**said, **off} if said or off else said
