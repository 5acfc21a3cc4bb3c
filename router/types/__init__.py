"""The words of the house, in the order a request meets them.

`Request -> Features -> Decision -> Delta... Ending -> Reply -> Verdict -> Attempt -> Outcome`, and then
`LedgerEntry` (`entry.py`).

`Principal` and `Request` say who asks what, `Features` and `Model` what is known of both, `Decision` what is
tried, `Reply` what came, `Attempt` how it went and `Outcome` what became of it: a file each.

Every value is frozen, slotted and keyword-only.
Money is an integer of picodollars (1e-12 USD), never a float.
Unknown is `None`, never 0.
"""

from router.types.attempt import Attempt, Charge, CostClass, Purpose, Status, Verdict
from router.types.decision import AS_SENT, Amendment, Arm, Decision, Release, Rescue
from router.types.features import Features, Prediction, Segment
from router.types.model import CHAT_ALONE, Evidence, Fact, Model, Thinking
from router.types.outcome import Counterfactual, Outcome
from router.types.prices import Machine, Override, Prices, Rates
from router.types.principal import EVERYTHING, Principal, Role, Scopes
from router.types.reply import Choice, Delta, Ending, Grade, Reply, ToolCall, Usage
from router.types.request import (
    ONE_SPACE,
    AnswerForm,
    Capability,
    Endpoint,
    Lane,
    Limits,
    Request,
    Signals,
    Tool,
    Turn,
)
from router.types.units import DOLLAR, NOTHING, Picodollars

__all__ = [
    "AS_SENT",
    "CHAT_ALONE",
    "DOLLAR",
    "EVERYTHING",
    "NOTHING",
    "ONE_SPACE",
    "Amendment",
    "AnswerForm",
    "Arm",
    "Attempt",
    "Capability",
    "Charge",
    "Choice",
    "CostClass",
    "Counterfactual",
    "Decision",
    "Delta",
    "Ending",
    "Endpoint",
    "Evidence",
    "Fact",
    "Features",
    "Grade",
    "Lane",
    "Limits",
    "Machine",
    "Model",
    "Outcome",
    "Override",
    "Picodollars",
    "Prediction",
    "Prices",
    "Principal",
    "Purpose",
    "Rates",
    "Release",
    "Reply",
    "Request",
    "Rescue",
    "Role",
    "Scopes",
    "Segment",
    "Signals",
    "Status",
    "Thinking",
    "Tool",
    "ToolCall",
    "Turn",
    "Usage",
    "Verdict",
]
