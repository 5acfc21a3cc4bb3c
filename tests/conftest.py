"""What every test has in common."""

from hypothesis import settings

# A deadline would fail on a busy machine, which says nothing about the code.
settings.register_profile("farthing", deadline=None)
settings.load_profile("farthing")


def pytest_addoption(parser):
    parser.addoption(
        "--bill-requests", type=int, default=1200, help="Requests of tests/end_to_end/test_bill.py."
    )
    for name, usual, what in (
        ("lines", 300, "Lines of the batch"),
        ("kills", 6, "Processes that are killed"),
        ("seed", 20261125, "Which processes, and when,"),
    ):
        help_ = f"{what} in tests/end_to_end/test_batch_survives_kill.py."
        parser.addoption(f"--batch-{name}", type=int, default=usual, help=help_)
    help_ = "Lines of the batch in tests/end_to_end/test_batch_size.py."
    parser.addoption("--batch-size", type=int, default=5000, help=help_)
