import errno
import os
from itertools import count
from pathlib import Path
from types import MappingProxyType

import orjson
import pytest

from router.ledger import spool as spool_module
from router.ledger.drain import drain
from router.ledger.spool import MOST_UNSYNCED, Spool
from router.ledger.store import Ledger
from tests.support.entries import entries, entry, ledgers_rows
from tests.support.world import FakeClock


class Disk:
    """A disk with so much room, that takes so many bytes at once."""

    def __init__(self, monkeypatch, *, room=1 << 40, at_once=1 << 40):
        self.room, self.at_once, self.writes = room, at_once, 0
        self._write = os.write
        monkeypatch.setattr(spool_module.os, "write", self.write)

    def write(self, descriptor, data):
        self.writes += 1
        if self.room == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = self._write(descriptor, data[: min(self.room, self.at_once)])
        self.room -= written
        return written


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path)


def descriptors():
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def lines(folder, kind="*"):
    return [
        orjson.loads(line) for path in sorted(folder.glob(kind)) for line in path.read_bytes().splitlines()
    ]


def test_what_was_written_is_in_a_file_before_write_returns(tmp_path):
    Spool(tmp_path, "w").write((entry(request_id="mine"),))

    (line,) = lines(tmp_path, "*.v1.open")
    assert line["request_id"] == "mine"


def test_entries_written_together_are_one_write(tmp_path, monkeypatch):
    spool, disk = Spool(tmp_path, "w"), Disk(monkeypatch)

    spool.write(entries(5))

    assert disk.writes == 1


def test_nothing_is_written_of_no_entries(tmp_path):
    Spool(tmp_path, "w").write(())

    assert list(tmp_path.iterdir()) == []


def test_an_old_segment_is_sealed_by_the_next_write(tmp_path):
    clock = FakeClock()
    spool = Spool(tmp_path, "w", max_age=0.5, clock=clock.monotonic)
    spool.write((entry(),))
    clock.at = 0.6
    spool.write((entry(),))

    assert len(lines(tmp_path, "*.v1.jsonl")) == 2


def test_an_idle_segment_is_sealed_by_a_tick_once_it_is_old(tmp_path):
    clock = FakeClock()
    spool = Spool(tmp_path, "w", max_age=0.5, clock=clock.monotonic)
    spool.write((entry(),))
    spool.tick()
    assert lines(tmp_path, "*.v1.jsonl") == []

    clock.at = 0.6
    spool.tick()

    assert len(lines(tmp_path, "*.v1.jsonl")) == 1


def test_a_large_segment_is_sealed(tmp_path):
    spool = Spool(tmp_path, "w", max_bytes=1, clock=FakeClock().monotonic)

    for one in entries(3):
        spool.write((one,))

    assert len(list(tmp_path.glob("*.v1.jsonl"))) == 3


def test_two_spools_of_one_name_share_no_file(tmp_path):
    for one in entries(4):
        Spool(tmp_path, "w").write((one,))

    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.parametrize("name", ["", "a/b", "a-b", "..", "w.v1"])
def test_a_name_that_is_no_part_of_a_files_is_refused(tmp_path, name):
    with pytest.raises(ValueError, match="becomes a file's"):
        Spool(tmp_path, name)


def test_short_writes_are_completed(ledger, monkeypatch):
    spool = Spool(ledger.spool, "w")
    Disk(monkeypatch, at_once=100)
    spool.write(entries(3))
    spool.close()

    drain(ledger)

    assert len(ledgers_rows(ledger.data)) == 3


@pytest.mark.parametrize("room", [0, 1, 700, 1_500, 2_600])
def test_a_full_disk_fails_nobody_and_nothing_is_lost_or_doubled(ledger, monkeypatch, room):
    spool = Spool(ledger.spool, "w")
    spool.write((entry(request_id="before"),))
    disk = Disk(monkeypatch, room=room)
    spool.write(entries(3))
    spool.write((entry(request_id="after"),))
    assert spool.backlog_bytes

    disk.room = 1 << 40
    spool.tick()
    spool.close()
    drain(ledger)

    assert spool.backlog_bytes == spool.lost == 0
    assert sorted(row.request_id for row in ledgers_rows(ledger.data)) == [
        "after",
        "before",
        "r0",
        "r1",
        "r2",
    ]


