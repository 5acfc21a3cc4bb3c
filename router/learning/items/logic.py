"""Small puzzles with one solution, found by trying all."""

from collections.abc import Callable
from itertools import permutations, product
from random import Random

from router.learning.items.item import Item, about_words

NAMES = ("Ada", "Ben", "Cleo", "Dev", "Eve", "Finn", "Gia")


def order(random: Random, level: int) -> Item:
    """Who stands where in a row: statements are added until one order is left."""
    names = NAMES[: level + 2]
    truth = list(names)
    random.shuffle(truth)
    left = list(permutations(names))
    told: list[str] = []
    while len(left) > 1:
        text, holds = _clue(random, truth)
        kept = [each for each in left if holds(each)]
        if len(kept) < len(left):
            told.append(text)
            left = kept
    place = random.randrange(len(names))
    asked = (
        f"{', '.join(names)} stand in a row, from left to right in an order to be found. {' '.join(told)} "
    )
    wrong = truth[(place + 1) % len(truth)]
    return about_words(f"{asked}Who stands at position {place + 1} from the left?", truth[place], wrong)


def _clue(random: Random, truth: list[str]) -> tuple[str, Callable[[tuple[str, ...]], bool]]:
    one, other = random.sample(truth, 2)
    if truth.index(one) > truth.index(other):
        one, other = other, one
    kind = random.randrange(3)
    gap = truth.index(other) - truth.index(one)
    if kind == 0:
        return f"{one} stands somewhere left of {other}.", lambda row: row.index(one) < row.index(other)
    if kind == 1:
        between = gap - 1
        return (
            f"There {'is' if between == 1 else 'are'} {between} between {one} and {other}.",
            lambda row: abs(row.index(one) - row.index(other)) == gap,
        )
    at = truth.index(one)
    far = (at + 1 + random.randrange(len(truth) - 1)) % len(truth)
    return f"{one} is not at position {far + 1}.", lambda row: row.index(one) != far


def truth(random: Random, level: int) -> Item:
    """Who always tells the truth and who always lies: drawn again until one assignment is left."""
    # Three never have exactly one solution with such statements.
    names = NAMES[: (2, 4, 5, 6, 7)[level - 1]]
    while True:
        statements = [_statement(random, speaker, names) for speaker in names]
        fits = [
            honest
            for honest in product((True, False), repeat=len(names))
            if all(honest[i] == holds(honest) for i, (_, holds) in enumerate(statements))
        ]
        if len(fits) == 1 and any(fits[0]):
            break
    liars = [name for name, honest in zip(names, fits[0], strict=True) if not honest]
    said = " ".join(text for text, _ in statements)
    prompt = (
        f"Each of {', '.join(names)} either always tells the truth or always lies. {said} "
        "Who lies? Give the names in alphabetical order with commas, or `nobody`."
    )
    right = ", ".join(liars) or "nobody"
    return about_words(prompt, right, "nobody" if liars else names[0])


def _statement(
    random: Random, speaker: str, names: tuple[str, ...]
) -> tuple[str, Callable[[tuple[bool, ...]], bool]]:
    others = [name for name in names if name != speaker]
    other = names.index(random.choice(others))
    kind = random.randrange(3)
    if kind == 0:
        return f"{speaker} says: {names[other]} lies.", lambda honest: not honest[other]
    if kind == 1:
        return f"{speaker} says: {names[other]} tells the truth.", lambda honest: honest[other]
    count = random.randint(1, len(names) - 1)
    return (
        f"{speaker} says: exactly {count} of us {'lies' if count == 1 else 'lie'}.",
        lambda honest: honest.count(False) == count,
    )
