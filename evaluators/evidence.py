"""What can be told of a recorded answer once it is there: checks run on it as they would on a live one."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from evaluators import EVALUATORS
from evaluators.normal import normal_form
from evaluators.records import Answer, Doubles, Records
from router.errors import FarthingError
from router.seams import Evaluator
from router.types import Choice, Principal, Reply, Request, Turn, Verdict

FREE = ("shape", "refusal", "leak", "repetition", "language", "arithmetic", "code", "hedging")
"""The checks that read the answer alone."""

CUT = 3_990
"""Characters from which on a kept text may have been cut; its form is not judged."""


class Nobody:
    """An `Ask` for checks that must not."""

    model = ""

    async def __call__(self, model: str, request: Request, /) -> Reply:  # noqa: ARG002 - the seam
        raise FarthingError("A free check asked a model.")


def free_checks() -> Mapping[str, Evaluator]:
    return {name: EVALUATORS[name]({}) for name in FREE}


def asked(text: str) -> Request:
    """A recorded prompt as a request."""
    return Request(
        id="", asked="", dialect="", principal=Principal(), turns=(Turn(role="user", text=text),), body={}
    )


async def fired(checks: Mapping[str, Evaluator], request: Request, text: str) -> list[str]:
    """Name the checks that fail the answer."""
    reply = Reply(choices=(Choice(text=text, finish_reason="stop"),))
    failed = []
    for name, check in checks.items():
        if name == "shape" and len(text) >= CUT:
            continue
        verdict: Verdict | None = await check.judge(request, reply, Nobody())
        if verdict is not None and not verdict.passed:
            failed.append(name)
    return failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Signals of the answers to some prompts (n, signals), with a name for each."""

    names: tuple[str, ...]
    table: Doubles


async def of_text(records: Records, source: str, model: str, prompts: Sequence[str]) -> Evidence:
    """The free checks' verdicts, whether the answer has a point, its length, and what the source noted."""
    checks, answers = free_checks(), records.answers[source, model]
    missing = records.signs.get("no_answer_extracted", {})
    rows = []
    for one in prompts:
        text = answers[one].text
        failed = await fired(checks, asked(records.prompts[one].text), text) if text is not None else []
        pointless = text is not None and normal_form(text) is None
        noted = (source, model, one) in missing
        rows.append([*(name in failed for name in FREE), pointless or noted, _length(answers[one])])
    return Evidence(names=(*FREE, "no answer", "length"), table=np.array(rows, float))


def _length(answer: Answer) -> float:
    return math.log1p(answer.tokens_out or 0.0) / 5


def agreement(
    records: Records, source: str, model: str, others: Sequence[str], prompts: Sequence[str]
) -> Evidence:
    """The share of other models whose answers come to the same (`normal.py`)."""
    rows = []
    for one in prompts:
        own = normal_form(records.answers[source, model][one].text or "")
        said = [normal_form(records.answers[source, other][one].text or "") for other in others]
        rows.append([float(np.mean([own is not None and each == own for each in said])), own is None])
    return Evidence(names=("agreement", "nothing to compare"), table=np.array(rows, float))


def votes(records: Records, source: str, model: str, prompts: Sequence[str]) -> Evidence:
    """The recorded share of samples that gave the most frequent answer."""
    noted = records.signs["vote_agreement"]
    return Evidence(
        names=("agreement",), table=np.array([[noted[source, model, one]] for one in prompts], float)
    )
