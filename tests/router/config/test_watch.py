import logging
import os

import pytest

from evaluators import EVALUATORS
from router.config import Watcher, parse, restart_needed
from router.errors import ConfigError

SMALL = "upstreams: {a: {kind: simulated}}\nmodels: [{name: m, upstream: a}]\n"
KEYS = "auth: keys\nkeys: [{name: a, secret: sixteen-letters-and-more}]\n"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "f.yaml"
    path.write_text(SMALL)
    return path


def test_a_file_that_stays_gives_nothing_new(file):
    watcher = Watcher(file, environ={})
    assert watcher.poll() is None
    assert watcher.poll(force=True) is None


def test_a_changed_file_gives_the_new_configuration_once(file):
    watcher = Watcher(file, environ={})
    file.write_text(SMALL + "policies: {p: {}}\n")
    config = watcher.poll()
    assert "p" in config.policies
    assert watcher.current is config
    assert watcher.poll() is None


def test_a_new_comment_changes_nothing(file):
    watcher = Watcher(file, environ={})
    file.write_text("# why\n" + SMALL)
    assert watcher.poll() is None


def test_a_file_replaced_by_renaming_is_seen(file, tmp_path):
    watcher = Watcher(file, environ={})
    other = tmp_path / "g.yaml"
    other.write_text(SMALL.replace("name: m", "name: n"))
    other.replace(file)
    assert watcher.poll().models[0].name == "n"


def test_a_change_that_leaves_no_trace_is_read_when_forced(file):
    watcher = Watcher(file, environ={})
    watcher._seen = None
    stat = file.stat()
    watcher.poll()
    file.write_text(SMALL.replace("name: m", "name: n"))
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    watcher._seen = watcher._look()
    assert watcher.poll() is None
    assert watcher.poll(force=True).models[0].name == "n"


@pytest.mark.parametrize("broken", ["", "models: [", SMALL + "server: {prot: 1}\n", None])
def test_a_broken_file_keeps_the_old_configuration_and_is_logged_once(file, broken, caplog):
    watcher = Watcher(file, environ={})
    before = watcher.current
    file.unlink() if broken is None else file.write_text(broken)
    with caplog.at_level(logging.ERROR):
        assert watcher.poll() is None
        assert watcher.poll(force=True) is None
    assert watcher.current is before
    assert str(file) in str(watcher.last_error)
    assert [str(watcher.last_error) in record.getMessage() for record in caplog.records] == [True]


def test_a_mended_file_is_taken_and_forgives_the_error(file):
    watcher = Watcher(file, environ={})
    file.write_text("")
    watcher.poll()
    file.write_text(SMALL.replace("name: m", "name: n"))
    assert watcher.poll().models[0].name == "n"
    assert watcher.last_error is None


def test_a_file_mended_to_what_it_was_forgives_the_error_and_gives_nothing_new(file):
    watcher = Watcher(file, environ={})
    file.write_text("")
    watcher.poll()
    file.write_text(SMALL)
    assert watcher.poll() is None
    assert watcher.last_error is None


def test_there_is_no_watching_a_file_that_was_never_right(file):
    file.write_text("")
    with pytest.raises(ConfigError, match="'upstreams' is missing"):
        Watcher(file, environ={})


def test_unknown_checks_are_refused_on_reload_too(file):
    watcher = Watcher(file, environ={}, known_checks=EVALUATORS)
    file.write_text(SMALL + "policies: {p: {checks: [shap]}}\n")
    assert watcher.poll() is None
    assert "did you mean 'shape'?" in str(watcher.last_error)


def test_what_needs_a_restart_is_named():
    old = parse(SMALL, environ={})
    new = parse(
        SMALL + "data: elsewhere\nserver: {host: 127.0.0.2, port: 1, workers: 2, keepalive_seconds: 1}\n",
        environ={},
    )
    assert restart_needed(old, new) == ("server.host", "server.port", "server.workers", "data")
    assert restart_needed(old, old) == ()


def test_what_needs_a_restart_waits_for_it_and_the_rest_is_taken(file, caplog):
    watcher = Watcher(file, environ={})
    file.write_text(SMALL + "server: {port: 9700, keepalive_seconds: 5}\n")
    config = watcher.poll()
    assert (config.server.port, config.server.keepalive_seconds) == (9600, 5)
    assert watcher.pending == ("server.port",)
    assert "Only a restart puts in force: server.port" in caplog.text


def test_a_door_is_not_unlocked_while_the_process_still_listens_to_the_world(file):
    file.write_text(SMALL + KEYS + "server: {host: 0.0.0.0}\n")
    watcher = Watcher(file, environ={})
    file.write_text(SMALL + "auth: none\n")
    assert watcher.poll() is None
    assert watcher.current.auth == "keys"
    assert "'0.0.0.0' can be reached from other machines" in str(watcher.last_error)


def test_the_address_that_is_listened_on_counts_and_not_the_file_s(file):
    file.write_text(SMALL + KEYS)
    watcher = Watcher(file, environ={}, listening="0.0.0.0")
    assert not watcher.current.server.loopback
    file.write_text(SMALL)
    assert watcher.poll() is None
    assert watcher.current.auth == "keys"
    with pytest.raises(ConfigError, match="can be reached from other machines"):
        Watcher(file, environ={}, listening="0.0.0.0")


def test_another_address_than_the_file_s_waits_for_no_restart(file):
    watcher = Watcher(file, environ={}, listening="127.0.0.2")
    file.write_text(SMALL + "policies: {p: {}}\n")
    assert watcher.poll().server.host == "127.0.0.2"
    assert watcher.pending == ()
