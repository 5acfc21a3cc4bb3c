"""Did the model decline instead of answering?

Cost class: free.
Limits: looks for set phrases at the beginning of the text, in ten languages.
A refusal in other words passes, and so does one that follows a long preamble.
"""

import re
from dataclasses import dataclass

from evaluators.base import Check
from router.seams import Ask, Burst, Watch
from router.types import Reply, Request, Verdict

HEAD = 240
"""Characters from the start that are looked at."""

PHRASES = re.compile(
    r"""
      \bi(?:\ am|'m)\ (?:very\ |really\ |so\ )?sorry,?\ (?:but\ )?(?:i\ )?
      (?:can(?:no|')t|am\ (?:unable|not\ able)|won't)
    | \bi\ (?:can(?:no|')t|am\ (?:unable|not\ able)\ to|'m\ (?:unable|not\ able)\ to|won't|must\ decline\ to)
      \ (?:assist|help|provide|comply|answer|fulfil|fulfill|do\ that|create|generate|write|discuss|continue)
    | \bi'm\ (?:unable|not\ able)\ to\ (?:assist|help|provide|comply|answer|fulfil|create|generate|write)
    | \bas\ an\ ai(?:\ language)?(?:\ model|\ assistant)?,?\ i\ (?:can(?:no|')t|don't|do\ not|am\ not)
    | \bes\ tut\ mir\ leid,?\ (?:aber\ )?(?:ich\ kann|dabei\ kann|das\ kann)
    | \bich\ kann\ (?:ihnen\ |dir\ )?(?:dabei|damit|das)\ (?:leider\ )?nicht
    | \bje\ suis\ d[ée]sol[ée]e?,?\ (?:mais\ )?je\ ne\ (?:peux|suis)
    | \bje\ ne\ (?:peux|suis)\ pas\ (?:en\ mesure\ )?(?:vous\ )?(?:d'|de\ )?(?:aider|r[ée]pondre|fournir)
    | \blo\ siento,?\ (?:pero\ )?no\ puedo
    | \bno\ puedo\ (?:ayudar|proporcionar|responder|cumplir)
    | \bmi\ dispiace,?\ (?:ma\ )?non\ posso
    | \b(?:sinto\ muito|desculpe|lamento),?\ (?:mas\ )?n[ãa]o\ posso
    | \bhet\ spijt\ me,?\ (?:maar\ )?ik\ kan
    | (?:извините|простите|к\ сожалению),?\ (?:но\ )?я\ не\ могу
    | (?:抱歉|对不起|很遗憾)[\uff0c,]?\ ?(?:但)?我(?:无法|不能)
    | (?:申し訳(?:ありません|ございません)).{0,20}(?:できません|お答えできません)
    """,
    re.IGNORECASE | re.VERBOSE,
)


HINTS = (
    *(
        "sorry",
        "i can",
        "unable",
        "not able",
        "i won't",
        "must decline",
        "as an ai",
        "tut mir leid",
        "ich kann",
    ),
    *(
        "je suis d",
        "je ne ",
        "lo siento",
        "no puedo",
        "dispiace",
        "posso",
        "spijt",
        "не могу",
        "我",
        "できません",
    ),
)
"""One of these is in every text that `PHRASES` can match, and to look for them takes a tenth of the time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal(Check):
    """Fails a reply whose first choice refuses, was filtered, or declines in a set phrase."""

    name = "refusal"

    def watch(self, request: Request, /) -> Watch:  # noqa: ARG002 - the seam
        return _Watch(self)

    async def judge(self, request: Request, reply: Reply, ask: Ask, /) -> Verdict | None:  # noqa: ARG002 - the seam
        if not reply.choices:
            return None
        first = reply.choices[0]
        reason = _reason(first.text[:HEAD], first.refusal, first.finish_reason)
        return self.passed() if reason is None else self.failed(reason)


class _Watch:
    """Looks again whenever more of the beginning came."""

    def __init__(self, check: Refusal) -> None:
        self._check, self._head = check, ""

    def feed(self, burst: Burst, /) -> Verdict | None:
        before, said, finish = len(self._head), "", None
        for delta in burst:
            if delta.choice == 0:
                self._head += delta.text[: HEAD - len(self._head)]
                said, finish = said or delta.refusal, finish or delta.finish_reason
        # Once for all that came together: the head is read anew each time.
        reason = _reason(self._head if len(self._head) > before else "", said, finish)
        return None if reason is None else self._check.failed(reason)


def _reason(head: str, refusal: str, finish_reason: str | None) -> str | None:
    if refusal or finish_reason == "content_filter":
        return "the model refused"
    head = head.replace("\u2019", "'")
    lowered = head.lower()
    if any(hint in lowered for hint in HINTS) and PHRASES.search(head):
        return "the answer begins like a refusal"
    return None
