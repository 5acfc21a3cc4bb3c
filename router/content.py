"""Texts of prompts and answers, for policies that ask for them: apart from the ledger, and not for long.

    <data>/content/2026-11-24.<worker>.jsonl      a line a request, readable to the owner alone
    <data>/content/key                            what `hashed` is keyed with; it never leaves the folder

| `content` | what is kept |
|---|---|
| `none` | nothing: there is no line at all |
| `hashed` | keyed digests (HMAC-SHA256): equal texts can be told, and none can be guessed without the key |
| `redacted` | texts, with what looks like a person or a secret masked |
| `full` | texts |

A file of a day is deleted once it is as old as the configuration says.
No report reads it, and a backup only with `--content`.
"""

import contextlib
import hashlib
import hmac
import logging
import os
import re
import secrets
import shutil
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from router.seams import Clock
from router.types import Choice, Outcome

PATTERNS = (
    ("secret", re.compile(r"\b(?:sk|pk|hf|gsk|ghp|xoxb|AKIA)[-_]?[A-Za-z0-9_-]{16,}\b")),
    ("secret", re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*-----|\Z)")),
    ("email", re.compile(r"\b[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}\b")),
    ("iban", re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b")),
    ("address", re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}\b")),
    ("card", re.compile(r"\b\d(?:[ -]?\d){12,18}\b")),
    (
        "phone",
        re.compile(r"(?<![\w.])\+?\d{1,3}[ /.-]?(?:\(\d{1,5}\)[ /.-]?)?\d{2,5}(?:[ /.-]?\d{2,5}){1,4}(?!\w)"),
    ),
)
"""What is masked, in this order; it finds what has a form, and no names."""

log = logging.getLogger("farthing.content")


class ContentStore:
    """Writes what policies want kept; `days` is how long, `name` tells writers apart."""

    def __init__(self, data: Path, name: str, *, clock: Clock, days: int) -> None:
        self._folder, self._name, self._clock, self._days = data / "content", name, clock, days
        self._key: bytes | None = None
        self._day: date | None = None

    def keep(self, outcome: Outcome, mode: str) -> None:
        """Append a line; trouble with the disk is logged, and fails nobody's request."""
        now = self._clock.now()
        try:
            shown = self._shown(mode)
            line = orjson.dumps(
                {
                    "time": now,
                    "request_id": outcome.request.id,
                    "policy": outcome.policy,
                    "content": mode,
                    "prompt": [
                        {"role": turn.role, "text": shown(turn.text)} for turn in outcome.request.turns
                    ],
                    "answer": [shown(_said(choice)) for choice in _choices(outcome)],
                },
                option=orjson.OPT_APPEND_NEWLINE,
                default=str,
            )
            self._append(now, line)
        except (OSError, TypeError) as error:
            log.error("What a request said could not be kept: %s", type(error).__name__)  # noqa: TRY400 - it may hold the text

    def _shown(self, mode: str) -> Callable[[str], str]:
        if mode == "hashed":
            key = self._keyed()
            return lambda text: hmac.new(key, text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()
        return redacted if mode == "redacted" else _as_it_is

    def _append(self, now: datetime, line: bytes) -> None:
        if now.date() != self._day:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            prune(self._folder, now.date() - timedelta(days=self._days))
            self._day = now.date()
        path = self._folder / f"{now.date()}.{self._name}.jsonl"
        descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, line)
        finally:
            os.close(descriptor)

    def _keyed(self) -> bytes:
        """The key of this data folder, made by whoever needs it first."""
        if self._key is None:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            path = self._folder / "key"
            with contextlib.suppress(FileExistsError):
                draft = path.with_name(f"key.{secrets.token_hex(4)}")
                descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
                os.write(descriptor, secrets.token_bytes(32))
                os.close(descriptor)
                try:
                    os.link(draft, path)  # whole, or not at all
                finally:
                    draft.unlink()
            self._key = path.read_bytes()
        return self._key


class Kept:
    """Follows outcomes, and keeps of each what its policy asks for."""

    def __init__(self, store: ContentStore, modes: Mapping[str, str], *, otherwise: str) -> None:
        self._store, self._modes, self._otherwise = store, modes, otherwise

    def follow(self, outcome: Outcome, /) -> None:
        mode = self._modes.get(outcome.policy, self._otherwise)
        if mode != "none":
            self._store.keep(outcome, mode)


def kept(store: ContentStore | None, modes: Mapping[str, str]) -> list[Kept]:
    """Who keeps what policies want kept, by their names: nobody, if none wants anything.

    A model that is asked for by its name is kept as the policy `default` says.
    """
    if store is None or set(modes.values()) == {"none"}:
        return []
    return [Kept(store, modes, otherwise=modes.get("default", "none"))]


def prune(folder: Path, before: date) -> int:
    """Delete the files of days before; return how many."""
    old = [path for path in folder.glob("*.jsonl") if path.name[:10] < before.isoformat()]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def copy(folder: Path, target: Path) -> int:
    """Copy texts and their key to where only their owner can read them; return how many files."""
    files = [path for path in folder.iterdir() if path.is_file()] if folder.is_dir() else []
    if files:
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in files:
        shutil.copy(path, target / path.name)  # with its mode
    return len(files)


def redacted(text: str) -> str:
    """Mask what has the form of an address, a number or a secret."""
    for name, pattern in PATTERNS:
        text = pattern.sub(f"[{name}]", text)
    return text


def _as_it_is(text: str) -> str:
    return text


def _choices(outcome: Outcome) -> tuple[Choice, ...]:
    chosen = outcome.chosen
    return chosen.reply.choices if chosen is not None and chosen.reply is not None else ()


def _said(choice: Choice) -> str:
    calls: list[Any] = [f"{call.name}({call.arguments})" for call in choice.tool_calls]
    return "\n".join(part for part in (choice.text, choice.refusal, *calls) if part)
