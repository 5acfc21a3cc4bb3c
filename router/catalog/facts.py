"""Facts about open-weight models: our own list, `models.yaml`.

A model goes by many names: a tag at Ollama, a repository at Hugging Face, a provider's path, a file.
`Facts.find` knows them by their stem: the name without owner, quantisation and separators.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from router.catalog.tables import read_table
from router.types import Capability

_ENDINGS = re.compile(
    r"[-.@](?:instruct|it|chat|hf|turbo|free|latest|tee|ud|dynamic|qat|gguf|mlx|awq|gptq|dwq|mxfp4|nvfp4|fp4|fp8|fp16|"
    r"bf16|f16|int[48]|[348]bit|w\d+a\d+|i?q\d(?:-[a-z0-9]+)*)$"
)
_POINT = re.compile(r"(?<=\d)p(?=\d)")
_SEPARATORS = re.compile(r"[-\s]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """What is true of a model's weights, wherever they run.

    `params_b` and `active_params_b` are billions of parameters, in all and per token.
    `context_window` is what it was made for; an engine may be started with less.
    `capabilities` are those of the weights; what an engine adds (schemas, log probabilities) is not there.
    `rung` is our own rough placing for a first configuration, 1 (small) to 4 (largest); without one, a model
    is not offered there.
    """

    id: str
    family: str
    params_b: float | None = None
    active_params_b: float | None = None
    licence: str | None = None
    context_window: int | None = None
    capabilities: frozenset[Capability] = frozenset()
    rung: int | None = None


class Facts:
    """The list, looked up by any name a model goes by."""

    def __init__(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self._by_stem: dict[str, ModelFacts] = {}
        for row in rows:
            facts = _facts(row)
            for name in (facts.id, *row.get("names", ())):
                known = self._by_stem.setdefault(stem(name), facts)
                if known is not facts:
                    raise ValueError(f"{name!r} means both {known.id} and {facts.id}.")

    @classmethod
    def load(cls) -> "Facts":
        """Read `models.yaml`."""
        return cls(read_table("models.yaml")["models"])

    def find(self, name: str) -> ModelFacts | None:
        """Return the facts of the model that goes by `name`, or `None`."""
        return self._by_stem.get(stem(name))

    def __iter__(self) -> Iterator[ModelFacts]:
        return iter(dict.fromkeys(self._by_stem.values()))


def stem(name: str) -> str:
    """Reduce a name to what tells weights apart: `Qwen/Qwen3-8B-AWQ` and `qwen3:8b-q4_K_M` are `qwen38b`."""
    text = _POINT.sub(".", name.lower().rpartition("/")[2]).replace("_", "-").replace(":", "-")
    while (shorter := _ENDINGS.sub("", text)) != text:
        text = shorter
    return _SEPARATORS.sub("", text.removeprefix("meta-"))


def _facts(row: Mapping[str, Any]) -> ModelFacts:
    stated = {key: value for key, value in row.items() if key not in {"names", "capabilities"}}
    capabilities = frozenset(Capability(one) for one in row.get("capabilities", ()))
    return ModelFacts(**stated, capabilities=capabilities)
