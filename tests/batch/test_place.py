"""Where batches lie, and who works on them there."""

import pytest

from batch import place
from batch.place import Place
from router.errors import ConfigError


def test_whoever_works_in_a_folder_keeps_its_name_and_nobody_else_has_it(tmp_path):
    here, there = Place.within(tmp_path / "a"), Place.within(tmp_path / "b")
    for one in (here, there):
        one.open()

    assert here.worker() == Place.within(tmp_path / "a").worker() != there.worker()


def test_one_at_a_time_works_in_a_folder(tmp_path):
    here = Place.within(tmp_path)

    with here.elected() as first, here.elected() as second:
        assert (first, second) == (True, False)


def test_a_store_that_several_machines_share_says_what_it_takes(tmp_path, monkeypatch):
    monkeypatch.setattr(place, "EXTRA", ("nowhere_to_be_found",))

    with pytest.raises(
        ConfigError, match=r"pip install 'farthing\[postgres\]'`: no nowhere_to_be_found here"
    ):
        Place.within(tmp_path, "postgresql://x").open()
    Place.within(tmp_path).open()


def test_a_place_does_not_show_its_password(tmp_path):
    assert "secret" not in repr(Place.within(tmp_path, "postgresql://u:secret@h/d"))
