"""Reading uploaded files: wrong lines are told apart, and spoil nothing."""

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch import intake
from batch.intake import Unreadable, endpoint_of, read_lines

CHAT = "/v1/chat/completions"

DEEP = json.loads("[" * 300 + "]" * 300)
"""More levels than orjson writes, and fewer than it reads."""


def line(custom_id="a", text="hi", **fields) -> dict:
    body = {"model": "auto", "messages": [{"role": "user", "content": text}]}
    return {"custom_id": custom_id, "method": "POST", "url": CHAT, "body": body, **fields}


def written(tmp_path, *lines) -> list:
    path = tmp_path / "in.jsonl"
    path.write_bytes(b"\n".join(raw if isinstance(raw, bytes) else json.dumps(raw).encode() for raw in lines))
    return read_lines(path, CHAT)


def test_each_line_knows_where_its_bytes_lie(tmp_path):
    found = written(tmp_path, line("a", "é"), b"", b"   ", line("b"))

    whole = (tmp_path / "in.jsonl").read_bytes()
    bodies = [json.loads(whole[one.offset : one.offset + one.length]) for one in found]
    assert [body["custom_id"] for body in bodies] == ["a", "b"]
    assert [one.number for one in found] == [1, 4]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (b"{", "invalid_json_line"),
        (b"[1]", "invalid_json_line"),
        (b"\xff\xfe", "invalid_json_line"),
        (line(body={"model": "m", "messages": DEEP}), "invalid_json_line"),
        (line(custom_id=7), "missing_required_parameter"),
        (line(custom_id="x" * 600), "invalid_value"),
        (line(custom_id="good"), "duplicate_custom_id"),
        (line(method="GET"), "invalid_method"),
        (line(url="/v1/embeddings"), "invalid_url"),
        (line(body=None), "missing_required_parameter"),
        (line(body={"messages": []}), "missing_required_parameter"),
        (line(body={"model": "m", "stream": True}), "invalid_value"),
    ],
)
def test_a_wrong_line_says_what_is_wrong_and_where(tmp_path, wrong, code):
    good, bad = written(tmp_path, line("good"), wrong)

    assert good.problem is None
    assert (bad.problem.code, bad.problem.line) == (code, 2)
    assert bad.problem.message.startswith("Line 2: ")


@pytest.mark.parametrize(
    "whole",
    [
        b"{0}\n{1}\n",
        b"{0}\n{1}",
        b"{0}\r\n{1}\r\n",
        b"\xef\xbb\xbf{0}\n{1}\n",
        b"\xef\xbb\xbf{0}\r\n\r\n{1}",
    ],
    ids=["plain", "no newline at the end", "CRLF", "a byte order mark", "all of it"],
)
def test_lines_are_found_however_an_editor_has_written_them(tmp_path, whole):
    path = tmp_path / "in.jsonl"
    for number in (0, 1):
        whole = whole.replace(b"{%d}" % number, json.dumps(line(f"c{number}")).encode())
    path.write_bytes(whole)

    found = read_lines(path, CHAT)

    assert [json.loads(whole[one.offset :][: one.length])["custom_id"] for one in found] == ["c0", "c1"]
    assert [one.problem for one in found] == [None, None]


@pytest.mark.parametrize(
    ("content", "endpoint"),
    [
        (b'\xef\xbb\xbf{"url": "/v1/embeddings"}', "/v1/embeddings"),
        (b'[]\n{"url": []}\n{"url": {}}\n{"url": "/v1/embeddings"}', "/v1/embeddings"),
        (b'{"url": "/v1/elsewhere"}', CHAT),
    ],
)
def test_the_endpoint_of_a_file_is_what_its_first_good_line_says(tmp_path, content, endpoint):
    path = tmp_path / "in.jsonl"
    path.write_bytes(content)

    assert endpoint_of(path) == endpoint


def test_a_line_of_ten_megabytes_is_a_line(tmp_path):
    (found,) = written(tmp_path, line("long", "x" * (10 << 20)))

    assert found.problem is None


def test_what_is_wrong_with_every_line_is_said_of_each_up_to_a_hundred(tmp_path):
    with pytest.raises(Unreadable, match=r"No line can be used\. Line 1: ") as caught:
        written(tmp_path, *[b"{"] * 150)

    assert [problem.line for problem in caught.value.problems] == list(range(1, 101))


@pytest.mark.parametrize("content", [[], [b"\n \n"], [b"{", b"["]])
def test_a_file_without_a_single_good_line_is_no_batch(tmp_path, content):
    with pytest.raises(Unreadable):
        written(tmp_path, *content)


def test_more_lines_than_allowed_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(intake, "MOST_LINES", 2)

    with pytest.raises(Unreadable, match="more than 2 lines"):
        written(tmp_path, line("a"), line("b"), line("c"))


def test_a_line_that_is_too_long_is_skipped_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(intake, "LONGEST_LINE", 200)

    long, short = written(tmp_path, line("long", "x" * 1000), line("b"))

    assert long.problem.code == "line_too_long"
    assert short.custom_id == "b"


def test_prompts_that_begin_alike_go_one_after_another(tmp_path):
    heads = ["system one " * 60, "system two " * 60]
    texts = [heads[n % 2] + str(n) for n in range(20)]

    found = written(tmp_path, *(line(str(n), text) for n, text in enumerate(texts)))

    in_order = sorted(found, key=lambda one: one.place)
    kinds = [int(one.custom_id) % 2 for one in in_order]
    assert sum(a != b for a, b in itertools.pairwise(kinds)) == 1


@given(st.lists(st.binary(max_size=60).filter(lambda raw: b"\n" not in raw), max_size=8))
def test_whatever_is_in_a_file_is_either_lines_or_a_refusal(tmp_path_factory, raws):
    path = tmp_path_factory.mktemp("odd") / "in.jsonl"
    path.write_bytes(b"\n".join([*raws, json.dumps(line()).encode()]))

    found = read_lines(path, CHAT)

    assert sorted(one.place for one in found) == list(range(len(found)))
    assert sum(one.problem is None for one in found) == 1
