"""What every shelf promises of the bytes it keeps."""

from collections.abc import Iterator

import pytest

from batch.jobs import DAY, File
from batch.place import Place
from batch.seams import Shelf
from router.errors import TooLarge
from tests.support.postgres_server import PostgresServer, postgres

BIG = 3 << 20


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres() as server:
        yield server


@pytest.fixture(params=["folder", pytest.param("shared", marks=pytest.mark.service)])
def machines(request, tmp_path) -> Iterator[tuple[Shelf, Shelf]]:
    """Two machines, or twice the same where there is only one."""
    url = request.getfixturevalue("server").database() if request.param == "shared" else None
    opened = [Place(tmp_path / (name if url else "one"), url).open() for name in ("a", "b")]
    for file_id in ("file-1", "file-2"):
        opened[0][0].add_file(File(id=file_id, purpose="batch", name="f", size=1, created=1))
    yield tuple(shelf for _, shelf in opened)
    for store, _ in opened:
        getattr(store, "close", lambda: None)()


async def pieces(*given: bytes):
    for piece in given:
        yield piece


async def test_what_one_machine_receives_another_reads(machines):
    here, there = machines
    content = b"0123456789" * (BIG // 10)

    assert await here.receive("file-1", pieces(content[:7], content[7:])) == len(content)

    assert there.read("file-1", BIG // 20 * 10, 3) == b"012"
    assert there.path("file-1").read_bytes() == content


def test_lines_that_are_written_are_whole(machines):
    here, there = machines

    assert here.write("file-1", [b"a", b"bc"]) == 5
    assert there.path("file-1").read_bytes() == b"a\nbc\n"
    assert here.write("file-2", []) == 0
    assert there.path("file-2").read_bytes() == b""


async def test_what_breaks_off_is_not_there(machines):
    here, there = machines

    async def broken():
        yield b"half"
        raise TooLarge

    with pytest.raises(TooLarge):
        await here.receive("file-1", broken())

    for shelf in (here, there):
        with pytest.raises(FileNotFoundError):
            shelf.read("file-1", 0, 1)


def test_what_is_dropped_is_gone_once_no_machine_has_a_copy(machines):
    here, there = machines
    here.write("file-1", [b"a"])
    there.path("file-1")

    there.drop("file-1")
    here.drop("file-1")
    here.drop("file-1")

    for shelf in (here, there):
        with pytest.raises(FileNotFoundError):
            shelf.read("file-1", 0, 1)


def test_tidying_takes_nothing_that_is_needed(machines):
    here, there = machines
    here.write("file-1", [b"a"])
    now = here.path("file-1").stat().st_mtime

    here.tidy(now, lambda _: True)
    here.tidy(now + 30 * DAY, lambda _: True)

    assert here.read("file-1", 0, 1) == there.read("file-1", 0, 1) == b"a"
