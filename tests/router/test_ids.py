"""Ids that can be told from invented ones."""

import stat
from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st

from router.ids import Ids, secret_of, shown_id

names = st.none() | st.text(max_size=10)
IDS = Ids(b"secret")


@given(given_=st.text(max_size=20) | st.just("mine-1"), key=names)
def test_an_id_is_known_to_whoever_has_the_secret_and_to_its_key_alone(given_, key):
    made = IDS.new(given_, key)
    assert Ids(b"secret").ours(made, key)
    assert not Ids(b"other").ours(made, key)
    assert not IDS.ours(made, (key or "") + "x")


@given(st.text(max_size=60), names)
def test_an_invented_id_is_not_known(text, key):
    assert not IDS.ours(text, key)


def test_a_callers_id_is_kept_and_shown_as_it_came():
    first, second = IDS.new("mine", "alice"), IDS.new("mine", "alice")
    assert first != second
    assert shown_id(first) == shown_id(second) == "mine"


def test_an_own_id_is_thirty_two_digits():
    assert len(IDS.new("", None)) == len(IDS.new("sly~1", None)) == 32


def test_the_secret_is_made_once_and_is_for_its_owner_alone(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(secret_of, [tmp_path / "data"] * 8))
    assert len(found) == 1
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["secret"]
    assert stat.S_IMODE((tmp_path / "data" / "secret").stat().st_mode) == 0o600
