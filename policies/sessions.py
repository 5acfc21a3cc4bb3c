"""What is remembered of conversations while they go on: who answered last, and whether there is trouble.

Kept in memory, in each worker process for itself, bounded, and forgotten when a conversation rests:
a caller whose turns reach several workers is known to each by what it saw.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from router.records import UserOutcome
from router.seams import Clock
from router.types import NOTHING, Attempt, Features, Model, Outcome, Request

WARM = 300.0
"""Seconds after which a provider's prompt cache is taken to have forgotten."""

SETTLED = 2
"""Turns that a stronger model is given before more trouble calls for a still stronger one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One conversation, as of its last answer.

    `kept` is what staying with `model` saves of the next prompt, in picodollars.
    `above` is the model that was in trouble: only stronger ones serve until `until`.
    """

    seen: float
    model: Model | None = None
    request_id: str = ""
    turns: int = 0
    calls: frozenset[str] = frozenset()
    kept: int = 0
    above: str | None = None
    until: float = 0.0
    settling: int = 0


class Sessions:
    """A meter of conversations; `told` takes what they say of an earlier answer."""

    def __init__(
        self,
        clock: Clock,
        told: Callable[[UserOutcome], None] | None = None,
        *,
        most: int = 10_000,
        idle: float = 3600.0,
    ) -> None:
        self._clock, self._told, self._most, self._idle = clock, told, most, idle
        self._sessions: OrderedDict[str, Session] = OrderedDict()

    def moment(self, request: Request, features: Features, minutes: float) -> Mapping[str, float]:
        """Tell a decision what is known: `above:MODEL` (seconds left), `kept:MODEL` (picodollars)."""
        session = self._known(request)
        if session is None:
            return NOTHING
        session = self._latched(session, request, minutes)
        now, told = self._clock.monotonic(), {}
        if session.above is not None and session.until > now:
            told[f"above:{session.above}"] = round(session.until - now, 1)
        continues = len(request.turns) > session.turns and now - session.seen < WARM
        if session.kept and continues and session.model is not None:
            told[f"kept:{session.model.name}"] = float(
                min(session.kept, _saving(session.model, features.prompt_tokens))
            )
        return told

    def follow(self, outcome: Outcome, /) -> None:
        """Remember who answered; what the conversation says of the answer before it is told."""
        request, chosen = outcome.request, outcome.chosen
        session = self._known(request) or Session(seen=0.0)
        self._tell(session, request)
        if chosen is None or chosen.reply is None or not request.signals.conversation:
            return
        calls = [call.id for choice in chosen.reply.choices for call in choice.tool_calls if call.id]
        self._keep(
            request,
            replace(
                session,
                seen=self._clock.monotonic(),
                model=chosen.decision.model,
                request_id=request.id,
                turns=len(request.turns),
                calls=frozenset(calls),
                kept=_kept(chosen, first=not session.turns),
                settling=max(0, session.settling - 1),
            ),
        )

    def _latched(self, session: Session, request: Request, minutes: float) -> Session:
        """Begin or lengthen the latch of a session in trouble."""
        if not minutes or session.model is None or request.signals.trouble is None:
            return session
        above = session.above if session.settling else session.model.name
        settling = session.settling or SETTLED
        latched = replace(
            session, above=above, settling=settling, until=self._clock.monotonic() + minutes * 60
        )
        self._keep(request, latched)
        return latched

    def _tell(self, session: Session, request: Request) -> None:
        """Say only what is certain: a call that its own tool refused, a question put again word for word."""
        if self._told is None or not session.request_id or len(request.turns) <= session.turns:
            return
        source = None
        if session.calls & set(request.signals.refused_calls):
            source = "tool_refused"
        elif request.signals.asked_again and len(request.turns) == session.turns + 2:
            source = "asked_again"
        if source is not None:
            self._told(
                UserOutcome(
                    time=self._clock.now(),
                    request_id=session.request_id,
                    source=source,
                    verdict="fail",
                    key=request.principal.key,
                )
            )

    def _known(self, request: Request) -> Session | None:
        session = self._sessions.get(request.signals.conversation)
        if session is None or self._clock.monotonic() - session.seen > self._idle:
            return None
        return session

    def _keep(self, request: Request, session: Session) -> None:
        conversation = request.signals.conversation
        self._sessions[conversation] = session
        self._sessions.move_to_end(conversation)
        while len(self._sessions) > self._most:
            self._sessions.popitem(last=False)


def _kept(attempt: Attempt, *, first: bool) -> int:
    """What of this prompt the same model's cache will spare of the next, in picodollars."""
    if attempt.usage.cached == 0 and not first:
        return 0  # it has said that it caches nothing
    return _saving(attempt.decision.model, attempt.usage.input or 0)


def _saving(model: Model, tokens: int) -> int:
    prices = model.prices
    if prices is None or prices.cached_input is None:
        return 0
    return max(0, tokens * (prices.input - prices.cached_input))
