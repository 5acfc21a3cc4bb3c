"""What the ledger took, kept a second time, so that its file can be made anew when it is damaged.

    kept/base-<time>/           every table as it was once (a backup); what it covers is in its manifest
    kept/pack-<from>-<until>-<digest>.<table>.parquet      many drained segments, read and written again
    kept/<segment>.v1.jsonl     a drained segment, moved here from the spool

A row is in exactly one that counts: a base covers what was here before it, a pack the segments it names.
So whoever is killed between writing the one and deleting the other leaves nothing that counts twice.
"""

import contextlib
import json
import logging
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import orjson
from duckdb import DuckDBPyConnection

from router import files
from router.ledger import ingest, locks, parquet, segments
from router.ledger.kinds import KINDS, Kind
from router.ledger.parquet import BadBackup
from router.ledger.store import Ledger, scratch

PACK_FILES, PACK_BYTES = 256, 16 << 20
"""So many drained segments, or bytes of them, become one pack."""

MOST_BYTES = 20_000_000_000
"""So much is kept unless a setting says otherwise."""

BASE, PACK = "base-", "pack-"
STAMP = "%Y%m%dT%H%M%S%f"
NAMES = "segments"
GAPS = "missing.jsonl"
OFF = "off"

log = logging.getLogger("farthing.ledger")


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Rows that cannot be had again: of which table, from when until when, and why."""

    table: str
    since: str | None
    until: str | None
    why: str
    rows: int | None = None

    def __str__(self) -> str:
        count = "an unknown number of" if self.rows is None else f"{self.rows:,}"
        return (
            f"{count} rows of {self.table!r} from {self.since or 'the beginning'} "
            f"until {self.until or 'then'}: {self.why}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What counts: the newest base, packs and segments that no base or pack has already."""

    base: Path | None = None
    manifest: Mapping[str, Any] = field(default_factory=dict)
    packs: Mapping[str, Sequence[Path]] = field(default_factory=dict)
    segments: Mapping[str, Sequence[Path]] = field(default_factory=dict)
    surplus: Sequence[Path] = ()
    """What is here and counts no more."""


def take(ledger: Ledger, drained: Sequence[Path]) -> None:
    """Move segments here that are in the ledger now."""
    ledger.kept.mkdir(parents=True, exist_ok=True)
    for segment in drained:
        with contextlib.suppress(FileNotFoundError):
            segment.rename(ledger.kept / segment.name)
    files.sync(ledger.kept)


def holding(ledger: Ledger) -> Holding:
    """Look at what is kept, and tell what counts."""
    base, manifest, older = _newest_base(ledger.kept)
    covered = {*manifest.get("covers", ()), *manifest.get("drained", ())}
    packs: dict[str, list[Path]] = {}
    packed: set[str] = set()
    surplus = [*older, *ledger.kept.glob("*.draft")]
    for table in KINDS:
        found = sorted(ledger.kept.glob(f"{PACK}*.{table}.parquet"))
        surplus += [path for path in found if path.name in covered]
        packs[table] = [path for path in found if path.name not in covered]
        packed |= _names(packs[table])
    done = covered | packed
    every = {table: segments.sealed(ledger.kept, kind) for table, kind in KINDS.items()}
    surplus += [path for paths in every.values() for path in paths if path.name in done]
    raw = {table: [path for path in paths if path.name not in done] for table, paths in every.items()}
    return Holding(base=base, manifest=manifest, packs=packs, segments=raw, surplus=surplus)


def begun(ledger: Ledger) -> bool:
    """Tell whether all rows are kept: a ledger older than this folder has a base made first."""
    return any(ledger.kept.glob(f"{BASE}*/{parquet.MANIFEST}"))


def rebase(ledger: Ledger, connection: DuckDBPyConnection, now: datetime) -> None:
    """Make a base of the open ledger, which then covers all that was kept before.

    Nobody may write to the ledger meanwhile; `connection` has it.
    """
    ledger.kept.mkdir(parents=True, exist_ok=True)
    with locks.closed(ledger.keeping):
        names = connection.execute("SELECT segment FROM drained").fetchall()
        draft = ledger.kept / f"{BASE}{now.astimezone(UTC):{STAMP}}.draft"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir()
        covers = [path.name for path in ledger.kept.iterdir() if path != draft]
        parquet.export(connection, draft, covers=covers, drained=[name for (name,) in names])
        for file in (*draft.iterdir(), draft):
            files.sync(file)
        draft.rename(draft.with_suffix(""))
        (ledger.kept / GAPS).unlink(missing_ok=True)
        files.sync(ledger.kept)
        _sweep(holding(ledger))


def tidy(ledger: Ledger, most_bytes: int) -> None:
    """Pack what has piled up, and let go of the oldest beyond `most_bytes`; for whoever is elected."""
    if not ledger.kept.is_dir():
        return
    if most_bytes == 0:
        with locks.closed(ledger.keeping):
            _forget_all(ledger)
        return
    for off in ledger.kept.glob(f"{BASE}*/{OFF}"):
        shutil.rmtree(off.parent)  # and with the next drain there is a whole one
    due = [kind for kind in KINDS.values() if _is_much(segments.sealed(ledger.kept, kind))]
    if due:
        with locks.closed(ledger.keeping):
            held = holding(ledger)
            _sweep(held)
            for kind in due:
                _pack(ledger.kept, held.segments[kind.table], kind)
            _let_go(ledger, most_bytes)


def missing(ledger: Ledger) -> list[Missing]:
    """Tell what is not kept any more."""
    return _read(ledger.kept / GAPS)


def lost(ledger: Ledger) -> list[Missing]:
    """Tell what the ledger itself lacks since it was made anew."""
    return _read(ledger.losses)


