"""The embedded store: one SQLite file in WAL mode, which any process of this machine may open.

A line's bytes stay in the uploaded file, and its row says where.
A claim is a lease and completing it is guarded, so a line is recorded once however often it was tried.
"""

from batch.sqlite.batches import Batches
from batch.sqlite.files import Files
from batch.sqlite.lines import Lines


class SQLiteStore(Files, Batches, Lines):
    """A `batch.seams.Store` in a folder."""


__all__ = ["SQLiteStore"]
