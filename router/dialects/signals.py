"""What a conversation says of how it goes, read from the messages of a chat-completions body.

Only what is plain counts: a tool result that says it failed, the same call once more, the same question.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from router.types import Principal, Signals, Turn

FAILED = re.compile(
    r"""
      ^\s*(?:error|traceback\ \(most\ recent\ call\ last\)|fatal:|exception:)
    | ^\s*(?:command\ failed|permission\ denied)
    | \bexit(?:ed)?\ (?:with\ )?(?:code|status):?\ ?[1-9]
    | ^\s*\{\s*"(?:error|is_error)"\s*:\s*+(?!null|false|"")
    | ^\s*<tool_use_error>
    | ^=+\ .*\b[1-9]\d*\ failed
    """,
    re.IGNORECASE | re.VERBOSE | re.MULTILINE,
)

REFUSED = re.compile(
    r"""
      <tool_use_error>
    | \b(?:InputValidationError|invalid\ (?:tool\ )?arguments)\b
    | \b(?:unknown|no\ such)\ (?:tool|function)\b
    | \bmissing\ required\ (?:parameter|argument|property)
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""A tool that says that it was called wrongly: the call was bad, whatever the work."""

LOOKED_AT = 4_000
"""Characters of a tool result that are looked at, from its start, and as many from its end."""

TOLD_BY = 2_000
"""Characters of a message that tell conversations apart."""

NONCE = "x-anthropic-billing-header"
"""Claude Code begins its system prompt with a line that differs from run to run."""


def signals_of(messages: Sequence[Any], turns: Sequence[Turn], principal: Principal) -> Signals:
    """Read `messages`, of which `turns` are the text; linear, and never fails on odd ones."""
    if len(turns) == 1:
        return Signals(conversation=_conversation(turns, principal))
    failed, refused = _failed_tools(messages, turns)
    return Signals(
        failed_tools=failed,
        refused_calls=refused,
        repeated_calls=_repeated_calls(messages),
        asked_again=_asked_again(turns),
        conversation=_conversation(turns, principal),
    )


def _failed_tools(messages: Sequence[Any], turns: Sequence[Turn]) -> tuple[int, tuple[str, ...]]:
    """Count failing tool results from the end backwards, until one that did not fail or a user's word.

    Beside the count stand the ids of the last calls that were refused.
    """
    failed, refused, latest = 0, [], True
    for message, turn in zip(reversed(messages), reversed(turns), strict=True):
        if turn.role in {"tool", "function"}:
            if not _says_it_failed(turn.text):
                break
            failed += 1
            if (
                latest
                and REFUSED.search(turn.text[:LOOKED_AT])
                and isinstance(message.get("tool_call_id"), str)
            ):
                refused.append(message["tool_call_id"])
        elif turn.role == "assistant":
            latest = False
        else:
            break
    return failed, tuple(refused)


def _says_it_failed(text: str) -> bool:
    if len(text) > 2 * LOOKED_AT:
        text = f"{text[:LOOKED_AT]}\n{text[-LOOKED_AT:]}"
    return FAILED.search(text) is not None or REFUSED.search(text) is not None


def _repeated_calls(messages: Sequence[Any]) -> int:
    """Tell how often the last call was made before in the same stretch of work, arguments and all."""
    calls: list[tuple[str, str]] = []
    for message in reversed(messages):
        if message.get("role") == "user":
            break
        made = message.get("tool_calls")
        calls += [_call(call) for call in (made if isinstance(made, list) else ())]
    return calls.count(calls[0]) - 1 if calls else 0


def _call(call: object) -> tuple[str, str]:
    function = call.get("function") if isinstance(call, Mapping) else None
    if not isinstance(function, Mapping):
        return "", ""
    return str(function.get("name")), str(function.get("arguments"))


def _asked_again(turns: Sequence[Turn]) -> bool:
    """True if the user says again what was answered before."""
    last = turns[-1]
    said = last.text.strip()
    if last.role != "user" or not said:
        return False
    before = [turn for turn in turns[:-1] if turn.role == "user"]
    return bool(before) and before[-1].text.strip() == said


def _conversation(turns: Sequence[Turn], principal: Principal) -> str:
    """A digest of whose conversation it is: the session's name, else how it began."""
    digest = hashlib.blake2b(digest_size=12)
    digest.update(f"{principal.key}\0{principal.session}\0".encode())
    if principal.session is None:
        system = next((turn for turn in turns if turn.role in {"system", "developer"}), None)
        user = next((turn for turn in turns if turn.role == "user"), None)
        for turn in (system, user):
            if turn is not None:
                digest.update(_beginning(turn.text).encode(errors="replace") + b"\0")
    return digest.hexdigest()


def _beginning(text: str) -> str:
    if text.startswith(NONCE):
        text = text.partition("\n")[2]
    return text[:TOLD_BY]
