"""What can be told about a request without spending anything; the one door to tiktoken.

The vocabulary comes from litellm's wheel, which carries tiktoken's files under tiktoken's own cache names,
so nothing is fetched at run time.
"""

import os
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

import orjson
import tiktoken

from router.errors import ConfigError
from router.kinds import kind_of
from router.seams import Predictor
from router.types import Capability, Endpoint, Features, Model, Prediction, Request, Segment

TURN_OVERHEAD = 4
"""Tokens a chat template puts around a message, about."""

CHARACTERS_A_TOKEN = 4

COUNTED = 60_000
"""Characters of a request that are counted; a longer one is extrapolated from this much."""

PIECE = 4_000
"""Characters encoded at once: byte-pair merging is worse than linear in a run without a break."""


def vocabulary() -> tiktoken.Encoding:
    """Load o200k, offline. Takes 0.4 s and 45 MB: once a process."""
    spec = find_spec("litellm")
    if spec is None or spec.origin is None:
        raise ConfigError("litellm is not installed, and with it the tokeniser's vocabulary is missing.")
    bundled = Path(spec.origin).parent / "litellm_core_utils" / "tokenizers"
    # tiktoken takes the folder from the environment alone, and would else fetch the file from the web.
    os.environ.setdefault("TIKTOKEN_CACHE_DIR", str(bundled))  # noqa: TID251 - the reason is above
    encoding = tiktoken.get_encoding("o200k_base")
    # What it was made of is kept beside it for pickling alone, and is another 25 MB.
    encoding._mergeable_ranks = {}  # noqa: SLF001 - there is no other way to let go of them
    return encoding


class TokenCounter:
    """Counts tokens in bounded time: exact up to `COUNTED` characters, extrapolated beyond."""

    def __init__(self, encoding: tiktoken.Encoding) -> None:
        self._encode = encoding.encode_ordinary

    def __call__(self, text: str) -> int:
        if len(text) <= PIECE:
            return len(self._encode(text))
        counted = text[:COUNTED]
        tokens = sum(len(self._encode(counted[i : i + PIECE])) for i in range(0, len(counted), PIECE))
        return tokens if len(text) <= COUNTED else tokens * len(text) // COUNTED + 1


class Measurer:
    """Counts the prompt and asks the classifier."""

    def __init__(self, count: Callable[[str], int], predictor: Predictor) -> None:
        self._count, self._predictor = count, predictor

    def __call__(self, request: Request, models: Sequence[Model], policy: str = "", /) -> Features:
        if request.endpoint is Endpoint.EMBEDDINGS:
            return self._vectors(request, models)
        vector, tokens = self._predictor.describe(request.turns), self.prompt_tokens(request)
        kind = kind_of(request, tokens)
        return Features(
            prompt_tokens=tokens,
            predictions=self._predictor.predict(vector, models, Segment(policy, kind)),
            vector=vector,
            scale=self._predictor.scale,
            kind=kind,
            images=_images(request) if Capability.VISION in request.needs else 0,
            longest=self._longest(request) if request.apart else None,
        )

    def _vectors(self, request: Request, models: Sequence[Model]) -> Features:
        """Tell of texts whose vectors are wanted: there is nothing to fail at, and nothing is written."""
        return Features(
            prompt_tokens=self.prompt_tokens(request),
            predictions={model.name: Prediction(success=1.0, output_tokens=0.0) for model in models},
            longest=self._longest(request) if request.apart else None,
        )

    def _longest(self, request: Request) -> int:
        """Tokens of the longest of several texts."""
        if request.token_counts:
            return max(request.token_counts)
        return self._count(max((turn.text for turn in request.turns), key=len)) + TURN_OVERHEAD

    def prompt_tokens(self, request: Request) -> int:
        """Tokens of all turns and declared tools; pictures and sound are not counted."""
        text = "\n".join(turn.text for turn in request.turns)
        declared = sum(len(orjson.dumps(tool.parameters)) + len(tool.name) for tool in request.tools)
        given = sum(request.token_counts) + TURN_OVERHEAD * len(request.turns)
        return self._count(text) + given + declared // CHARACTERS_A_TOKEN


def _images(request: Request) -> int:
    """Pictures in the messages."""
    contents = [message.get("content") for message in request.body.get("messages", ())]
    parts = [part for content in contents if isinstance(content, list) for part in content]
    return sum(part.get("type") in {"image_url", "image"} for part in parts)
