"""Who audits which policy's answers, and who is told what came of it."""

import random
from collections.abc import Awaitable, Callable, Mapping, Sequence

from evaluators import EVALUATORS
from policies.language import Audit, PolicySpec
from router.audit import Auditor, Terms
from router.background import Background
from router.promises import Promises
from router.records import UserOutcome
from router.seams import Clock, Evaluator
from router.types import Outcome, Verdict


class Auditing:
    """What outlives a reload of all audits: those under way, and the promises they watch.

    `told` takes what came of each.
    """

    def __init__(
        self, clock: Clock, promises: Promises, told: Callable[[UserOutcome], None] | None = None
    ) -> None:
        self.background, self.promises = Background(), promises
        self._clock, self._told = clock, told

    def auditor(
        self,
        policies: Mapping[str, PolicySpec],
        look: Callable[[Outcome, Sequence[Evaluator]], Awaitable[Verdict | None]],
    ) -> Auditor:
        """Make the follower that audits the answers of `policies`; `look` asks the auditors."""

        def noted(outcome: Outcome, said: UserOutcome) -> None:
            if self._told is not None:
                self._told(said)
            risk = policies[outcome.policy].promise
            if risk is not None:
                failed = said.verdict == "fail"
                self.promises.note(outcome, risk, said.time.timestamp(), failed=failed)

        terms = {name: _terms(spec.audit) for name, spec in policies.items() if spec.audit is not None}
        return Auditor(terms, look, self.background, clock=self._clock, draw=random.random, told=[noted])


def _terms(audit: Audit) -> Terms:
    """Ask the auditing model the same, where answers can be compared; else let it mark the answer."""
    auditors = (
        EVALUATORS["agreement"]({"samples": 1, "models": [audit.model]}),
        EVALUATORS["judge"]({"model": audit.model}),
    )
    return Terms(share=audit.share, model=audit.model, auditors=auditors)
