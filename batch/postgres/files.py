"""The files' names; their bytes are the shelf's."""

from dataclasses import asdict, replace

from batch.jobs import File
from batch.postgres.database import Connection, Database, count_of, plain, rows_of


class Files(Database):
    """See `batch.seams.Store`."""

    def add_file(self, file: File, /) -> None:
        with self.connection() as db:
            count_of(db, "add_file", **asdict(replace(file, name=plain(file.name))))

    def file(self, file_id: str, /) -> File | None:
        with self.connection() as db:
            rows = rows_of(db, "file", id=plain(file_id))
        return File(**rows[0]) if rows else None

    def files(self, owner: str | None, *, purpose: str | None, after: str | None, limit: int) -> list[File]:
        with self.connection() as db:
            rows = rows_of(
                db,
                "files",
                owner=owner,
                purpose=purpose and plain(purpose),
                after=after and plain(after),
                limit=limit,
            )
        return [File(**row) for row in rows]

    def expired_files(self, *, now: int) -> list[File]:
        with self.connection() as db:
            return [File(**row) for row in rows_of(db, "expired_files", now=now)]

    def drop_file(self, file_id: str, /) -> bool:
        name = plain(file_id)

        def work(db: Connection) -> bool:
            count_of(db, "forget_said_in", output=f'"output_file":"{name}"', errors=f'"error_file":"{name}"')
            return count_of(db, "drop_file", id=name) == 1

        return self.transaction(work)

    def purge(self) -> None:
        """Nothing: PostgreSQL clears its tables and logs by itself."""
