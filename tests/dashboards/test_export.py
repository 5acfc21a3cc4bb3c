"""Charges in the form of FOCUS 1.2, and all of the ledger as Parquet."""

import csv
import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import duckdb
import pytest

from dashboards import export
from dashboards.tables import BadReport
from router.ledger.drain import drain
from router.ledger.spool import Spool
from router.ledger.store import Ledger
from tests.support.entries import NOW, entry

MANDATORY = {
    "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd",
    "BillingPeriodStart", "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargePeriodEnd",
    "ChargePeriodStart", "ContractedCost", "EffectiveCost", "InvoiceIssuerName", "ListCost",
    "PricingQuantity", "PricingUnit", "ProviderName", "PublisherName", "ServiceCategory", "ServiceName",
}  # fmt: skip
"""Of FOCUS 1.2, by its FOCUS_Spec."""

MAY_BE_NULL = {"BillingAccountName", "ChargeClass", "PricingQuantity", "PricingUnit"}

ALLOWED = {
    "ChargeCategory": {"Usage", "Purchase", "Tax", "Credit", "Adjustment"},
    "ChargeClass": {"Correction", ""},
    "ChargeFrequency": {"One-Time", "Recurring", "Usage-Based"},
    "PricingCategory": {"Standard", "Dynamic", "Committed", "Other"},
    "ServiceCategory": {"AI and Machine Learning"},
    "ServiceSubcategory": {"Generative AI"},
    "BillingCurrency": {"USD"},
    "PricingUnit": {"Tokens"},
    "ConsumedUnit": {"Tokens"},
}

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT00:00:00Z")
AMOUNT = re.compile(r"-?\d+\.\d{12}")


@pytest.fixture
def data(tmp_path):
    rows = [
        entry(cost=1_234_567_890_123, input_tokens=7, output_tokens=3),
        entry(request_id="later", time=NOW + timedelta(days=1), cost=1, team=None, key=None),
        entry(request_id="judge", purpose="check", final=False, cost=5_000_000_007, baseline_cost=None),
        entry(request_id="gone", cost=None, cost_bound=None, cost_grade="unpriced"),
    ]
    spool = Spool(Ledger(tmp_path).spool, "w")
    spool.write(rows)
    spool.close()
    drain(Ledger(tmp_path))
    return tmp_path


def charges(data, tmp_path, **given):
    export.focus(data, tmp_path / "focus.csv", **given)
    with (tmp_path / "focus.csv").open() as file:
        return list(csv.DictReader(file))


def test_every_mandatory_column_is_there_and_filled(data, tmp_path):
    rows = charges(data, tmp_path)
    assert rows
    assert set(rows[0]) >= MANDATORY
    assert len(MANDATORY) == 21
    for row in rows:
        assert not {name for name in MANDATORY - MAY_BE_NULL if row[name] == ""}


def test_values_are_those_the_specification_allows(data, tmp_path):
    for row in charges(data, tmp_path):
        for name, allowed in ALLOWED.items():
            assert row[name] in allowed, name
        for name in row:
            if name.endswith(("PeriodStart", "PeriodEnd")):
                assert INSTANT.fullmatch(row[name]), name
            if name.endswith("Cost") and row[name]:
                assert AMOUNT.fullmatch(row[name]), name
        assert (
            row["BillingPeriodStart"]
            <= row["ChargePeriodStart"]
            < row["ChargePeriodEnd"]
            <= row["BillingPeriodEnd"]
        )
        assert isinstance(json.loads(row["Tags"]), dict)
        assert not [name for name in row if not (name[0].isupper() or name.startswith("x_"))]


def test_the_charges_add_up_to_the_ledger_to_the_picodollar(data, tmp_path):
    rows = charges(data, tmp_path)
    total = Decimal("1.234567890123") + Decimal("0.000000000001") + Decimal("0.005000000007")
    for name in ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost"):
        assert sum(Decimal(row[name]) for row in rows) == total
    assert sum(int(row["ConsumedQuantity"]) for row in rows) == 10 + 2 * 110


def test_a_period_is_kept_to(data, tmp_path):
    rows = charges(data, tmp_path, since="2026-11-24", now=datetime(2026, 12, 1, tzinfo=UTC))
    assert {row["ChargePeriodStart"] for row in rows} == {"2026-11-24T00:00:00Z"}


def test_parquet_has_the_same_rows_with_types(data, tmp_path):
    count = export.focus(data, tmp_path / "focus.parquet")
    path = str(tmp_path / "focus.parquet")
    described = dict(duckdb.sql(f"SELECT column_name, column_type FROM (DESCRIBE FROM '{path}')").fetchall())
    assert (described["BilledCost"], described["ChargePeriodStart"]) == ("DECIMAL(38,12)", "VARCHAR")
    assert duckdb.sql(f"SELECT count(*) FROM '{path}'").fetchall() == [(count,)]
    assert count == len(charges(data, tmp_path))


@pytest.mark.parametrize("name", ["focus.txt", "focus"])
def test_another_form_is_refused(data, tmp_path, name):
    with pytest.raises(BadReport, match=r"ending in \.csv or \.parquet"):
        export.focus(data, tmp_path / name)


def test_a_ledger_is_taken_along_whole_and_described(data, tmp_path):
    counts = export.ledger(data, tmp_path / "out")
    assert counts["ledger"] == 4
    described = json.loads((tmp_path / "out" / "schema.json").read_text())
    assert {"name": "cost", "type": "BIGINT"} in described["tables"]["ledger"]
    path = tmp_path / "out" / "ledger.parquet"
    assert duckdb.sql(f"SELECT sum(cost) FROM '{path}'").fetchall() == [(1_239_567_890_131,)]
    with pytest.raises(BadReport, match="cannot be made"):
        export.ledger(data, tmp_path / "out")
