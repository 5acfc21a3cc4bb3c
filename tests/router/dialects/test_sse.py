"""Any split of the bytes gives the same events."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.dialects.sse import EventReader
from router.errors import Broken


def read(data: bytes, cuts: list[int]) -> list[bytes]:
    reader, events, start = EventReader(), [], 0
    for cut in sorted({min(cut, len(data)) for cut in cuts}):
        events += reader.feed(data[start:cut])
        start = cut
    return events + reader.feed(data[start:]) + reader.end()


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end_is_one(end):
    stream = end.join(["data: a", "", ": comment", "event: x", "data:b", "data: c", "", ""])
    assert read(stream.encode(), []) == [b"a", b"b\nc"]


@given(
    st.lists(
        st.sampled_from(["data: {}", "data:x", ": c", "", "event: e", "data: \u00e9", "id: 7", "nonsense"])
    ),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.lists(st.integers(0, 200)),
)
def test_any_split_of_the_bytes_gives_the_same_events(lines, end, cuts):
    data = (end.join(lines) + end).encode()
    assert read(data, cuts) == read(data, [])


def test_a_last_event_without_its_blank_line_counts():
    assert read(b"data: [DONE]", []) == [b"[DONE]"]


def test_a_line_that_never_ends_is_refused():
    reader = EventReader(max_event=100)
    with pytest.raises(Broken):
        reader.feed(b"data: " + b"x" * 200)


def test_an_event_that_never_ends_is_refused():
    reader = EventReader(max_event=100)
    with pytest.raises(Broken):
        reader.feed(b"data: 0123456789\n" * 20)
