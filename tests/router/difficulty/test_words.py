"""Words are hashed the same way whatever stands around them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from router.difficulty import words


def hashed(text: str) -> list[int]:
    data = text.encode("utf-8", "replace")[: words.MOST_BYTES]
    starts, ends = words.split(data)
    return [int(value) for value in words.hashes(data, starts, ends)]


def test_case_and_digits_do_not_matter_and_place_does_not_either() -> None:
    the, cat, number, again, other = hashed("The cat 1234 THE 9876")
    assert the == again
    assert number == other
    assert len({the, cat, number}) == 3


def test_marks_stand_alone_and_letters_and_digits_part() -> None:
    assert len(hashed("$$x1")) == 4
    assert len(hashed("naïve 日本語")) == 2


@given(st.text(max_size=200), st.text(max_size=200))
def test_words_of_a_joined_text_are_the_words_of_its_parts(left: str, right: str) -> None:
    assert hashed(f"{left} {right}") == hashed(left) + hashed(right)


@given(st.text(max_size=300))
def test_buckets_are_in_range_and_counted_once(text: str) -> None:
    one = np.array(hashed(text), np.uint64)
    found, counts = words.buckets(np.concatenate((one, words.after(one[:-1], one[1:]))))
    assert len(set(found.tolist())) == len(found) == len(counts)
    assert all(0 <= bucket < 1 << words.BITS for bucket in found.tolist())
    assert (counts >= 1.0).all()
