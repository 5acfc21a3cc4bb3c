"""Ids of requests, which any worker can tell from invented ones, and for whom they were made.

An id carries a keyed checksum over itself and the name of the caller's key.
The secret lies in the data folder.
So an outcome that is told hours later, to another worker, needs no database to be believed.
"""

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Callable
from pathlib import Path

OWN = "~"
"""Between a caller's id and what makes it unique; no id of a caller may have it."""

REQUEST_ID = re.compile(r"[A-Za-z0-9_.:\-]{1,128}")

ANSWER_ID = re.compile(r"(?:chatcmpl-|resp_|msg_|cmpl-)")
"""What dialects put before the id of a request to make that of an answer."""

RANDOM, CHECK = 20, 12
"""Hexadecimal digits of an own id: 80 random bits, and 48 that cannot be made without the secret."""

HALF = 8
"""Digits of each kind behind a caller's own id."""


class Ids:
    """Makes ids and recognises them; `token` gives so many random bytes in hexadecimal digits."""

    def __init__(self, secret: bytes, token: Callable[[int], str] = secrets.token_hex) -> None:
        self._secret, self._token = secret, token

    def new(self, given: str, key: str | None) -> str:
        """Keep a caller's id, and make it the only one of its kind: retries tend to carry the same."""
        if REQUEST_ID.fullmatch(given):
            body = f"{given}{OWN}{self._token(HALF // 2)}"
            return body + self._sign(body, key, HALF)
        body = self._token(RANDOM // 2)
        return body + self._sign(body, key, CHECK)

    def ours(self, request_id: str, key: str | None) -> bool:
        """Tell whether the id was made here, for a caller with that key."""
        given, mark, _ = request_id.partition(OWN)
        digits = HALF if mark else CHECK
        whole = len(given) + 1 + 2 * HALF if mark else RANDOM + CHECK
        if len(request_id) != whole:
            return False
        return hmac.compare_digest(
            self._sign(request_id[:-digits], key, digits).encode(), request_id[-digits:].encode()
        )

    def _sign(self, body: str, key: str | None, digits: int) -> str:
        text = f"{body}\0{key if key is not None else ''}"
        return hashlib.blake2b(text.encode(), key=self._secret, digest_size=digits // 2).hexdigest()


def shown_id(request_id: str) -> str:
    """The id as the caller knows it: without what was added to tell two calls of one id apart."""
    return request_id.partition(OWN)[0]


def secret_of(data: Path) -> bytes:
    """Read the secret of a data folder, and make one where there is none; workers that race agree on one."""
    path = data / "secret"
    if not path.exists():
        data.mkdir(parents=True, exist_ok=True)
        made = path.with_name(f"secret.{os.getpid()}.{secrets.token_hex(4)}")
        made.touch(mode=0o600)
        made.write_bytes(secrets.token_bytes(32))
        try:
            path.hardlink_to(made)  # which fails if another was first
        except FileExistsError:
            pass
        finally:
            made.unlink()
    return path.read_bytes()
