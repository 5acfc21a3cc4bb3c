"""Keys do not reach callers."""

import pytest

from router.upstreams.redaction import redact


@pytest.mark.parametrize(
    "text",
    [
        "Incorrect API key provided: sk-proj-abcdefghijklmnop.",
        "bad token: Bearer eyJhbGciOi.abc.def",
        "key gsk_0123456789abcdef is not valid",
        "invalid: MY-OWN-SECRET",
    ],
)
def test_what_looks_like_a_key_or_is_one_is_taken_out(text):
    shown = redact(text, ["MY-OWN-SECRET"])
    assert "[redacted]" in shown
    for secret in ("abcdefghijklmnop", "eyJhbGciOi", "0123456789abcdef", "MY-OWN"):
        assert secret not in shown


def test_an_ordinary_message_stays():
    assert redact("The model is overloaded, try again.") == "The model is overloaded, try again."
