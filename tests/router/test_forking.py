"""A copy of a process has its modules and data, and nothing else of it."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

MAKER = """
import json, os, signal, sys
from router.forking import started

signal.signal(signal.SIGTERM, lambda *_: None)
kept, other = os.pipe(), os.pipe()
loaded = ["by the maker"]

def run(words):
    told = {
        "words": words,
        "loaded": loaded,
        "open": [fd in map(int, os.listdir("/dev/fd")) for fd in (kept[1], other[0], other[1])],
        "term": signal.getsignal(signal.SIGTERM) is signal.SIG_DFL,
        "own group": os.getpgid(0) == os.getpid(),
        "name": open("/proc/self/cmdline").read().rstrip(chr(0)).split(chr(0))[0],
        "stdin": sys.stdin.read(),
    }
    os.write(kept[1], json.dumps(told).encode())
    sys.exit(7)

process, stdin = started(["worker", "--fd", "9"], run, keep=[kept[1]], environment=None)
os.write(stdin, b"said by the maker")
os.close(stdin)
_, status = os.waitpid(process, 0)
print(os.read(kept[0], 4096).decode())
print(os.waitstatus_to_exitcode(status), signal.pthread_sigmask(signal.SIG_BLOCK, []) == set())
"""


def test_a_copy_has_what_was_loaded_and_only_the_descriptors_it_is_given():
    done = subprocess.run([sys.executable, "-c", MAKER], cwd=ROOT, capture_output=True, text=True, check=True)
    told, ended = done.stdout.splitlines()
    assert json.loads(told) == {
        "words": ["worker", "--fd", "9"],
        "loaded": ["by the maker"],
        "open": [True, False, False],
        "term": True,
        "own group": True,
        "name": "farthing worker --fd 9",
        "stdin": "said by the maker",
    }
    assert ended == "7 True"


FAILING = """
import os, sys
from router.forking import started

def run(words):
    raise ZeroDivisionError

try:
    process, _ = started(["worker"], run, keep=[], environment=None)
    print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))
finally:
    print("cleaned up once")
"""


def test_a_copy_that_breaks_says_so_and_does_not_come_back_to_where_it_was_made():
    done = subprocess.run(
        [sys.executable, "-c", FAILING], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["1", "cleaned up once"]
    assert "ZeroDivisionError" in done.stderr
