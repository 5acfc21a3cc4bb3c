"""Makes self-checks of their options: the fields of a check's class are what a policy may say of it."""

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from router.seams import Evaluator


class Maker:
    """An `EvaluatorMaker` of a dataclass: its fields, constrained by pydantic's means, are the options."""

    def __init__(self, check: type[Evaluator]) -> None:
        self._adapter: TypeAdapter[Evaluator] = TypeAdapter(check)
        self.schema: Mapping[str, Any] = {
            "properties": {},
            **self._adapter.json_schema(),
            "additionalProperties": False,
        }

    def __call__(self, options: Mapping[str, Any], /) -> Evaluator:
        """Make the check; raises pydantic's `ValidationError`."""
        return self._adapter.validate_python(dict(options))
