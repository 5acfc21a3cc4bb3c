import pytest

from router.ledger.store import Ledger


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "data")
