"""Prose and code apart."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from evaluators.fences import Fences, Piece, pieces_of

MARKDOWN = st.lists(
    st.sampled_from(
        ["text", "```", "```python", "~~~", "````", "`", " ", "\n", "\n\n", "x = `1`", "    ```"]
    ),
    max_size=30,
).map("".join)


def test_a_block_is_given_with_the_language_it_claims():
    assert pieces_of("Look:\n```Python title=a\nx = 1\n```\nDone.") == [
        Piece(text="Look:\n"),
        Piece(text="x = 1\n", language="python"),
        Piece(text="Done."),
    ]


def test_a_block_ends_only_with_its_own_kind_of_fence():
    (block,) = pieces_of("````md\n```\n~~~\n````")
    assert (block.text, block.language) == ("```\n~~~\n", "md")


def test_ticks_within_a_line_and_deeply_indented_ones_are_prose():
    assert joined(pieces_of("a ``` b\n     ```\n`c`")) == [Piece(text="a ``` b\n     ```\n`c`")]


def test_a_block_without_an_end_says_so():
    assert pieces_of("```sql\nselect 1") == [Piece(text="select 1", language="sql", closed=False)]


def joined(pieces):
    """Neighbouring prose taken together."""
    told = []
    for piece in pieces:
        if told and piece.language is None and told[-1].language is None:
            told[-1] = Piece(text=told[-1].text + piece.text)
        else:
            told.append(piece)
    return told


@given(MARKDOWN, st.sets(st.integers(1, 200), max_size=10))
def test_however_it_is_split_the_pieces_are_the_same(text, cuts):
    edges = [0, *sorted(cut for cut in cuts if cut < len(text)), len(text)]
    fences = Fences()
    grown = [piece for a, b in pairwise(edges) for piece in fences.feed(text[a:b])] + fences.end()
    assert joined(grown) == joined(pieces_of(text))
