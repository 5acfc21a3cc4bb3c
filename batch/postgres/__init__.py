"""The store of several machines: PostgreSQL, with pgqueuer handing out the lines.

What a line is and what became of it are tables of ours; whose turn it is, who has it and whether they live
are pgqueuer's. Both change in one transaction.
"""

from batch.postgres.batches import Batches
from batch.postgres.database import Database
from batch.postgres.files import Files
from batch.postgres.lines import Lines
from batch.postgres.shelf import SharedShelf


class PostgresStore(Files, Batches, Lines):
    """A `batch.seams.Store` in a PostgreSQL database, for any number of machines."""


__all__ = ["Database", "PostgresStore", "SharedShelf"]
