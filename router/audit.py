"""A small random share of accepted answers is looked at again, after they have gone out.

What a stronger model makes of them is the only thing that tells how often self-checks pass a wrong answer.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from router.background import Background
from router.records import UserOutcome
from router.seams import Clock, Evaluator
from router.types import Endpoint, Outcome, Purpose, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How one policy's answers are audited: what share of them, and by which evaluators, in this order."""

    share: float
    model: str
    auditors: Sequence[Evaluator]


class Auditor:
    """A follower that has accepted answers looked at in the background.

    `look` asks the auditors, `draw` throws a number in [0, 1), `told` takes what came of an audit.
    """

    def __init__(
        self,
        terms: Mapping[str, Terms],
        look: Callable[[Outcome, Sequence[Evaluator]], Awaitable[Verdict | None]],
        background: Background,
        *,
        clock: Clock,
        draw: Callable[[], float],
        told: Sequence[Callable[[Outcome, UserOutcome], None]] = (),
    ) -> None:
        self._terms, self._look, self._background = terms, look, background
        self._clock, self._draw, self._told = clock, draw, tuple(told)

    def follow(self, outcome: Outcome, /) -> None:
        terms, chosen = self._terms.get(outcome.policy), outcome.chosen
        if terms is None or chosen is None or not chosen.accepted or chosen.purpose is not Purpose.ANSWER:
            return
        if outcome.request.endpoint is not Endpoint.CHAT:
            return  # what audits judge is an answer to a question
        # Nobody learns anything from a model that is asked about itself.
        if chosen.decision.model.name != terms.model and self._draw() < terms.share:
            self._background.start(self._audit(outcome, terms), of=outcome.request.id)

    async def _audit(self, outcome: Outcome, terms: Terms) -> None:
        verdict = await self._look(outcome, terms.auditors)
        if verdict is None:
            return
        said = UserOutcome(
            time=self._clock.now(),
            request_id=outcome.request.id,
            source="audit",
            verdict="pass" if verdict.passed else "fail",
            key=outcome.request.principal.key,
        )
        for tell in self._told:
            tell(outcome, said)
