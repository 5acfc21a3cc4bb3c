"""Self-checks: is this reply good enough to stop here?

Each has two faces: a watch that is fed a growing reply and says when it is sure to fail,
and a judgement of the whole.
A check that asks a model does so through `ask`, so that what it costs is booked.
"""

from collections.abc import Mapping
from types import MappingProxyType

from evaluators.making import Maker
from evaluators.refusal import Refusal
from evaluators.shape import Shape
from router.seams import EvaluatorMaker

EVALUATORS: Mapping[str, EvaluatorMaker] = MappingProxyType(
    {check.name: Maker(check) for check in (Shape, Refusal)}
)
