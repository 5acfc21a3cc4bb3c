"""Following instructions to the letter, where a machine can count whether they were followed."""

import re
from collections.abc import Callable
from random import Random

from router.learning.items.item import Item, about_words

SUBJECTS = ("a lighthouse", "a market at dawn", "an old bicycle", "the first snow", "a kitchen garden")
WORDS = ("amber", "basket", "cobalt", "dialect", "engine", "falcon", "gravel", "harbour", "island", "jigsaw")


def instructions(random: Random, level: int) -> Item:
    """A short text under as many conditions as the level."""
    subject, word = random.choice(SUBJECTS), random.choice(WORDS)
    sentences, first, banned = random.randint(3, 5), random.choice("STABW"), random.choice("zkqx")
    rules: list[tuple[str, Callable[[str], bool]]] = [
        (f"it has exactly {sentences} sentences", lambda text: len(_sentences(text)) == sentences),
        (f"it contains the word `{word}` exactly once", lambda text: _words(text).count(word) == 1),
        (
            f"every sentence begins with the letter {first}",
            lambda text: all(each[:1].upper() == first for each in _sentences(text)),
        ),
        (f"it does not contain the letter {banned}", lambda text: banned not in text.lower()),
        (
            "every sentence has exactly six words",
            lambda text: all(len(_words(each)) == 6 for each in _sentences(text)),
        ),
    ]
    if banned in word:
        rules[3] = ("it contains no digit", lambda text: not re.search(r"\d", text))
    chosen = rules[:level]
    listed = "; ".join(text for text, _ in chosen)
    prompt = (
        f"Write about {subject} so that: {listed}. Sentences end in a full stop. Reply with the text alone."
    )
    return Item(
        prompt=prompt,
        answer=_text(sentences, word, first),
        wrong="No. This is not it. That is why it is wrong. It is. It is. It is. It is.",
        check=lambda text: bool(text.strip()) and all(holds(text.strip()) for _, holds in chosen),
    )


def _text(sentences: int, word: str, first: str) -> str:
    opening = {"S": "So", "T": "Then", "A": "All", "B": "But", "W": "We"}[first]
    plain = f"{opening} it was calm and mild."
    return " ".join([f"{opening} the {word} was there again.", *[plain] * (sentences - 1)])


def _sentences(text: str) -> list[str]:
    return [part.strip() for part in re.split(r"[.!?]+", text) if part.strip()]


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower())


def letters(random: Random, level: int) -> Item:
    """Turning letters and words round by rules applied one after another."""
    words = random.sample(WORDS, level + 1)
    now = list(words)
    steps = []
    for _ in range(level):
        kind = random.randrange(4)
        if kind == 0:
            now = [word[::-1] for word in now]
            steps.append("spell every word backwards")
        elif kind == 1:
            now = now[1:] + now[:1]
            steps.append("move the first word to the end")
        elif kind == 2:
            now = sorted(now)
            steps.append("sort the words alphabetically")
        else:
            now = [word[1:] + word[0] for word in now]
            steps.append("move the first letter of every word to its end")
    told = "; then ".join(steps)
    asked = f"Take the words {', '.join(words)}. First {told}. Give the resulting words, with commas."
    return about_words(asked, ", ".join(now), ", ".join(words[::-1]) if now != words[::-1] else "none")
