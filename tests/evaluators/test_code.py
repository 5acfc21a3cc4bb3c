"""Does the code parse?"""

import pytest

from evaluators.code import Code
from tests.evaluators.checking import passes, seen


def block(language, code):
    return f"Here it is.\n```{language}\n{code}\n```\nThat is all."


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("python", "def f(:\n    pass"),
        ("py", "for x in range(3) print(x)"),
        ("json", '{"a": 1,, "b": 2}'),
        ("JSON", "{'a': 1}"),
        ("sql", "SELECT a FROM (SELECT b"),
    ],
)
async def test_what_does_not_parse_fails(language, code):
    assert not await passes(Code(), block(language, code))


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("python", "def f(x):\n    return x"),
        ("python", "    x = 1\n    y = 2"),
        ("python", ">>> 1 +\n2"),
        ("python", "async def f():\n    await g()\n..."),
        ("python", r"re = '\d'"),
        ("json", '{"a": [1, 2, {"b": null}]}'),
        ("json", '{"a": 1}\n{"a": 2}'),
        ("json", '{"a": 1, ...}'),
        ("sql", "SELECT a, count(*) FROM t WHERE b > 1 GROUP BY a;"),
        ("", "def f(:"),
        ("ruby", "def f(:"),
        ("python", "(" * 5000 + ")" * 5000),
        ("python", "x = " + "9" * 5000),
        ("json", "[" * 500 + "]" * 500),
    ],
)
async def test_what_parses_claims_nothing_or_cannot_be_told_passes(language, code):
    assert await passes(Code(), block(language, code))


async def test_a_block_that_was_cut_off_is_not_its_business():
    assert await passes(Code(), "```python\ndef f(")


def test_it_is_seen_when_the_block_ends():
    assert seen(Code(), "```python\n", "def f(:\n", "```\n", "So") == 3
