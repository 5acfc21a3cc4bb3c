"""Did reasoning or the chat template leak into the answer?

Cost class: free.
Limits: knows the tags of common templates; what a model thinks aloud without tags passes.
A tag that the request itself contains, one in a fenced block or one in backticks is the answer's subject.
"""

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from evaluators.fences import Fences
from evaluators.text import Scan, TextCheck
from router.types import Request

TAGS = re.compile(
    r"""(?<!`)(?:
      <\|[a-z][a-z0-9_]{1,30}\|>               # ChatML, Llama 3, Phi, harmony
    | <\uff5c[^\uff5c\s]{1,30}\uff5c>          # DeepSeek
    | </?(?:think|thinking)>                   # reasoning
    | \[/?INST\] | <</?SYS>> | </s>            # Llama 2, Mistral
    | <(?:start|end)_of_turn>                  # Gemma
    | </?(?:tool_call|tool_response)>          # Hermes, Qwen
    | (?:^|\n)\#\#\#\ (?:Instruction|Human|Assistant):  # Alpaca, Vicuna
    )""",
    re.VERBOSE,
)

HINTS = ("<|", "<\uff5c", "think", "INST]", "SYS>>", "</s>", "_of_turn>", "<tool_", "</tool_", "### ")
"""One of these is in whatever `TAGS` matches; to look for them is cheaper."""

LONGEST = 48
"""Characters of the longest tag, and some more."""

THINKING = ("<think>", "</think>", "<thinking>", "</thinking>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak(TextCheck):
    """Fails an answer with tags that only a template should see."""

    name = "leak"
    thinking: Annotated[
        bool,
        Field(description="Whether reasoning between <think> tags is welcome in the answer's text."),
    ] = False

    def scan(self, request: Request) -> Scan:
        return _Scan(request, THINKING if self.thinking else ())


class _Scan:
    def __init__(self, request: Request, welcome: tuple[str, ...]) -> None:
        self._request, self._welcome = request, welcome
        self._fences, self._before = Fences(), ""

    def feed(self, text: str, /) -> str | None:
        return self._wrong("".join(piece.text for piece in self._fences.feed(text) if piece.language is None))

    def end(self) -> str | None:
        return self._wrong("".join(piece.text for piece in self._fences.end() if piece.language is None))

    def _wrong(self, prose: str) -> str | None:
        if not prose:
            return None
        seen = self._before + prose
        self._before = seen[-LONGEST:]
        if not any(hint in seen for hint in HINTS):
            return None
        for found in TAGS.finditer(seen):
            tag = found[0].strip()
            if tag not in self._welcome and not any(tag in turn.text for turn in self._request.turns):
                return "a template's tag in the answer"
        return None
