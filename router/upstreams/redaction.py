"""Taking secrets out of what an upstream says about an error: some vendors echo the key they refuse."""

import re
from collections.abc import Iterable

SECRET = re.compile(
    r"\b(?:sk|pk|rk|gsk|nvapi|hf|xai|csk|tgp|fw|key)[-_][A-Za-z0-9_\-]{8,200}|(?i:bearer)\s+[^\s\"',]{8,400}"
)


def redact(message: str, secrets: Iterable[str] = ()) -> str:
    """Replace what looks like a key, and every one of `secrets`, by a mark."""
    for secret in secrets:
        if secret:
            message = message.replace(secret, "[redacted]")
    return SECRET.sub("[redacted]", message)
