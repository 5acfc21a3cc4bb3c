"""What kind of request it is, coarsely: the cells in which local experience is gathered.

A kind costs microseconds and is told by form and a few words, so it is often wrong about the matter;
it need only be wrong in the same way tomorrow.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from router.types import Request

READ = 1_000
"""Characters of the newest message that are looked at."""

LONG = 8_000
"""Prompt tokens from which on a request is `long`, whatever it asks."""

WORDS: Mapping[str, frozenset[bytes]] = MappingProxyType(
    {
        "code": frozenset(
            b"python javascript typescript rust java sql regex function code script test tests compile "
            b"refactor bug traceback html css bash api class method".split()
        ),
        "math": frozenset(
            b"calculate compute solve equation integral derivative probability percent prove theorem sum "
            b"triangle polynomial remainder divisible".split()
        ),
        "extraction": frozenset(
            b"extract classify categorize label json csv summarize summarise translate".split()
        ),
    }
)
SIGNS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "code": ("```", "#include", ");", "def "),
        "math": ("how many", "how much", "\\frac", "\\sqrt"),
        "extraction": ("list all",),
    }
)
SUM = re.compile(r"[0-9] ?[-+*/^=\u00d7\u00f7] ?[0-9]")
LETTERS = bytes(byte if chr(byte).isalpha() else 32 for byte in range(128)) + bytes([32] * 128)
KINDS = ("tools", "long", "extraction", "code", "math", "chat")


def kind_of(request: Request, prompt_tokens: int) -> str:
    """Return one of `KINDS`: the first that fits, `chat` for the rest."""
    if request.tools:
        return "tools"
    if prompt_tokens >= LONG:
        return "long"
    if request.answer is not None:
        return "extraction"
    asked = next((turn.text for turn in reversed(request.turns) if turn.role == "user"), "")[:READ].lower()
    words = frozenset(asked.encode("ascii", "replace").translate(LETTERS).split())
    for kind, telling in WORDS.items():
        if not telling.isdisjoint(words) or any(sign in asked for sign in SIGNS[kind]):
            return kind
    return "math" if SUM.search(asked) else "chat"
