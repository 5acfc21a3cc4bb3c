"""A shared store that cannot be reached: said in a sentence, and soon."""

import time

import pytest

from batch.place import Place
from router.errors import StoreAway


def test_a_database_that_is_away_is_waited_for_once_and_then_refused_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr("batch.postgres.database.PATIENCE", 0.2)
    store, _ = Place(tmp_path, "postgresql://127.0.0.1:9/x").open()

    with pytest.raises(StoreAway, match="cannot be reached"):
        store.under_way()
    began = time.monotonic()
    for _ in range(20):
        with pytest.raises(StoreAway):
            store.batch("batch_1")

    assert time.monotonic() - began < 3
    store.close()
