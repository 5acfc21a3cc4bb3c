"""What nobody may read any more is dropped, bytes and all; what a batch still reads is not."""

import os

import pytest

from batch.broom import Broom
from batch.jobs import DAY, Batch, File, Line, Move, Result, State
from batch.shelf import FolderShelf
from batch.sqlite import SQLiteStore
from router.types import Principal
from tests.support.world import FakeClock


class World:
    def __init__(self, folder):
        self.store, self.shelf, self.clock = SQLiteStore(folder), FolderShelf(folder / "files"), FakeClock()
        self.broom = Broom(self.store, self.shelf, self.clock)
        self.now = int(self.clock.now().timestamp())

    def file(self, file_id, *, expires=None):
        size = self.shelf.write(file_id, [b"{}"])
        self.store.add_file(
            File(id=file_id, purpose="batch", name="f", size=size, created=0, expires=expires)
        )

    @property
    def lying(self):
        return sorted(path.name for path in self.shelf.folder.iterdir())


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def test_an_expired_file_is_dropped_with_its_bytes(world):
    world.file("file-old", expires=world.now)
    world.file("file-new", expires=world.now + 1)
    world.file("file-kept")

    assert world.broom.sweep() == 1

    assert world.lying == ["file-kept", "file-new"]
    assert world.store.file("file-old") is None


def test_a_file_that_a_batch_reads_stays_until_the_batch_is_over(world):
    world.file("file-in", expires=world.now)
    world.store.add_batch(
        Batch(
            id="b", principal=Principal(), endpoint="/v1/chat/completions",
            input_file="file-in", window=60, created=0,
        )
    )  # fmt: skip

    assert world.broom.sweep() == 0
    world.store.move("b", Move(before=(State.VALIDATING,), state=State.FAILED, at=1))

    assert world.broom.sweep() == 1
    assert world.lying == []


def test_bytes_that_processes_left_who_died_are_dropped_after_a_day(world):
    world.file("file-known")
    for name in ("file-stray", "file-half.1234.part", "file-fresh"):
        world.shelf.path(name).write_bytes(b"x")
    for name in ("file-known", "file-stray", "file-half.1234.part"):
        os.utime(world.shelf.path(name), (world.now - DAY - 1,) * 2)
    os.utime(world.shelf.path("file-fresh"), (world.now,) * 2)

    world.broom.sweep()

    assert world.lying == ["file-fresh", "file-known"]


def test_more_expired_files_than_are_listed_at_once_are_all_dropped(world):
    for number in range(230):
        world.file(f"file-{number}", expires=world.now)

    assert world.broom.sweep() == 230


def test_the_answers_of_a_batch_go_with_its_files(world):
    world.store.add_batch(
        Batch(
            id="b", principal=Principal(), endpoint="/v1/chat/completions",
            input_file="file-in", window=60, created=0,
        )
    )  # fmt: skip
    world.store.begin("b", [Line(number=1, custom_id="c", offset=0, length=1)], at=1)
    (claim,) = world.store.claim("w", 1)
    world.store.complete([(claim, Result(status=200, body=b'"a secret answer"', request_id="r"))])
    world.file("file-out", expires=world.now)
    output = File(id="file-o", purpose="batch_output", name="o", size=9, created=0, expires=world.now)
    world.store.move("b", Move(before=(State.IN_PROGRESS,), state=State.COMPLETED, at=2, output=output))

    world.broom.sweep()

    folder = world.shelf.folder.parent
    assert not any(b"a secret" in path.read_bytes() for path in folder.rglob("*") if path.is_file())
