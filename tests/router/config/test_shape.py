from decimal import Decimal

import pytest

from router.config.references import FromEnvironment, Unknown
from router.config.shape import misfits

SECRET = {"type": "string", "writeOnly": True}
CHOICE = {"anyOf": [{"type": "boolean"}, {"type": "string", "const": "auto"}]}


ELSEWHERE = "found something else in the environment"


def said(value, schema):
    return [problem.message for problem in misfits(value, schema, {})]


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        ({"a": [1, "x"]}, {}),
        (Decimal("5.0"), {"type": "integer"}),
        (5, {"type": "number"}),
        (None, {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
        ("auto", CHOICE),
        (FromEnvironment("True"), CHOICE),
        (FromEnvironment("auto"), CHOICE),
        (FromEnvironment("-1.5e3"), {"type": "number"}),
        (Unknown(), {"type": "integer"}),
    ],
)
def test_what_fits_is_let_through(value, schema):
    assert said(value, schema) == []


@pytest.mark.parametrize(
    ("value", "schema", "message"),
    [
        (True, {"type": "number"}, "expected a number; found true"),
        (123, SECRET, "expected text; found something else (put it in quotes)"),
        (["hunter2"], SECRET, "expected text; found something else"),
        ("x" * 41, {"type": "integer"}, "expected a whole number; found a long text"),
        ("aut", CHOICE, "expected true or false or 'auto'; found the text 'aut'; did you mean 'auto'?"),
        (FromEnvironment("hunter2"), CHOICE, f"expected true or false or 'auto'; {ELSEWHERE}"),
        (FromEnvironment("1.5"), {"type": "integer"}, f"expected a whole number; {ELSEWHERE}"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told_without_secrets(value, schema, message):
    assert said(value, schema) == [message]
