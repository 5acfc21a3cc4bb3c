"""What a policy may ask of a request that no field of it tells: its headers, its language, its role.

Only what some policy asks is looked up, and it is kept in the ledger, so that the decision can be made again.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from router.types import Request

MOST_VALUE = 200
"""Letters of a header's value that are kept."""

SAMPLE = 2_000
"""Letters of the last turn that its language is told from."""

ROLE_HEADER = "x-farthing-role"
"""Where a client says what it wants an answer for; its word counts."""

ROLES = frozenset({"main", "subagent", "housekeeping"})

HOUSEKEEPING = re.compile(
    r"generate a (?:concise|short|brief)[^.\n]{0,60}\btitle|\btitle generator\b|"
    r"summari[sz]e this (?:coding )?conversation (?:in|into) (?:under|at most|fewer)|"
    r"if this message indicates a new conversation topic|extract a (?:2-3|two- or three-)word title|"
    r"generate \d(?:-\d)? (?:broad )?tags|suggest \d(?:-\d)? (?:relevant )?follow-?up questions|"
    r"write a (?:5|five)-?(?:to-?)?(?:10|ten)? ?word title",
    re.IGNORECASE,
)
"""What chat clients and coding agents ask in the background: titles, topics, tags, follow-ups."""

SUBAGENT = re.compile(
    r"you are an agent for claude code|you are a (?:sub-?agent|file search specialist)|"
    r"\bsub-?agent\b[^.\n]{0,80}\b(?:task|delegated|orchestrator)",
    re.IGNORECASE,
)
"""How agents' helpers are told what they are."""

SCRIPTS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("ja", re.compile(r"[\u3040-\u30ff]")),
    ("ko", re.compile(r"[\uac00-\ud7af]")),
    ("zh", re.compile(r"[\u4e00-\u9fff]")),
    ("uk", re.compile(r"[іїєґІЇЄҐ]")),
    ("ru", re.compile(r"[\u0400-\u04ff]")),
    ("ar", re.compile(r"[\u0600-\u06ff]")),
    ("he", re.compile(r"[\u0590-\u05ff]")),
    ("hi", re.compile(r"[\u0900-\u097f]")),
    ("th", re.compile(r"[\u0e00-\u0e7f]")),
    ("el", re.compile(r"[\u0370-\u03ff]")),
)
"""A script that gives its language away, the more special first."""

WORDS = re.compile(r"[^\W\d_]+")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


STOP_WORDS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "en": _words("the and is of to in that it for you with what how this are was be not can do my"),
        "de": _words("der die das und ist nicht ein eine ich wie was mit für auf den von zu sie bitte im"),
        "fr": _words("le la les des est une et que pour dans pas vous je qui sur avec du au ce comment"),
        "es": _words("el los las es una y que para por con no del como se qué cómo en un más mi"),
        "it": _words("il che di è una per non con del della sono come gli un mi questo cosa più nel ho"),
        "pt": _words("o os as é uma e que para não com do da em um como se por você mais meu"),
        "nl": _words("de het een en is niet van ik dat op voor met hoe wat zijn te je aan bij ook"),
        "pl": _words("i w nie na jest to się że z do jak co dla czy po mi jak proszę tego od"),
    }
)
"""Words without which hardly anybody writes two sentences."""


def labels_of(
    request: Request, headers: Mapping[str, str], *, wanted: frozenset[str], named: frozenset[str]
) -> dict[str, str]:
    """Tell the `wanted` labels (`role`, `language`) and the `named` headers of a request."""
    told = {
        f"header:{name}": value[:MOST_VALUE] for name in named if (value := headers.get(name)) is not None
    }
    if "role" in wanted:
        told["role"] = role_of(request, headers)
    if "language" in wanted:
        told["language"] = language_of(request)
    return told


def role_of(request: Request, headers: Mapping[str, str]) -> str:
    """Tell `main`, `subagent` or `housekeeping`: as the client says, else by how its prompts begin."""
    said = headers.get(ROLE_HEADER, "").strip().lower()
    if said in ROLES:
        return said
    system = next((turn.text for turn in request.turns if turn.role in {"system", "developer"}), "")
    last = request.turns[-1].text if request.turns else ""
    if HOUSEKEEPING.search(system[:SAMPLE]) or (
        len(request.turns) <= 3 and HOUSEKEEPING.search(last[:SAMPLE])
    ):
        return "housekeeping"
    return "subagent" if SUBAGENT.search(system[:SAMPLE]) else "main"


def language_of(request: Request) -> str:
    """Guess the language of the last turn somebody wrote; `und` where nothing tells."""
    text = next((turn.text for turn in reversed(request.turns) if turn.role == "user"), "")[:SAMPLE]
    letters = sum(map(str.isalpha, text))
    for code, script in SCRIPTS:
        # A quoted word in another script makes no other language.
        if len(script.findall(text)) * 4 > letters > 0:
            return code
    words = [word.lower() for word in WORDS.findall(text)]
    counts = {code: sum(word in known for word in words) for code, known in STOP_WORDS.items()}
    best = max(counts, key=lambda code: counts[code])
    return best if counts[best] >= 2 or (words and counts[best] * 3 >= len(words)) else "und"
