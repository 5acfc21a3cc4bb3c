import os
import select
import signal
import socket
import subprocess
import sys

import pytest
from click.testing import CliRunner

from router.__main__ import cli
from router.commands import drain as drain_command
from router.commands.drain import Bell
from router.ledger.spool import Spool
from router.ledger.store import Ledger, elected
from tests.support.entries import entries, entry, ledgers_rows


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path)


@pytest.fixture
def _signals():
    """Put the process back as it was: a bell takes its signals."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    signal.set_wakeup_fd(-1)
    for number, handler in before.items():
        signal.signal(number, handler)


def spool(ledger, *rows):
    written = Spool(ledger.spool, "w")
    written.write(rows)
    written.close()


def drain_once(ledger):
    return CliRunner().invoke(cli, ["drain", "--data", str(ledger.data), "--once"], catch_exceptions=False)


def test_once_says_what_was_moved(ledger):
    spool(ledger, *entries(3))

    result = drain_once(ledger)

    assert (result.exit_code, result.stdout) == (0, "3 rows of 1 segments are in the ledger now.\n")
    assert len(ledgers_rows(ledger.data)) == 3


def test_once_says_that_another_is_at_it(ledger):
    with elected(ledger):
        assert drain_once(ledger).stdout == "Another process is draining this spool.\n"


def test_without_once_it_drains_until_the_bell_says_stop(ledger, monkeypatch):
    spool(ledger, entry())
    monkeypatch.setattr(drain_command, "Bell", lambda interval, parent: lambda: interval != 0.25)

    result = CliRunner().invoke(cli, ["drain", "--data", str(ledger.data), "--interval", "0.25"])

    assert result.exit_code == 0
    assert len(ledgers_rows(ledger.data)) == 1


@pytest.mark.usefixtures("_signals")
def test_the_bell_says_go_on_when_an_interval_is_over():
    assert Bell(0.001, -1)()


@pytest.mark.usefixtures("_signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_bell_says_stop_at_once_on_a_signal(number):
    bell = Bell(60, -1)

    signal.raise_signal(number)

    assert not bell()


@pytest.mark.usefixtures("_signals")
def test_a_parents_pipe_says_go_on_while_it_is_open_and_stop_when_it_closes():
    ours, parents = os.pipe()
    bell = Bell(0.001, ours)
    assert bell()
    os.write(parents, b"anything")
    assert bell()

    os.close(parents)

    assert not bell()
    os.close(ours)


@pytest.mark.usefixtures("_signals")
def test_a_parents_socket_is_as_good_as_a_pipe():
    ours, parents = socket.socketpair()
    bell = Bell(60, ours.fileno())

    parents.close()

    assert not bell()
    ours.close()


@pytest.mark.usefixtures("_signals")
def test_with_a_parent_a_terminals_interrupt_is_the_parents_business():
    ours, parents = os.pipe()
    bell = Bell(0.001, ours)

    signal.raise_signal(signal.SIGINT)

    assert bell()
    os.close(ours)
    os.close(parents)


@pytest.mark.usefixtures("_signals")
def test_a_standard_input_that_is_no_pipe_is_no_parent():
    null = os.open(os.devnull, os.O_RDONLY)

    assert Bell(0.001, null)()
    os.close(null)


def start(ledger, **given):
    words = [sys.executable, "-m", "router", "drain", "--data", str(ledger.data), "--interval", "0.05"]
    return subprocess.Popen(words, **given)


def until_drained(ledger, process):
    """Wait for a first row to arrive, which proves that the drainer is up."""
    spool(ledger, entry(request_id="first"))
    while not (ledger.database.exists() and ledgers_rows(ledger.data)):
        assert process.poll() is None


@pytest.mark.e2e
@pytest.mark.parametrize("end", ["sigterm", "sigint", "pipe"])
def test_the_process_drains_a_last_time_and_ends_well(ledger, end):
    given = {"stdin": subprocess.PIPE if end == "pipe" else subprocess.DEVNULL}
    with start(ledger, **given) as process:
        until_drained(ledger, process)
        spool(ledger, entry(request_id="last"))
        if end == "pipe":
            process.stdin.close()
        else:
            process.send_signal(getattr(signal, end.upper()))
        assert process.wait(20) == 0

    assert sorted(row.request_id for row in ledgers_rows(ledger.data)) == ["first", "last"]


PARENT = """
import subprocess, sys, time
words = [sys.executable, "-m", "router", "drain", "--data", sys.argv[1]]
child = subprocess.Popen(words, stdin=subprocess.PIPE)
print(child.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.e2e
def test_the_process_ends_when_its_parent_is_killed(ledger):
    with subprocess.Popen([sys.executable, "-c", PARENT, str(ledger.data)], stdout=subprocess.PIPE) as parent:
        child = int(parent.stdout.readline())
        until_drained(ledger, parent)
        watched = os.pidfd_open(child)
        parent.kill()

    try:
        assert select.select([watched], [], [], 20)[0]
    finally:
        os.close(watched)
