"""What most self-checks have in common."""

from collections.abc import Sequence
from typing import ClassVar

from pydantic import ConfigDict

from router.seams import Watch
from router.types import CostClass, Request, Verdict


class Check:
    """A check that is free, asks no model and judges whole answers; subclasses say otherwise.

    A subclass is a frozen dataclass whose fields are its options, and has a `name`.
    """

    __slots__ = ()
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")
    cost_class: ClassVar[CostClass] = CostClass.FREE

    @property
    def name(self) -> str:
        raise NotImplementedError

    @property
    def asks(self) -> Sequence[str]:
        return ()

    def watch(self, request: Request, /) -> Watch | None:  # noqa: ARG002 - the seam
        return None

    def passed(self, *, score: float | None = None) -> Verdict:
        return Verdict(check=self.name, passed=True, score=score)

    def failed(self, reason: str, *, score: float | None = None) -> Verdict:
        return Verdict(check=self.name, passed=False, reason=reason, score=score)
