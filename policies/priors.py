"""What checks and second tries are taken to be worth until own traffic tells: assumptions, in one table.

`Features.moment` overrides them with what was measured here (`policies/worth.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from router.types import Release, Rescue


@dataclass(frozen=True, slots=True, kw_only=True)
class Reliability:
    """How a check does: the share of wrong answers it catches, and of right ones it condemns."""

    catch: float
    alarm: float


CHECKS: Mapping[str, Reliability] = MappingProxyType(
    {
        "shape": Reliability(catch=0.22, alarm=0.001),
        "refusal": Reliability(catch=0.12, alarm=0.002),
        "repetition": Reliability(catch=0.019, alarm=0.005),
        "language": Reliability(catch=0.001, alarm=0.0005),
        "leak": Reliability(catch=0.001, alarm=0.0005),
        "code": Reliability(catch=0.035, alarm=0.029),
        "arithmetic": Reliability(catch=0.008, alarm=0.002),
        "hedging": Reliability(catch=0.003, alarm=0.0005),
        "confidence": Reliability(catch=0.40, alarm=0.15),
        "agreement": Reliability(catch=0.30, alarm=0.08),
        "judge": Reliability(catch=0.50, alarm=0.10),
    }
)
"""By the check's name.

Those of checks that read prose are measured (`farthing evaluate checks`, 40,000 recorded answers to exam,
mathematics, code and chat prompts); where answers are JSON with formulas in it, `code` catches 0.19 and
condemns 0.09. `agreement` is that of ten recorded samples, less than half alike.
The records have no calls of tools, no schemas and nothing to refuse, so `shape` and `refusal` are assumed,
and so is what needs log-probabilities or a judge.
"""

ANSWERS_ASKED: Mapping[str, float] = MappingProxyType({"agreement": 3.0, "judge": 0.7})
"""What checks that ask models cost, in answers of the model they ask; `samples` overrides it."""

UNKNOWN_CHECK = Reliability(catch=0.10, alarm=0.02)

SEEN_IN_TIME: Mapping[Release, float] = MappingProxyType(
    {Release.HELD: 1.0, Release.GATED: 0.6, Release.RELAYED: 0.0}
)
"""Share of the failures that a check sees before the caller sees the answer."""

ALIKE = 0.2
"""Correlation of two models' failures at the same request: who fails tells that it is hard."""

PASSES: Mapping[str, Mapping[Rescue, float]] = MappingProxyType(
    {
        "form": MappingProxyType({Rescue.REPAIR: 0.70, Rescue.RESAMPLE: 0.50, Rescue.THINK: 0.40}),
        "empty": MappingProxyType({Rescue.RESAMPLE: 0.60, Rescue.THINK: 0.30}),
        "cut": MappingProxyType({Rescue.RESAMPLE: 0.25}),
        "refusal": MappingProxyType({Rescue.RESAMPLE: 0.25, Rescue.THINK: 0.25}),
        "sense": MappingProxyType({Rescue.THINK: 0.50, Rescue.REPAIR: 0.40, Rescue.RESAMPLE: 0.30}),
    }
)
"""Chance that a second try passes the check that failed, by the kind of failure."""

TIMES: Mapping[Rescue, float] = MappingProxyType(
    {Rescue.RESAMPLE: 1.0, Rescue.REPAIR: 1.3, Rescue.THINK: 3.0}
)
"""What a second try costs, in first tries: a repair reads the draft, thinking is written and paid."""

FORMS = (
    "invalid",
    "against the schema",
    "unknown tool",
    "tool arguments",
    "does not parse",
    "fence",
    "not an",
)


def kind_of(check: str, reason: str) -> str:
    """Sort a failing verdict into the kinds of `PASSES`."""
    if check == "refusal":
        return "refusal"
    if "cut off" in reason:
        return "cut"
    if reason == "empty":
        return "empty"
    if check in {"shape", "code", "leak", "language"} or any(word in reason for word in FORMS):
        return "form"
    return "sense"


def together(checks: Mapping[str, Reliability]) -> Reliability:
    """Several checks in a row, taken as independent: one that fails is enough."""
    missed = silent = 1.0
    for reliability in checks.values():
        missed *= 1.0 - reliability.catch
        silent *= 1.0 - reliability.alarm
    return Reliability(catch=1.0 - missed, alarm=1.0 - silent)
