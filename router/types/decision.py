"""What to try next."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from router.types.model import Model
from router.types.reply import Reply
from router.types.units import Picodollars, nothing


class Release(StrEnum):
    """When the caller sees a reply.

    RELAYED goes out as it arrives and can be neither checked nor retried after its first byte.
    HELD waits, whole, until its checks pass.
    GATED holds a bounded prefix, then commits to the caller or is dropped unseen.
    """

    RELAYED = "relayed"
    HELD = "held"
    GATED = "gated"


class Rescue(StrEnum):
    """How the same model may be asked again after a check failed."""

    RESAMPLE = "resample"  # the same question once more
    REPAIR = "repair"  # with the rejected answer and what is wrong with it
    THINK = "think"  # with the order to think more


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendment:
    """What is changed in a copy of the caller's body before it is sent; never stored.

    `draft` is the rejected answer and `complaint` what was wrong with it, both for a repair.
    `logprobs` asks for the tokens' log-probabilities, which a caller who did not is not shown.
    """

    rescue: Rescue | None = None
    draft: Reply | None = None
    complaint: str = ""
    logprobs: bool = False


AS_SENT = Amendment()
"""Nothing is changed."""


class Arm(StrEnum):
    """On which side of a comparison a request was drawn, where its policy has a control arm."""

    ROUTED = "routed"
    CONTROL = "control"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to try next, and why.

    `hold_tokens` and `hold_ms` bound the prefix of a GATED reply: whichever is met first ends the hold.
    `last` says that no other attempt may follow: it is read to its end even if a check fails on the way,
    because it may be the best answer there will be.
    `moment` is the state of the house it was decided on (see `Features`).
    `propensity` is the chance with which this was drawn, where anything was.
    """

    model: Model
    reason: str
    checks: tuple[str, ...] = ()
    release: Release = Release.HELD
    hold_tokens: int = 48
    hold_ms: float = 800.0
    refuses_substitutes: bool = True
    expected_cost: Picodollars | None = None
    amendment: Amendment = AS_SENT
    last: bool = False
    moment: Mapping[str, float] = field(default_factory=nothing)
    arm: Arm | None = None
    propensity: float | None = None

    @property
    def variant(self) -> str:
        """How the caller's request is changed on its way: empty if it is sent as it came."""
        return self.amendment.rescue or ""
