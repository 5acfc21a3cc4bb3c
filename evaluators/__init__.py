"""Self-checks: is this reply good enough to stop here?

Each has two faces: a watch that is fed a growing reply and says when it is sure to fail,
and a judgement of the whole.
A check that asks a model does so through `ask`, so that what it costs is booked.
"""

from collections.abc import Mapping
from types import MappingProxyType

from evaluators.agreement import Agreement
from evaluators.arithmetic import Arithmetic
from evaluators.code import Code
from evaluators.confidence import Confidence
from evaluators.hedging import Hedging
from evaluators.judge import Judge
from evaluators.language import Language
from evaluators.leak import Leak
from evaluators.making import Maker
from evaluators.own import Command, Python
from evaluators.refusal import Refusal
from evaluators.repetition import Repetition
from evaluators.shape import Shape
from router.seams import EvaluatorMaker

EVALUATORS: Mapping[str, EvaluatorMaker] = MappingProxyType(
    {
        "shape": Maker(Shape),
        "refusal": Maker(Refusal),
        "leak": Maker(Leak),
        "repetition": Maker(Repetition),
        "language": Maker(Language),
        "arithmetic": Maker(Arithmetic),
        "code": Maker(Code),
        "hedging": Maker(Hedging),
        "confidence": Maker(Confidence),
        "agreement": Maker(Agreement),
        "judge": Maker(Judge),
        "python": Maker(Python),
        "command": Maker(Command),
    }
)
"""Cheapest first."""
