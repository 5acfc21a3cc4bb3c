"""Spilling: a batch whose preferred models would be late goes to the policy's others, visibly."""

from collections.abc import Container, Mapping
from dataclasses import replace

from policies.candidates import Candidates
from policies.language import PolicySpec
from router.errors import Refusal
from router.seams import Plan
from router.types import Request

LATE = "late pool"
"""The label of a line that its engines will not answer in time; no header is called so."""

SPILLED = "spilled: the preferred models would be late"


def late(request: Request) -> Request:
    """Say of a line that those it would go to are late."""
    return replace(request, labels={**request.labels, LATE: "yes"})


def tiers(
    spec: PolicySpec,
    request: Request,
    allowed: Candidates,
    preferred: Container[str],
    refused: dict[str, Refusal],
) -> list[Candidates]:
    """Sort the models that may serve into those that are asked first and those asked after them.

    The others come first where the preferred are late: only a policy that prefers, and lets spill, has them.
    """
    if spec.prefer is None:
        return [allowed] if allowed else []
    first, others = allowed.only(preferred), allowed.without(preferred)
    if spec.spill == "refuse":
        refused |= {
            model.name: Refusal(rule="prefer", reason="is not preferred, and `spill` is `refuse`")
            for model in others
        }
        others = others.only(())
    order = (others, first) if LATE in request.labels else (first, others)
    return [tier for tier in order if tier]


def told(plan: Plan, preferred: Container[str]) -> Plan:
    """Say of every step to a model that is not preferred that it is a spilled one."""
    try:
        decision = next(plan)
        while True:
            spilled = decision.model.name not in preferred
            reason = f"{SPILLED}; {decision.reason}" if spilled else decision.reason
            decision = plan.send((yield replace(decision, reason=reason)))
    except StopIteration:
        return
    finally:
        plan.close()


def is_spilled(reason: str, labels: Mapping[str, str]) -> bool:
    """Tell whether a decision was a spilled one."""
    return LATE in labels and reason.startswith(SPILLED)
