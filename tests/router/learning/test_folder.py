import os
import signal
import subprocess
import sys

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.learning.folder import Folder, Unusable, read, stamp, write

WRITER = """
import sys
from pathlib import Path
from router.learning.folder import write
path = Path(sys.argv[1])
number = 0
print("ready", flush=True)
while True:
    number += 1
    write(path, {"number": number, "ballast": [number] * 20_000})
"""


def test_what_is_written_is_read(tmp_path):
    path = Folder(tmp_path).local
    assert read(path) is None
    write(path, {"a": [1.5, None, "\u00e4"]})
    before = stamp(path)
    assert read(path) == {"a": [1.5, None, "\u00e4"]}
    write(path, {})
    assert stamp(path) != before
    assert read(path) == {}


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-1],
        lambda data: data.replace(b"17", b"18"),
        lambda _: b"",
        lambda _: b"[]",
        lambda _: b'{"form": 99, "content": {}}',
        lambda _: b'{"form": 1, "content": []}',
        lambda _: b"\x80\x04K\x01.",
    ],
)
def test_a_damaged_or_foreign_file_is_refused_with_a_sentence(tmp_path, damage):
    path = tmp_path / "local.json"
    write(path, {"number": 17})
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(Unusable, match=str(path)):
        read(path)


@given(st.dictionaries(st.text(), st.recursive(st.none() | st.integers(-9, 9) | st.text(), st.lists)))
@settings(max_examples=20, deadline=None)
def test_any_content_comes_back(tmp_path_factory, content):
    try:
        orjson.dumps(content)
    except orjson.JSONEncodeError:
        return
    path = tmp_path_factory.mktemp("any") / "local.json"
    write(path, content)
    assert read(path) == content


def test_a_writer_killed_in_the_middle_leaves_a_whole_file(tmp_path):
    path = tmp_path / "local.json"
    write(path, {"number": 0})
    for _ in range(3):
        process = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        begun = stamp(path)
        while stamp(path) == begun:
            os.sched_yield()
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        content = read(path)
        assert content is not None
        assert set(content["ballast"]) == {content["number"]}
    write(path, {"number": -1})
    assert [file.name for file in tmp_path.iterdir()] == ["local.json"], "what the dead left is cleared away"