def note(path: Path, gaps: Sequence[Missing]) -> None:
    """Write down what is missing, for good."""
    if not gaps:
        return
    lines = b"".join(orjson.dumps(gap, option=orjson.OPT_APPEND_NEWLINE) for gap in gaps)
    with path.open("ab") as file:
        file.write(lines)
        file.flush()
        os.fsync(file.fileno())


def span(path: Path) -> tuple[str, str]:
    """Tell by its name from when until when the rows of a pack are."""
    since, until, _ = path.name.removeprefix(PACK).split("-", 2)
    return tuple(f"{datetime.strptime(one, STAMP):%Y-%m-%dT%H:%M:%S.%f}" for one in (since, until))  # type: ignore[return-value] # noqa: DTZ007 - in UTC, as all times are


def is_whole(pack: Path) -> bool:
    """Tell whether a pack's bytes are those that its name was made of."""
    return parquet.digest(pack).startswith(pack.name.removeprefix(PACK).split("-")[2].partition(".")[0])


def _read(path: Path) -> list[Missing]:
    if not path.exists():
        return []
    return [Missing(**json.loads(line)) for line in path.read_text().splitlines()]


def _newest_base(kept: Path) -> tuple[Path | None, Mapping[str, Any], list[Path]]:
    """Find the newest base whose manifest can be read, and those it makes superfluous."""
    found = sorted(kept.glob(f"{BASE}*[0-9]"), reverse=True)
    for number, base in enumerate(found):
        try:
            return base, parquet.read_manifest(base), found[number + 1 :]
        except BadBackup as error:
            log.critical("%s is no base to build on: %s", base, error)
    return None, {}, []


def _names(packs: Sequence[Path]) -> set[str]:
    """Read which segments packs were made of."""
    if not packs:
        return set()
    with scratch() as connection:
        names: set[str] = set()
        for pack in packs:
            with contextlib.suppress(duckdb.Error):
                rows = connection.execute(
                    "SELECT decode(value) FROM parquet_kv_metadata($file) WHERE decode(key) = $key",
                    {"file": str(pack.absolute()), "key": NAMES},
                ).fetchall()
                names |= {name for (value,) in rows for name in value.split("/")}
        return names


def _is_much(raw: Sequence[Path]) -> bool:
    # Sizes are asked for once in a while only: it is looked at after every drain.
    return len(raw) >= PACK_FILES or (
        len(raw) % 16 == 0 and sum(path.stat().st_size for path in raw) >= PACK_BYTES
    )


def _pack(kept: Path, raw: Sequence[Path], kind: Kind) -> None:
    """Write segments as one file of Parquet, read it again, and only then let go of them."""
    if not raw:
        return
    draft = kept / f"{PACK}{kind.table}.draft"
    with scratch(frugal=True) as connection:
        ingest.insert_readable(connection, raw, kind)
        names = "/".join(path.name for path in raw)
        connection.execute(
            f"COPY {kind.table} TO '{parquet.quoted(draft)}' "
            f"(FORMAT parquet, COMPRESSION zstd, KV_METADATA {{{NAMES}: '{names}'}})"
        )
        source = f"read_parquet('{parquet.quoted(draft)}')"
        if parquet.content(connection, kind.table) != parquet.content(connection, kind.table, source):
            raise BadBackup(f"{draft} does not read as it was written.")
        row = connection.execute(
            f"SELECT strftime(min(time), '{STAMP}'), strftime(max(time), '{STAMP}') FROM {kind.table}"  # noqa: S608
        ).fetchone()
    assert row is not None
    since, until = (one or f"{datetime.now(UTC):{STAMP}}" for one in row)
    files.sync(draft)
    draft.rename(kept / f"{PACK}{since}-{until}-{parquet.digest(draft)[:16]}.{kind.table}.parquet")
    files.sync(kept)
    for segment in raw:
        segment.unlink(missing_ok=True)


def _let_go(ledger: Ledger, most_bytes: int) -> None:
    """Delete the oldest beyond the bound, having written down which rows they were."""
    held = holding(ledger)
    packs = sorted(path for paths in held.packs.values() for path in paths)
    spans = held.manifest.get("spans", {})
    parts = [] if held.base is None else [path for path in held.base.glob("*.parquet") if spans[path.stem]]
    size = sum(path.stat().st_size for path in (*packs, *parts))
    for path in (*parts, *packs):
        if size <= most_bytes:
            return
        size -= path.stat().st_size
        table = path.name.split(".")[-2]
        since, until = span(path) if path in packs else spans[table]
        gap = Missing(table=table, since=since, until=until, why="kept no longer, for want of room")
        log.warning("What is kept beside the ledger has reached its bound; given up: %s", gap)
        note(ledger.kept / GAPS, [gap])
        path.unlink()


def _forget_all(ledger: Ledger) -> None:
    """Keep nothing, and say so where a base would be: else the next who looks would make one."""
    if not any(ledger.kept.glob(f"{BASE}*/{OFF}")):
        shutil.rmtree(ledger.kept)
        base = ledger.kept / f"{BASE}{datetime.now(UTC):{STAMP}}"
        base.mkdir(parents=True)
        (base / OFF).touch()
        files.replace(base / parquet.MANIFEST, orjson.dumps({"tables": {}}))
        why = "nothing is kept where server.ledger_copy_gb is 0"
        note(ledger.kept / GAPS, [Missing(table=each, since=None, until=None, why=why) for each in KINDS])
    for kind in KINDS.values():
        for segment in segments.sealed(ledger.kept, kind):
            segment.unlink(missing_ok=True)


def _sweep(held: Holding) -> None:
    for path in held.surplus:
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
