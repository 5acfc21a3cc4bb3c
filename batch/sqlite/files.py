"""The files' names; their bytes are the shelf's."""

import time
from dataclasses import asdict

from batch.jobs import File
from batch.sqlite.database import AT_ONCE, BREATH, SQL, Database


class Files(Database):
    """See `batch.seams.Store`."""

    def add_file(self, file: File, /) -> None:
        with self._writing() as db:
            db.execute(SQL["add_file"], asdict(file))

    def file(self, file_id: str, /) -> File | None:
        with self._open() as db:
            row = db.execute(SQL["file"], {"id": file_id}).fetchone()
        return File(**row) if row else None

    def files(self, owner: str | None, *, purpose: str | None, after: str | None, limit: int) -> list[File]:
        with self._open() as db:
            rows = db.execute(
                SQL["files"], {"owner": owner, "purpose": purpose, "after": after, "limit": limit}
            ).fetchall()
        return [File(**row) for row in rows]

    def expired_files(self, *, now: int) -> list[File]:
        with self._open() as db:
            return [File(**row) for row in db.execute(SQL["expired_files"], {"now": now})]

    def drop_file(self, file_id: str, /) -> bool:
        # First what was said in it: its name is what somebody comes back for who was killed in between.
        with self._open() as db:
            written = db.execute(SQL["said_in"], {"id": file_id}).fetchone()
        if written is not None:
            self._forget(**written)
        with self._writing() as db:
            return db.execute(SQL["drop_file"], {"id": file_id}).rowcount == 1

    def _forget(self, *, turn: int, good: int, last: int | None) -> None:
        for first in range(0, (last or 0) + 1, AT_ONCE):
            some = {"turn": turn, "good": good, "first": first, "last": first + AT_ONCE - 1}
            with self._writing() as db:
                db.execute(SQL["forget_some"], some)
            self._tidy()
            time.sleep(BREATH)
