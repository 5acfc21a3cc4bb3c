"""The file of keys."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from router.errors import ConfigError
from router.keys import Key, KeyStore, digest_of
from router.keys.writing import limits_of
from router.types import Role, Scopes

FULL = Key(
    name="alice",
    digest=digest_of("s"),
    hint="fk-abcde",
    role=Role.AUDITOR,
    team="t",
    user="u",
    tags=("a", "b"),
    scopes=Scopes(models=frozenset({"m"}), lanes=frozenset()),
    limits=limits_of("alice", ["0.000000000001 usd/day", "9 tokens/total"]),
    parent="p",
    created=datetime(2026, 11, 24, tzinfo=UTC),
)


def test_what_is_written_is_read_and_no_secret_is_in_it(tmp_path):
    store = KeyStore(tmp_path / "data")
    assert store.read() == ()
    store.change(lambda _keys: (FULL,))
    assert store.read() == (FULL,)
    file = tmp_path / "data" / "keys.json"
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_change_is_seen_once(tmp_path):
    store = KeyStore(tmp_path)
    assert store.poll() is None
    assert store.poll(force=True) == ()
    store.change(lambda keys: (*keys, FULL))
    assert store.poll() == (FULL,)
    assert store.poll() is None


def test_a_hundred_changes_at_once_are_a_hundred_keys(tmp_path):
    def add(number: int) -> None:
        KeyStore(tmp_path).change(lambda keys: (*keys, replace(FULL, name=f"k{number}")))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(100)))
    assert len(KeyStore(tmp_path).read()) == 100


def test_a_failed_change_changes_nothing(tmp_path):
    store = KeyStore(tmp_path)
    store.change(lambda _keys: (FULL,))
    with pytest.raises(ZeroDivisionError):
        store.change(lambda _keys: 1 // 0)
    assert store.read() == (FULL,)


@pytest.mark.parametrize("text", ["", "{}", "[{}]", '[{"name": "a", "digest": 1}]', "\x00"])
def test_a_file_that_is_none_of_ours_is_a_sentence(tmp_path, text):
    (tmp_path / "keys.json").write_text(text)
    with pytest.raises(ConfigError, match="no file of keys"):
        KeyStore(tmp_path).read()
