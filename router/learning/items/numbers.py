"""Arithmetic: expressions of growing depth, small stories, sequences with a hidden rule."""

from collections.abc import Callable, Mapping
from random import Random

from router.learning.items.item import Item, about_number

PEOPLE = ("Mira", "Jonas", "Adele", "Tomasz", "Ines", "Bao", "Leila", "Oskar")
THINGS = ("pears", "nails", "stamps", "bottles", "tiles", "candles")


def arithmetic(random: Random, level: int) -> Item:
    """Nested sums and products of whole numbers."""
    text, value = _expression(random, level)
    return about_number(f"Work out the value of {text}.", value)


def _expression(random: Random, depth: int) -> tuple[str, int]:
    if depth <= 0:
        value = random.randint(2, 19)
        return str(value), value
    left, one = _expression(random, depth - 1)
    right, other = _expression(random, random.randint(0, depth - 1))
    sign = random.choice("+-*" if abs(one) < 2_000 and abs(other) < 60 else "+-")
    value = {"+": one + other, "-": one - other, "*": one * other}[sign]
    return f"({left} {sign} {right})", value


def word_problem(random: Random, level: int) -> Item:
    """A story with as many steps as twice the level."""
    who, what = random.choice(PEOPLE), random.choice(THINGS)
    have = random.randint(20, 60)
    lines = [f"{who} has {have} {what}."]
    for _ in range(2 * level):
        step = random.choice(("gets", "gives", "doubles", "half", "boxes"))
        amount = random.randint(3, 15)
        if step == "gets":
            have += amount
            lines.append(f"Then {who} gets {amount} more.")
        elif step == "gives" and have > amount:
            have -= amount
            lines.append(f"Then {who} gives away {amount}.")
        elif step == "doubles" and have < 500:
            have *= 2
            lines.append("Then the number doubles.")
        elif step == "half" and have % 2 == 0:
            have //= 2
            lines.append("Then half of them are lost.")
        else:
            have += 4 * amount
            lines.append(f"Then four boxes of {amount} {what} arrive, all for {who}.")
    return about_number(f"{' '.join(lines)} How many {what} does {who} have now?", have)


def sequence(random: Random, level: int) -> Item:
    """The next number of a sequence; rules get longer with the level."""
    a, b, c = random.randint(2, 9), random.randint(2, 5), random.randint(1, 7)
    row = [a, a + c]
    rules: Mapping[int, Callable[[int], int]] = {
        1: lambda _: row[-1] + b,
        2: lambda n: row[-1] + b * n,
        3: lambda _: row[-1] + row[-2] + c,
        4: lambda n: 2 * row[-1] - row[-2] + b * (n % 3),
        5: lambda n: row[-1] + row[-2] * b % 11 + n * n % 7,
    }
    # One by one: a rule looks at what is there already.
    for n in range(2, 9):
        row += [rules[level](n)]
    hints = {
        1: "Each number is the one before plus a constant.",
        2: "What is added grows by the same amount each time.",
        3: "Each number is the sum of the two before it plus a constant.",
        4: f"Each number is twice the one before, minus the one before that, plus {b} times (n mod 3), "
        "where n counts positions from 0.",
        5: f"Each number is the one before, plus the remainder of {b} times the one before that by 11, "
        "plus the remainder of n squared by 7, where n counts positions from 0.",
    }
    shown = ", ".join(map(str, row[:-1]))
    return about_number(f"{hints[level]} The sequence is {shown}. What is the next number?", row[-1])
