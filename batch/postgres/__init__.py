"""The store of several machines: PostgreSQL, with pgqueuer handing out the lines.

What a line is and what became of it are tables of ours; whose turn it is, who has it and whether they live
are pgqueuer's. Both change in one transaction.
"""

from batch.postgres.batches import Batches
from batch.postgres.files import Files
from batch.postgres.lines import Lines
from batch.postgres.shelf import SharedShelf
from batch.seams import Shelf, Store
from batch.shelf import FolderShelf


class PostgresStore(Files, Batches, Lines):
    """A `batch.seams.Store` in a PostgreSQL database, for any number of machines."""


def opened(url: str, near: FolderShelf) -> tuple[Store, Shelf]:
    """Give the store and the shelf of a database; `near` keeps this machine's copies of files."""
    store = PostgresStore(url)
    return store, SharedShelf(store, near)


__all__ = ["PostgresStore", "SharedShelf", "opened"]
