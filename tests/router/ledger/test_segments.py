import os

from router.ledger import segments
from router.ledger.kinds import ATTEMPTS, OUTCOMES
from router.ledger.spool import Spool
from tests.support.entries import entry


def orphan(folder, content, name="w-1-00000001"):
    path = folder / f"{name}{ATTEMPTS.open}"
    path.write_bytes(content)
    return path


def test_a_segment_whose_writer_lives_is_not_adopted(tmp_path):
    spool = Spool(tmp_path, "w")
    spool.write((entry(),))

    assert segments.adopt(tmp_path) == []
    assert len(segments.still_open(tmp_path)) == 1


def test_an_orphan_is_sealed_without_its_torn_line(tmp_path, caplog):
    orphan(tmp_path, b'{"a": 1}\n{"a": 2}\n{"a"')

    (path,) = segments.adopt(tmp_path)

    assert path.read_bytes() == b'{"a": 1}\n{"a": 2}\n'
    assert segments.sealed(tmp_path) == [path]
    assert "torn line of 4 bytes" in caplog.text


def test_an_orphan_with_nothing_whole_in_it_becomes_an_empty_segment(tmp_path):
    orphan(tmp_path, b"{")

    assert [path.read_bytes() for path in segments.adopt(tmp_path)] == [b""]


def test_a_segment_that_is_gone_when_it_is_opened_is_no_orphan(tmp_path, monkeypatch):
    gone = tmp_path / f"w-1-00000001{ATTEMPTS.open}"
    monkeypatch.setattr(segments, "still_open", lambda folder: [gone])

    assert segments.adopt(tmp_path) == []


def test_a_segment_sealed_between_the_look_and_the_lock_is_not_adopted_again(tmp_path, monkeypatch):
    path = orphan(tmp_path, b'{"a": 1}\n')
    lock = segments.fcntl.flock

    def sealed_meanwhile(descriptor, operation):
        lock(descriptor, operation)
        path.rename(segments.sealed_path(path))

    monkeypatch.setattr(segments.fcntl, "flock", sealed_meanwhile)

    assert segments.adopt(tmp_path) == []


def test_a_new_segment_belongs_to_its_writer_alone(tmp_path):
    path = tmp_path / f"w-1-00000001{ATTEMPTS.open}"

    descriptor = segments.create(path)

    assert descriptor is not None
    assert segments.adopt(tmp_path) == []
    os.close(descriptor)
    assert len(segments.adopt(tmp_path)) == 1


def test_a_new_segment_that_is_adopted_before_it_is_locked_is_given_up(tmp_path, monkeypatch):
    path = tmp_path / f"w-1-00000001{ATTEMPTS.open}"
    lock = segments.fcntl.flock

    def adopted_first(descriptor, operation):
        path.rename(segments.sealed_path(path))
        lock(descriptor, operation)

    monkeypatch.setattr(segments.fcntl, "flock", adopted_first)

    assert segments.create(path) is None


def test_a_new_segment_that_an_adopter_holds_is_given_up(tmp_path, monkeypatch):
    def held(descriptor, operation):
        raise BlockingIOError

    monkeypatch.setattr(segments.fcntl, "flock", held)

    assert segments.create(tmp_path / f"w-1-00000001{ATTEMPTS.open}") is None


def test_segments_of_another_version_are_told_apart(tmp_path):
    (tmp_path / "w-1-00000001.v1.jsonl").touch()
    newer = tmp_path / "w-1-00000002.v2.jsonl"
    newer.touch()
    unknown = tmp_path / "w-1-00000003.dreams-v1.jsonl"
    unknown.touch()

    assert segments.foreign(tmp_path) == [newer, unknown]


def test_segments_of_each_kind_are_told_apart(tmp_path):
    attempts, outcomes = (tmp_path / f"w-1-00000001{kind.sealed}" for kind in (ATTEMPTS, OUTCOMES))
    attempts.touch()
    outcomes.touch()

    assert segments.sealed(tmp_path) == [attempts]
    assert segments.sealed(tmp_path, OUTCOMES) == [outcomes]
    assert segments.foreign(tmp_path) == []


def test_an_older_farthing_leaves_the_kinds_it_does_not_know_alone():
    # It took `*.v1.jsonl` and `*.v1.open`, and nothing else.
    assert ATTEMPTS.sealed == ".v1.jsonl"
    assert not OUTCOMES.sealed.endswith(".v1.jsonl")
    assert not OUTCOMES.open.endswith(".v1.open")
