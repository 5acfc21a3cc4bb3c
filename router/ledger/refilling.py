"""A new ledger filled from what is kept: base, packs, segments; where these have gaps, from elsewhere."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

import duckdb
from duckdb import DuckDBPyConnection

from router.ledger import ingest, kept, parquet, schema
from router.ledger.kept import Holding, Missing
from router.ledger.kinds import KINDS
from router.ledger.parquet import Content
from router.ledger.store import Ledger, scratch, value

IDENTITY: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "ledger": ("request_id", "attempt"),
        "outcomes": ("request_id", "source", "time"),
        "settlements": ("provider", "record_id", "time"),
    }
)
"""What makes two rows the same one, where they come from two places."""

log = logging.getLogger("farthing.ledger")


def differences(ledger: Ledger, tables: Mapping[str, Content]) -> list[str]:
    """Tell in what a ledger made anew would differ from this one, of which `tables` were read."""
    gaps = [f"could not be made anew: {gap}" for gap in kept.missing(ledger)]
    if gaps or not kept.begun(ledger):
        return gaps
    held = kept.holding(ledger)
    with scratch() as connection:
        found = [_difference(connection, held, table, content) for table, content in tables.items()]
    return [told for told in found if told is not None]


def _difference(connection: DuckDBPyConnection, held: Holding, table: str, here: Content) -> str | None:
    files = [*([] if held.base is None else held.base.glob(f"{table}.parquet")), *held.packs.get(table, ())]
    ingest.insert_readable(connection, held.segments.get(table, ()), KINDS[table])
    try:
        broken = [pack.name for pack in held.packs.get(table, ()) if not kept.is_whole(pack)]
        parts = [f"FROM {table}", *(f"FROM read_parquet('{parquet.quoted(file)}')" for file in files)]
        anew = parquet.content(connection, table, f"({' UNION ALL BY NAME '.join(parts)})")
    except duckdb.Error as error:
        return f"what is kept of {table} cannot be read: {str(error).partition(chr(10))[0]}"
    if broken:
        return f"what is kept of {table} is damaged: {', '.join(broken)}"
    if here.rows != anew.rows:
        return f"{table} has {here.rows} rows; made anew it would have {anew.rows}"
    return None if here == anew else f"{table} has as many rows as are kept of it, and something else in them"


def is_behind(ledger: Ledger, connection: DuckDBPyConnection) -> bool:
    """Tell whether the ledger has rows that are not kept: those that an older Farthing drained."""
    held = kept.holding(ledger)
    if kept.missing(ledger):
        return False
    for table in KINDS:
        count = held.manifest.get("tables", {}).get(table, {}).get("rows", 0)
        for pack in held.packs[table]:
            told = f"SELECT num_rows FROM parquet_file_metadata('{parquet.quoted(pack)}')"  # noqa: S608
            count += int(value(connection, told) or 0)
        count += sum(path.read_bytes().count(b"\n") for path in held.segments[table])
        if int(value(connection, f"SELECT count(*) FROM {table}")) > count:  # noqa: S608
            return True
    return False


def is_in(connection: DuckDBPyConnection, table: str, segment: Path) -> bool:
    """Tell whether the ledger has a line of a segment, and so all of them, whatever it remembers."""
    columns = schema.TABLES[table]
    same = " AND ".join(f"here.{name} IS NOT DISTINCT FROM there.{name}" for name in IDENTITY[table])
    row = connection.execute(
        f"SELECT count(*) FROM {table} AS here SEMI JOIN "  # noqa: S608
        f"(SELECT {', '.join(column.ingested for column in columns)} "
        "FROM read_json($file, columns = $columns, format = 'newline_delimited', ignore_errors = true)) "
        f"AS there ON {same}",
        {"file": str(segment.absolute()), "columns": {column.name: column.read_as for column in columns}},
    ).fetchone()
    return row is not None and row[0] > 0


class Filling:
    """Fills a new ledger, part by part; what cannot be read becomes a gap, and the rest goes in."""

    def __init__(
        self, held: Holding, gaps: Sequence[Missing], aside: Path | None, backup: Path | None
    ) -> None:
        self._held, self._gaps, self._aside, self._backup = held, list(gaps), aside, backup
        self.rows: dict[str, int] = {}
        self.lost: list[Missing] = []
        self.unsound = False

    def fill(self, connection: DuckDBPyConnection) -> None:
        for table, kind in KINDS.items():
            self._base(connection, table)
            for pack in self._held.packs.get(table, ()):
                self._pack(connection, table, pack)
            ingest.insert_readable(connection, self._held.segments.get(table, ()), kind)
        self._remember(connection)
        for table in {gap.table for gap in self._gaps}:
            self._elsewhere(connection, table)
        self.rows = {table: parquet.content(connection, table).rows for table in KINDS}

    def _base(self, connection: DuckDBPyConnection, table: str) -> None:
        base, manifest = self._held.base, self._held.manifest
        if base is None:
            self._gap(Missing(table=table, since=None, until=None, why="there is no base that can be read"))
            return
        if table not in manifest["tables"] or not manifest["tables"][table]["rows"]:
            return
        if not (base / f"{table}.parquet").exists():
            return  # given up, which is written down
        since, until = manifest["spans"].get(table) or (None, None)
        with self._or_gap(table, since, until, base, manifest["tables"][table]["rows"]):
            parquet.load(connection, base, table, manifest)

    def _pack(self, connection: DuckDBPyConnection, table: str, pack: Path) -> None:
        with self._or_gap(table, *kept.span(pack), pack):
            if not kept.is_whole(pack):
                raise parquet.BadBackup("its bytes are not those that were written")
            connection.execute(
                f"INSERT INTO {table} BY NAME SELECT * FROM read_parquet('{parquet.quoted(pack)}')"  # noqa: S608
            )

    def _remember(self, connection: DuckDBPyConnection) -> None:
        """Name the segments that are in, so that one that is still in the spool too is not drained again."""
        names = [path.name for paths in self._held.segments.values() for path in paths]
        names += self._held.manifest.get("drained", ())
        connection.execute(
            "INSERT INTO drained SELECT unnest($names), $time",
            {"names": names, "time": datetime.now(UTC).replace(tzinfo=None)},
        )

    def _elsewhere(self, connection: DuckDBPyConnection, table: str) -> None:
        """Take what is not kept from a backup and from the damaged file, as far as that can be read."""
        found = [self._from_backup(connection, table), self._from_damaged(connection, table)]
        if not any(found):
            self.lost += [gap for gap in self._gaps if gap.table == table]

    def _from_backup(self, connection: DuckDBPyConnection, table: str) -> bool:
        if self._backup is None:
            return False
        source = f"read_parquet('{parquet.quoted(self._backup / f'{table}.parquet')}')"
        self._add(connection, table, source)
        # Nobody can tell whether it reaches to where the gap ends.
        return False

    def _from_damaged(self, connection: DuckDBPyConnection, table: str) -> bool:
        if self._aside is None:
            return False
        try:
            connection.execute(f"ATTACH '{parquet.quoted(self._aside)}' AS damaged (READ_ONLY)")
            try:
                self._add(connection, table, f"damaged.{table}")
            finally:
                connection.execute("DETACH damaged")
        except duckdb.Error as error:
            log.error("%s gives nothing any more of %s: %s", self._aside, table, error)  # noqa: TRY400 - the sentence says all
            return False
        return True

    def _add(self, connection: DuckDBPyConnection, table: str, source: str) -> None:
        same = " AND ".join(f"here.{name} IS NOT DISTINCT FROM there.{name}" for name in IDENTITY[table])
        connection.execute(
            f"INSERT INTO {table} BY NAME SELECT there.* FROM {source} AS there "  # noqa: S608
            f"WHERE NOT EXISTS (SELECT 1 FROM {table} AS here WHERE {same})"
        )

    def _gap(self, gap: Missing) -> None:
        self.unsound = True
        self._gaps.append(gap)
        log.critical("Not kept: %s", gap)

    @contextmanager
    def _or_gap(
        self, table: str, since: str | None, until: str | None, source: Path, rows: int | None = None
    ) -> Iterator[None]:
        try:
            yield
        except (duckdb.Error, OSError, parquet.BadBackup) as error:
            why = f"{source.name} cannot be read: {str(error).partition(chr(10))[0]}"
            self._gap(Missing(table=table, since=since, until=until, why=why, rows=rows))
