"""How the accounts of this machine stand, for whoever is no server: read from the file."""

from collections.abc import Sequence
from pathlib import Path

from policies.budgets.book import FILE, Book
from policies.budgets.counters import Count
from policies.budgets.rules import Line, Ruleset
from policies.budgets.windows import Calendar
from router.budget import Budget
from router.types import Principal


def local_counts(
    folder: Path, key: str, limits: Sequence[Budget], calendar: Calendar, now: float
) -> tuple[list[Line], list[Count]]:
    """Give each limit of a key, and how it stands; a server books within a second."""
    rules = Ruleset((), of_key=lambda name: limits if name == key else (), calendar=calendar)
    applying = rules.applying(Principal(key=key))
    lines = list(applying.lines)
    if not (folder / FILE).exists():
        return lines, [Count(0, 0)] * len(lines)
    book = Book(folder, owner="")
    try:
        return lines, book.counts([account.key for account in applying.accounts(calendar, now)])
    finally:
        book.close()
