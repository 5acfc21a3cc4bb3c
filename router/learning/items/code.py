"""Functions to write, tried on cases in a process with nothing to break; and small programs to read."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from router.learning.items.item import Item, about_number, fenced
from router.learning.items.sandbox import passes

Task = tuple[str, str, Callable[[Random], list[Any]]]


def _numbers(random: Random) -> list[Any]:
    return [[random.randint(-20, 20) for _ in range(random.randint(0, 9))]]


def _texts(random: Random) -> list[Any]:
    return ["".join(random.choice("abcde ") for _ in range(random.randint(0, 14)))]


def _pairs(random: Random) -> list[Any]:
    starts = [random.randint(0, 30) for _ in range(random.randint(0, 7))]
    return [[[start, start + random.randint(0, 9)] for start in starts]]


TASKS: tuple[tuple[Task, ...], ...] = (
    (
        ("the sum of the even numbers in a list", "sum(x for x in a if x % 2 == 0)", _numbers),
        ("a text without its spaces", "a.replace(' ', '')", _texts),
        ("how many numbers of a list are negative", "sum(x < 0 for x in a)", _numbers),
    ),
    (
        (
            "a list's numbers without repetition, in the order of their first appearance",
            "list(dict.fromkeys(a))",
            _numbers,
        ),
        (
            "the words of a text (separated by spaces), longest first, ties in their order",
            "sorted(a.split(), key=lambda w: -len(w))",
            _texts,
        ),
        (
            "the largest difference between neighbours in a list, 0 if there are none",
            "max([abs(x - y) for x, y in zip(a, a[1:])], default=0)",
            _numbers,
        ),
    ),
    (
        (
            (
                "the letter that occurs most often in a text, spaces aside, the alphabetically first of "
                "several, '' if there is none"
            ),
            "min(set(a) - {' '}, key=lambda c: (-a.count(c), c), default='')",
            _texts,
        ),
        (
            "the largest sum of consecutive numbers in a list, where no number at all counts as 0",
            "max(sum(a[i:j]) for i in range(len(a) + 1) for j in range(i, len(a) + 1))",
            _numbers,
        ),
        (
            (
                "a text with each run of equal characters written as the character and the run's length, "
                "as in 'aab' to 'a2b1'"
            ),
            "''.join(k + str(len(list(g))) for k, g in __import__('itertools').groupby(a))",
            _texts,
        ),
    ),
    (
        (
            "how many integers are covered by at least one of the closed intervals [start, end] in a list",
            "len({x for s, e in a for x in range(s, e + 1)})",
            _pairs,
        ),
        ("the length of a longest strictly increasing subsequence of a list", "_longest(a)", _numbers),
        (
            "how many different substrings, the empty one aside, a text has",
            "len({a[i:j] for i in range(len(a)) for j in range(i + 1, len(a) + 1)})",
            _texts,
        ),
    ),
    (
        (
            "the largest number of the closed intervals [start, end] in a list that share one integer",
            "max([sum(s <= x <= e for s, e in a) for x in range(41)], default=0)",
            _pairs,
        ),
        (
            "the length of a longest subsequence (not substring) of a text that reads the same backwards",
            "_mirror(a)",
            _texts,
        ),
        (
            (
                "the smallest possible absolute difference of the sums when a list is split into two groups, "
                "either of which may be empty"
            ),
            "_halves(a)",
            _numbers,
        ),
    ),
)
"""Level by level: what is asked, how it is reckoned here from `a`, and what it is tried on."""


def _longest(a: list[int]) -> int:
    best: list[int] = []
    for i, x in enumerate(a):
        best.append(1 + max([best[j] for j in range(i) if a[j] < x], default=0))
    return max(best, default=0)


def _mirror(a: str) -> int:
    if len(a) < 2:
        return len(a)
    if a[0] == a[-1]:
        return 2 + _mirror(a[1:-1])
    return max(_mirror(a[1:]), _mirror(a[:-1]))


def _halves(a: list[int]) -> int:
    sums = {0}
    for x in a:
        sums = {s + x for s in sums} | {s - x for s in sums}
    return min(map(abs, sums))


HELPERS: Mapping[str, Callable[[Any], int]] = {"_longest": _longest, "_mirror": _mirror, "_halves": _halves}
SOLUTIONS: Mapping[str, str] = {
    "_longest": "    best = []\n    for i, x in enumerate(a):\n"
    "        best.append(1 + max([best[j] for j in range(i) if a[j] < x], default=0))\n"
    "    return max(best, default=0)",
    "_mirror": "    if len(a) < 2:\n        return len(a)\n    if a[0] == a[-1]:\n"
    "        return 2 + solve(a[1:-1])\n"
    "    return max(solve(a[1:]), solve(a[:-1]))",
    "_halves": "    sums = {0}\n    for x in a:\n"
    "        sums = {s + x for s in sums} | {s - x for s in sums}\n"
    "    return min(map(abs, sums))",
}


def function(random: Random, level: int) -> Item:
    """A function of one argument, judged on eight cases."""
    asked, reckoned, drawn = random.choice(TASKS[level - 1])
    scope: dict[str, Any] = dict(HELPERS)
    # Our own expressions, from the table above.
    reckon: Callable[[Any], Any] = eval(f"lambda a: {reckoned}", scope)  # noqa: S307
    cases = [(arguments, reckon(*arguments)) for arguments in (drawn(random) for _ in range(8))]
    prompt = (
        f"Write a Python function `solve(a)` that returns {asked}. "
        "Use only built-ins and the standard library's pure modules. Reply with one fenced code block."
    )
    helper = reckoned.partition("(")[0]
    body = SOLUTIONS.get(helper) or f"    return {reckoned}".replace("__import__('itertools')", "itertools")
    answer = f"```python\nimport itertools\n\n\ndef solve(a):\n{body}\n```"
    return Item(
        prompt=prompt,
        answer=answer,
        wrong="```python\ndef solve(a):\n    return None\n```",
        check=lambda text: passes(fenced(text), "solve", cases),
    )


def tracing(random: Random, level: int) -> Item:
    """What a short loop prints; it has as many branches as the level."""
    start, step, rounds = random.randint(1, 9), random.randint(2, 5), 2 + 2 * level
    lines = [f"x, y = {start}, {step}", f"for i in range({rounds}):"]
    tests = (("i % 2 == 0", "x += y"), ("x % 3 == 0", "y += i"), ("x > 40", "x -= 17"), ("y % 2", "x += 1"))
    for test, action in tests[: max(1, level - 1)]:
        lines += [f"    if {test}:", f"        {action}"]
    lines += [f"    x = (x * {random.randint(2, 3)} + i) % {random.randint(50, 97)}", "print(x + y)"]
    x, y = start, step
    scope: dict[str, Any] = {"x": x, "y": y}
    exec("\n".join(lines[:-1]), scope)  # noqa: S102 - the program above, which is ours
    program = "\n".join(lines)
    return about_number(
        f"What does this Python program print?\n```python\n{program}\n```", scope["x"] + scope["y"]
    )
