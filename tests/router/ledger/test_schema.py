from dataclasses import fields

import pytest

from router.entry import LedgerEntry
from router.ledger import schema
from router.ledger.schema import COLUMNS, VERSION, NewerLedger, upgrade, version_of
from router.ledger.store import Ledger, reading, scratch, writing
from tests.support.entries import entry


def column(name):
    return next(column for column in COLUMNS if column.name == name)


def test_the_columns_are_the_fields_of_an_entry_in_their_order():
    with scratch() as ledger:
        description = ledger.execute("SELECT * FROM ledger").description

    assert [name for name, *_ in description] == [field.name for field in fields(LedgerEntry)]


@pytest.mark.parametrize(
    ("name", "type_", "required"),
    [
        ("time", "TIMESTAMP", True),
        ("error", "VARCHAR", False),
        ("final", "BOOLEAN", True),
        ("tags", "VARCHAR[]", True),
        ("cost", "BIGINT", False),
        ("duration_ms", "DOUBLE", True),
        ("predictions", "MAP(VARCHAR, DOUBLE)", False),
        ("vector", "FLOAT[]", False),
        ("verdicts", "MAP(VARCHAR, VARCHAR)", False),
    ],
)
def test_a_column_holds_what_its_field_does(name, type_, required):
    assert (column(name).type, column(name).required) == (type_, required)


def test_sums_of_money_do_not_overflow():
    with scratch() as ledger:
        ledger.execute("INSERT INTO ledger (cost) SELECT 1 WHERE false")
        total = ledger.execute(
            "SELECT sum(cost) FROM (SELECT 9223372036854775807::BIGINT AS cost FROM range(3))"
        )

        assert total.fetchone() == (3 * (2**63 - 1),)


def test_an_older_ledger_gets_the_columns_it_lacks_and_keeps_its_rows(tmp_path):
    ledger = Ledger(tmp_path)
    with writing(ledger) as connection:
        connection.execute("ALTER TABLE ledger DROP COLUMN simulated")
        connection.execute("ALTER TABLE ledger DROP COLUMN verdicts")
        values = {name: getattr(entry(), name) for name in ("request_id", "cost")}
        _insert_blank(connection, values)

    with writing(ledger):
        pass

    with reading(ledger) as connection:
        rows = connection.execute("SELECT request_id, cost, simulated, verdicts FROM ledger").fetchall()
    assert rows == [("r1", 5_000_000, None, None)]


def _insert_blank(connection, values):
    blank = {"TIMESTAMP": "'2026-11-23'", "VARCHAR": "''", "BOOLEAN": "false", "VARCHAR[]": "[]"}
    given = {one.name: blank.get(one.type, "0") for one in COLUMNS if one.required}
    given.update({name: repr(value) for name, value in values.items()})
    names = ", ".join(f'"{name}"' for name in given)
    connection.execute(f"INSERT INTO ledger ({names}) VALUES ({', '.join(given.values())})")


def test_migrations_run_once_and_in_order(tmp_path, monkeypatch):
    ledger = Ledger(tmp_path)
    with writing(ledger):
        pass
    steps = ("CREATE TABLE steps AS SELECT 1 AS n", "INSERT INTO steps VALUES (2)")
    monkeypatch.setattr(schema, "MIGRATIONS", steps)
    monkeypatch.setattr(schema, "VERSION", 3)

    for _ in range(2):
        with writing(ledger):
            pass

    with reading(ledger) as connection:
        assert connection.execute("SELECT n FROM steps").fetchall() == [(1,), (2,)]
        assert version_of(connection) == 3


def test_a_ledger_of_a_newer_farthing_is_refused():
    with scratch() as ledger:
        ledger.execute("UPDATE schema_version SET version = ?", [VERSION + 1])

        with pytest.raises(NewerLedger, match=f"version {VERSION + 1}.*upgrade"):
            upgrade(ledger)
