from collections import Counter
from datetime import UTC, datetime, timedelta, timezone

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from router.ledger import ingest
from router.ledger.spool import Spool
from router.ledger.store import scratch
from tests.support.any_entry import any_entry
from tests.support.entries import entries, entry, rows_of


def file_of(folder, *rows):
    spool = Spool(folder, "w")
    spool.write(rows)
    return spool._path


def ingested(file):
    with scratch() as ledger:
        ingest.insert(ledger, [file])
        return rows_of(ledger)


def in_utc(row):
    fields = {name: getattr(row, name) for name in row.__dataclass_fields__}
    times = {"time": row.time, "decided": row.decided}
    return type(row)(
        **{**fields, **{name: at and at.astimezone(UTC).replace(fold=0) for name, at in times.items()}}
    )


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(rows=st.lists(any_entry, min_size=1, max_size=5))
def test_any_entry_becomes_the_row_that_was_written(tmp_path, rows):
    # `repr` tells 0.0 from -0.0 and is indifferent to what equality is not.
    assert Counter(map(repr, ingested(file_of(tmp_path, *rows)))) == Counter(
        repr(in_utc(row)) for row in rows
    )


def test_an_instant_of_another_zone_is_stored_in_utc(tmp_path):
    summer = datetime(2026, 7, 1, 14, 30, 0, 123456, tzinfo=timezone(timedelta(hours=2)))

    (row,) = ingested(file_of(tmp_path, entry(time=summer)))

    assert row.time == datetime(2026, 7, 1, 12, 30, 0, 123456, tzinfo=UTC)


@pytest.mark.parametrize(
    "line",
    [
        b"no json",
        b"[1]",
        b"null",
        b"{}",
        b'{"cost":',
        b"\x00\x00\x00",
        b"\xff\xfe",
    ],
)
def test_a_line_that_is_no_entry_is_refused_and_found(tmp_path, line):
    file = file_of(tmp_path, *entries(3))
    good = file.read_bytes()
    file.write_bytes(good[:-1] + b"\n" + line + b"\n" + good)

    with scratch() as ledger, pytest.raises(ingest.UNREADABLE):
        ingest.insert(ledger, [file])

    assert not ingest.readable(file)
    assert ingest.sift(file) == (good * 2, line + b"\n")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("cost", "9223372036854775808"),
        ("time", '"noon"'),
        ("tags", '"a"'),
        ("request_id", "null"),
        ("verdicts", "3"),
        ("duration_ms", "null"),
    ],
)
def test_a_value_that_no_column_holds_is_refused_and_found(tmp_path, field, value):
    file = file_of(tmp_path, *entries(2))
    one, two = file.read_bytes().splitlines(keepends=True)
    bad = one.replace(f'"{field}":'.encode(), f'"{field}":{value},"was_{field}":'.encode())
    file.write_bytes(bad + two)

    assert ingest.sift(file) == (two, bad)


def test_trouble_that_is_not_the_lines_is_not_blamed_on_them(tmp_path):
    with scratch() as ledger:
        ledger.execute("DROP TABLE ledger")

        with pytest.raises(duckdb.CatalogException):
            ingest.insert(ledger, [file_of(tmp_path, entry())])

    assert not issubclass(duckdb.CatalogException, ingest.UNREADABLE)
    assert not issubclass(duckdb.IOException, ingest.UNREADABLE)


def test_empty_files_are_no_rows(tmp_path):
    empty = tmp_path / "empty.jsonl"
    empty.touch()

    with scratch() as ledger:
        assert ingest.insert(ledger, [empty]) == 0
        assert ingest.insert(ledger, []) == 0
