"""Self-checks: is this reply good enough to stop here?

Each takes the request and the reply and says what it thinks; of a growing reply it may say nothing yet.
A check that asks a model does so through `ask`, so that what it costs is booked.
"""

from collections.abc import Mapping
from types import MappingProxyType

from evaluators.refusal import refusal
from evaluators.shape import shape
from router.seams import Evaluator

EVALUATORS: Mapping[str, Evaluator] = MappingProxyType({"shape": shape, "refusal": refusal})
