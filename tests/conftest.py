"""What every test has in common."""

from hypothesis import settings

# A deadline would fail on a busy machine, which says nothing about the code.
settings.register_profile("farthing", deadline=None)
settings.load_profile("farthing")


def pytest_addoption(parser):
    parser.addoption(
        "--bill-requests", type=int, default=1200, help="Requests of tests/end_to_end/test_bill.py."
    )
