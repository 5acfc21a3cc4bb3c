"""Did the model decline instead of answering?

Cost class: free.
Limits: looks for set phrases at the beginning of the text, in ten languages.
A refusal in other words passes, and so does one that follows a long preamble.
"""

import re

from router.seams import Ask
from router.types import Reply, Request, Verdict

HEAD = 240
"""Characters from the start that are looked at."""

ENOUGH = 80
"""Characters of a growing text after which its beginning can be judged."""

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


async def refusal(request: Request, reply: Reply, ask: Ask, /) -> Verdict | None:  # noqa: ARG001 - the seam
    """Fail a reply whose first choice refuses, was filtered, or declines in a set phrase."""
    if not reply.choices:
        return None
    first = reply.choices[0]
    if first.refusal or first.finish_reason == "content_filter":
        return Verdict(check="refusal", passed=False, reason="the model refused")
    head = first.text[:HEAD].replace("\u2019", "'")
    lowered = head.lower()
    if any(hint in lowered for hint in HINTS) and PHRASES.search(head):
        return Verdict(check="refusal", passed=False, reason="the answer begins like a refusal")
    if not reply.complete and len(head) < ENOUGH:
        return None
    return Verdict(check="refusal", passed=True)
