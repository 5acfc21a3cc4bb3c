"""The promise of the ledger: what was acknowledged is in it once, whoever is killed whenever."""

import json
import multiprocessing
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack, contextmanager

import pytest

from dashboards import reports
from router.ledger import healing, keeping
from router.ledger.drain import drain_once
from router.ledger.spool import Spool
from router.ledger.store import Ledger, reading
from router.ledger.troubles import LedgerBusy
from tests.support.entries import entries
from tests.support.spool_writer import drain_for_ever, write_for_ever

WRITERS = 3
KILLS = 50

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


class Team:
    """Three writers and a drainer, each replaced as soon as it is killed."""

    def __init__(self, ledger, notes):
        self.ledger, self.notes = ledger, notes
        self.context = multiprocessing.get_context("forkserver")
        # So that a successor is at work in milliseconds, and is not killed while it still imports.
        self.context.set_forkserver_preload(["tests.support.spool_writer"])
        self.processes = {}
        self.killed = Counter()
        self.roles = [*(f"w{number}" for number in range(WRITERS)), "drainer"]

    def start(self, role):
        who = f"{role}-{self.killed[role]}"
        target, words = write_for_ever, (str(self.ledger.spool), who, str(self.notes / who))
        if role == "drainer":
            target, words = drain_for_ever, (str(self.ledger.data),)
        self.processes[role] = self.context.Process(target=target, args=words)
        self.processes[role].start()

    def kill(self, role):
        process = self.processes[role]
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        process.close()
        self.killed[role] += 1

    def end(self):
        for role in self.roles:
            self.kill(role)

    def acknowledged(self):
        """Name every entry whose writer was told that it is written."""
        return {
            f"{note.name}-{number}" for note in self.notes.iterdir() for number in range(note.stat().st_size)
        }


@contextmanager
def over_and_over(work, seen):
    """Do `work` in a thread again and again, collecting what it returns or raises.

    A reader that waited in vain asks again: how long that takes is a matter of the machine.
    """
    stop = threading.Event()

    def run():
        while not stop.is_set():
            try:
                seen.append(work())
            except LedgerBusy:
                continue
            except Exception as error:  # noqa: BLE001 - whatever a reader meets fails the test
                seen.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def requests_in(table):
    (row,) = table.rows
    return row[[column.name for column in table.columns].index("requests")]


def printed_requests(data):
    """The count that the command prints, which drains by itself whenever no drainer is there."""
    words = [sys.executable, "-m", "router", "report", "--data", str(data), "--format", "json"]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    if done.returncode and str(LedgerBusy()) in done.stderr:
        raise LedgerBusy
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)["rows"]
    return row["requests"]


def ids(ledger, table="ledger"):
    with reading(ledger) as connection:
        return [name for (name,) in connection.execute(f"SELECT request_id FROM {table}").fetchall()]


def test_fifty_random_kills_lose_nothing_and_double_nothing(tmp_path):
    chance = random.Random(20261123)
    ledger, notes = Ledger(tmp_path / "data"), tmp_path / "notes"
    notes.mkdir()
    team = Team(ledger, notes)
    read, printed = [], []
    began = time.monotonic()
    with ExitStack() as stack:
        for role in team.roles:
            team.start(role)
        stack.callback(team.end)
        stack.enter_context(over_and_over(lambda: requests_in(reports.run(ledger.data, "overview")), read))
        stack.enter_context(over_and_over(lambda: printed_requests(ledger.data), printed))
        for _ in range(KILLS):
            time.sleep(chance.uniform(0.1, 0.6))
            role = chance.choice([*team.roles, "drainer"])
            team.kill(role)
            team.start(role)
    drain_once(ledger)

    rows, acknowledged = ids(ledger), team.acknowledged()
    sys.stdout.write(
        f"{len(acknowledged)} acknowledged, {len(rows)} rows, {len(read)} + {len(printed)} reports, "
        f"{dict(team.killed)}, {len(healing.asides(ledger))} damaged, {time.monotonic() - began:.0f} s\n"
    )
    # DuckDB's file may have been cut within its metadata by a kill: then it was made anew, and the sums tell.
    found = keeping.verify(ledger)
    assert (found.wrong, found.tables["ledger"].rows) == ((), len(rows))
    assert [each for each in (*read, *printed) if isinstance(each, Exception)] == []
    assert read
    assert read == sorted(read)
    assert team.killed["drainer"] >= 5
    assert len(acknowledged) > 1000
    assert acknowledged - set(rows) == set(), "lost"
    assert [name for name, times in Counter(rows).items() if times > 1] == [], "doubled"
    outcomes = ids(ledger, "outcomes")
    assert acknowledged - set(outcomes) == set(), "outcomes lost"
    assert [name for name, times in Counter(outcomes).items() if times > 1] == [], "outcomes doubled"
    assert list(ledger.spool.iterdir()) == []


DRAIN_AND_DIE = """
import os, signal, sys
from pathlib import Path
from router.ledger.drain import drain
from router.ledger.store import Ledger

def die(step):
    if step == sys.argv[2]:
        os.kill(os.getpid(), signal.SIGKILL)

drain(Ledger(Path(sys.argv[1])), step=die)
"""


@pytest.mark.parametrize("step", ["inserted", "committed"])
def test_a_drainer_killed_before_or_after_its_commit_loses_and_doubles_nothing(tmp_path, step):
    ledger = Ledger(tmp_path / "data")
    spool = Spool(ledger.spool, "w")
    spool.write(entries(500))
    spool.close()

    killed = subprocess.run([sys.executable, "-c", DRAIN_AND_DIE, str(ledger.data), step], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert len(ids(ledger)) == {"inserted": 0, "committed": 500}[step]
    drain_once(ledger)
    # And once more, from what is kept: the same rows, each once.
    healing.ask(ledger)
    drain_once(ledger)

    assert sorted(ids(ledger)) == sorted(f"r{number}" for number in range(500))
    assert list(ledger.spool.iterdir()) == []
