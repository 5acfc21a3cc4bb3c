"""One attempt while it runs: the only mutable value on a request's way."""

from collections.abc import Callable
from datetime import datetime

from router.draft import assemble
from router.errors import UpstreamError
from router.estimating import Call, used
from router.seams import Burst, Clock
from router.served import is_substitute
from router.types import (
    Attempt,
    Charge,
    Decision,
    Delta,
    Ending,
    Features,
    Model,
    Purpose,
    Reply,
    Request,
    Status,
    Usage,
    Verdict,
)


class Trial:
    """Collects what an upstream call yields, and becomes an `Attempt` whatever happens."""

    def __init__(
        self, request: Request, features: Features, decision: Decision, *, clock: Clock, purpose: Purpose
    ) -> None:
        self.request, self.features, self.decision, self.purpose = request, features, decision, purpose
        self.deltas: list[Delta] = []
        self.ending: Ending | None = None
        self.verdicts: tuple[Verdict, ...] = ()
        self.error: UpstreamError | None = None
        self.status = Status.FAILED
        self.committed = self.substituted = False
        self.characters = 0
        self._clock = clock
        self._began: datetime = clock.now()
        self._start = clock.monotonic()
        self._first: float | None = None
        self._served: str | None = None
        self._served_id: str | None = None
        self._whole: Reply | None = None

    def add(self, item: Burst | Ending) -> None:
        """Note what came; the model that is said to serve is looked at as soon as it is said."""
        if isinstance(item, Ending):
            self.ending = item
            self._look_at(item.served_model)
            return
        if self._first is None:
            self._first = self._clock.monotonic()
        self.deltas += item
        if self._served_id is None:
            self._served_id = item[0].served_id
        for delta in item:
            self.characters += len(delta.text)
            self._look_at(delta.served_model)

    def _look_at(self, served: str | None) -> None:
        # The first wrong name stands, whatever the upstream says later.
        if served is not None and served != self._served and not self.substituted:
            self._served = served
            self.substituted = is_substitute(self.decision.model, served)

    @property
    def served_model(self) -> str | None:
        return self._served

    def since_first_ms(self) -> float:
        return 0.0 if self._first is None else (self._clock.monotonic() - self._first) * 1000

    def reply(self) -> Reply:
        """What has come so far; nothing comes after the ending, so a whole reply is put together once."""
        if self.ending is None:
            return assemble(self.deltas, None)
        if self._whole is None:
            self._whole = assemble(self.deltas, self.ending)
        return self._whole

    def attempt(
        self,
        number: int,
        *,
        charge: Callable[[Model, Usage, datetime], Charge],
        count: Callable[[str], int],
    ) -> Attempt:
        """Close the books on this call."""
        reply = self.reply() if self.deltas else None
        model = self.decision.model
        call = Call(request=self.request, features=self.features, model=model, reply=reply, error=self.error)
        usage = used(call, count)
        now = self._clock.monotonic()
        return Attempt(
            number=number,
            purpose=self.purpose,
            decision=self.decision,
            status=self.status,
            started=self._began,
            duration_ms=round((now - self._start) * 1000, 3),
            first_token_ms=round((self._first - self._start) * 1000, 3) if self._first is not None else None,
            reply=reply,
            error=self.error,
            verdicts=self.verdicts,
            usage=usage,
            charge=charge(model, usage, self._began),
            served_id=self._served_id,
            substituted=self.substituted,
            committed=self.committed,
        )