def test_a_disk_that_stays_full_loses_only_what_memory_cannot_hold_and_counts_it(ledger, monkeypatch, caplog):
    spool = Spool(ledger.spool, "w", max_backlog=2_500)
    disk = Disk(monkeypatch, room=0)
    for one in entries(5):
        spool.write((one,))
    assert spool.backlog_bytes <= 2_500

    disk.room = 1 << 40
    spool.close()

    assert "takes entries again" in caplog.text
    assert "are lost" in caplog.text
    assert spool.lost == 5 - len(lines(ledger.spool)) > 0


def test_a_folder_that_is_gone_fails_nobody(ledger):
    spool = Spool(ledger.spool, "w")
    ledger.spool.rmdir()
    spool.write((entry(),))
    ledger.spool.mkdir()

    spool.tick()
    spool.close()

    assert len(lines(ledger.spool)) == 1


def test_a_segment_that_cannot_be_sealed_is_left_to_be_adopted(ledger, caplog):
    spool = Spool(ledger.spool, "w")
    spool.write((entry(),))
    (path,) = ledger.spool.iterdir()
    path.rename(path.with_suffix(".hidden"))

    spool.seal()
    spool.sync()

    assert "waits to be adopted" in caplog.text


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"user": "half \ud83d"}, {"user": "half ?"}),
        ({"tags": ("\ud83d",)}, {"tags": ["?"]}),
        ({"cost_reported": 10**30}, {"cost_reported": None}),
        ({"verdicts": {"\ud83d": "\ud83d"}}, {"verdicts": {"?": "?"}}),
        ({"predictions": {1: 0.5}}, {"predictions": {"1": 0.5}}),
    ],
)
def test_an_entry_no_json_can_hold_is_written_as_far_as_it_can_be(tmp_path, given, kept):
    Spool(tmp_path, "w").write((entry(**given),))

    (line,) = lines(tmp_path)
    assert {name: line[name] for name in kept} == kept
    assert line["request_id"] == "r1"


def test_sync_forces_what_was_written_and_the_folder(tmp_path, monkeypatch):
    forced = []
    spool = Spool(tmp_path, "w")
    monkeypatch.setattr(spool_module.os, "fdatasync", lambda descriptor: forced.append("file"))
    monkeypatch.setattr(spool_module.files, "sync", lambda folder: forced.append("folder"))
    spool.write((entry(),))
    spool.seal()
    spool.write((entry(),))

    spool.sync()
    assert forced == ["file", "file", "folder"]

    spool.close()
    spool.sync()
    assert forced[3:] == ["file", "folder"]


def test_a_disk_that_cannot_be_forced_fails_nobody(tmp_path, monkeypatch, caplog):
    def broken(descriptor):
        raise OSError(errno.EIO, "Input/output error")

    spool = Spool(tmp_path, "w")
    monkeypatch.setattr(spool_module.os, "fdatasync", broken)
    spool.write((entry(),))

    spool.sync()

    assert "could not be forced" in caplog.text


def test_an_owner_who_never_syncs_runs_out_of_no_descriptors(tmp_path):
    spool = Spool(tmp_path, "w", max_bytes=1)
    before = descriptors()

    for _ in range(3 * MOST_UNSYNCED):
        spool.write((entry(),))
    assert descriptors() <= before + MOST_UNSYNCED

    spool.close()
    assert descriptors() == before


def test_an_adopter_who_is_quicker_gets_the_file_and_the_spool_another(tmp_path, monkeypatch):
    tries = count()
    create = spool_module.segments.create
    monkeypatch.setattr(
        spool_module.segments, "create", lambda path: create(path) if next(tries) == 2 else None
    )

    Spool(tmp_path, "w").write((entry(),))

    (path,) = tmp_path.iterdir()
    assert path.name.endswith("-00000003.v1.open")


def test_what_waits_in_memory_at_the_end_is_counted_as_lost(ledger, monkeypatch, caplog):
    spool = Spool(ledger.spool, "w")
    Disk(monkeypatch, room=0)
    spool.write(entries(3))

    spool.close()

    assert spool.lost == 3
    assert "3 ledger entries are lost" in caplog.text
    assert drain(ledger).rows == 0
    assert list(ledger.spool.iterdir()) == []


def test_a_mapping_that_is_no_dictionary_is_written_too(tmp_path):
    Spool(tmp_path, "w").write((entry(verdicts=MappingProxyType({"shape": "pass"})),))

    assert lines(tmp_path)[0]["verdicts"] == {"shape": "pass"}


def test_a_value_that_has_no_place_in_an_entry_is_written_as_text(tmp_path):
    Spool(tmp_path, "w").write((entry(reason=Path("/x")),))

    assert lines(tmp_path)[0]["reason"] == "/x"
