"""Marks count what they say they count."""

import numpy as np

from router.difficulty import marks
from router.difficulty.reader import measure


def mark(text: str, name: str) -> float:
    return float(measure(text).marks[marks.NAMES.index(name)])


def test_every_mark_has_one_name_and_one_number() -> None:
    assert len(set(marks.WORDS)) == len(marks.WORDS)
    assert measure("").marks.shape == measure("A text.").marks.shape == (len(marks.NAMES),)


def test_words_pairs_and_points_are_counted_whatever_their_case() -> None:
    text = "How many? HOW MANY dollars, how much?"
    assert mark(text, "how") == np.float32(np.log1p(3))
    assert mark(text, "how many") == np.float32(np.log1p(2))
    assert mark(text, "?") == np.float32(np.log1p(2))
    assert mark(text, "dollars") == np.float32(np.log1p(1))
    assert mark(text, "prove") == 0.0


def test_lettered_lines_are_options_and_what_is_before_them_is_the_stem() -> None:
    text = "What is 2 + 2?\nA. 3\nB. 4\nC. 55"
    assert mark(text, "options") == 3.0
    assert mark(text, "numeric options") == 1.0
    assert mark(text, "stem") == np.float32(np.log1p(len("What is 2 + 2?")))
    assert mark("What is 2 + 2?", "options") == 0.0


def test_the_shape_of_numbers_is_seen() -> None:
    text = "From 3 to 12.5 and 1984"
    assert mark(text, "numbers") == np.float32(np.log1p(4))
    assert mark(text, "long numbers") == np.float32(np.log1p(1))
    assert mark(text, "decimals") == np.float32(np.log1p(1))


def test_scripts_are_told_apart() -> None:
    assert mark("Почему небо синее?", "script d0") > 0.3
    assert mark("日本語の質問", "script e3") > 0.3
    assert mark("plain text", "other scripts") == 0.0


def test_no_two_counted_words_are_looked_up_in_one_place() -> None:
    places = marks.looked_up(marks.KEYS[:-1])
    assert len(np.unique(places)) == len(places)
