"""What can be told about a request without spending anything."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from router.types.units import nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What the classifier expects of one model: chance of an adequate answer, and its length in tokens."""

    success: float
    output_tokens: float


class Segment(NamedTuple):
    """A part of the traffic with experience of its own: the policy in force, and the kind of request."""

    policy: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """What can be told about a request without spending anything.

    `vector` is the numeric description the classifier used: numbers, never text, so that it may be kept.
    `scale` names what these numbers mean, `kind` is one of `router.kinds.KINDS`.
    `at` is the instant prices are looked up for; `images` are the pictures in the request.
    `moment` is the state of the house that a decision looks at: what rests, and how fast models are.
    Who decides reads nothing but the request and this, so that every decision can be made again.
    `longest` is the longest text's share of `prompt_tokens`, where several are sent apart.
    """

    prompt_tokens: int
    predictions: Mapping[str, Prediction]
    vector: tuple[float, ...] = ()
    scale: str = ""
    kind: str = ""
    at: datetime | None = None
    images: int = 0
    moment: Mapping[str, float] = field(default_factory=nothing)
    longest: int | None = None

    @property
    def window_tokens(self) -> int:
        """Tokens of the prompt that must find room in a context window at once."""
        return self.prompt_tokens if self.longest is None else self.longest
