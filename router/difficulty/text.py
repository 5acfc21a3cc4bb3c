"""What the classifier reads of a conversation: people's words, in bounds, without clients' boilerplate."""

from collections.abc import Sequence

from router.types import Turn

MOST = 12_000
"""Characters read of one conversation, at most."""

NEWEST = 8_000
"""Characters of these that the newest message may fill."""

MACHINE_ROLES = frozenset({"system", "developer", "tool", "function", "assistant"})
"""Who is not asking: what they say tells of the client or of another model, not of the question."""

BLOCKS = (
    "system-reminder",
    "environment_context",
    "environment_details",
    "user_instructions",
    "available_skills",
    "command-message",
    "local-command-stdout",
    "tools",
    "functions",
)
"""Tags around text that agent clients add to what a person wrote."""

BILLING = "x-anthropic-billing-header"
TOOLS = "\nFunctions:\n["


def reading(turns: Sequence[Turn]) -> str:
    """Return the text that describes a conversation: every person's message, oldest first, the newest whole.

    Text over the bound loses its middle.
    A conversation in which no person speaks is read as it is.
    """
    asked = [turn for turn in turns if turn.role not in MACHINE_ROLES] or list(turns)
    pieces: list[str] = []
    room = MOST
    for turn in reversed(asked):
        piece = clean(shortened(turn.text, min(room, NEWEST)))
        if not piece:
            continue
        pieces.append(piece)
        room -= len(piece)
        if room < 200:  # too little to tell anything
            break
    return "\n\n".join(reversed(pieces))


def shortened(text: str, most: int) -> str:
    """Return at most `most` characters: the beginning and the end, where questions stand."""
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]}\n{text[-half:]}"


def clean(text: str) -> str:
    """Leave out what a client added: tagged blocks, billing lines, the JSON of declared functions."""
    if "<" in text:
        for tag in BLOCKS:
            text = _without_block(text, tag)
    if BILLING in text:
        text = "\n".join(line for line in text.splitlines() if BILLING not in line)
    return text.partition(TOOLS)[0].strip()


def _without_block(text: str, tag: str) -> str:
    opening, closing = f"<{tag}>", f"</{tag}>"
    start = text.find(opening)
    if start < 0:
        return text
    kept: list[str] = []
    position = 0
    while start >= 0:
        end = text.find(closing, start)
        if end < 0:
            break
        kept.append(text[position:start])
        position = end + len(closing)
        start = text.find(opening, position)
    kept.append(text[position:])
    return "".join(kept)
