"""Any row of the ledger that there can be."""

from dataclasses import fields
from datetime import datetime, timedelta, timezone

from hypothesis import strategies as st

from router.entry import LedgerEntry

texts = st.text(max_size=30)
bigints = st.integers(-(2**63) + 1, 2**63 - 1)
finite = st.floats(allow_nan=False, allow_infinity=False)
zones = st.integers(-12 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
EARLY, LATE = datetime.fromisoformat("1990-01-01"), datetime.fromisoformat("2200-01-01")
OF_TYPE = {
    # A `fold` says nothing where the zone is a fixed offset, but `repr` shows it.
    datetime: st.datetimes(EARLY, LATE, timezones=zones).map(lambda time: time.replace(fold=0)),
    str: texts,
    int: bigints,
    bool: st.booleans(),
    float: finite,
}
BY_NAME = {
    "tags": st.lists(texts, max_size=3).map(tuple),
    "vector": st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), max_size=4).map(tuple),
    "needs": st.lists(texts, max_size=3).map(tuple),
    "labels": st.dictionaries(texts, texts, max_size=3),
    "lengths": st.dictionaries(texts, finite, max_size=3),
    "moment": st.dictionaries(texts, finite, max_size=3),
    "predictions": st.dictionaries(texts, finite, max_size=3),
    "verdicts": st.dictionaries(texts, texts, max_size=3),
    "verdict_ms": st.dictionaries(texts, finite, max_size=3),
    "verdict_cost": st.dictionaries(texts, bigints, max_size=3),
    "verdict_scores": st.dictionaries(texts, finite, max_size=3),
    "refused": st.dictionaries(texts, texts, max_size=3),
}


def _strategy(field):
    if field.name in BY_NAME:
        return BY_NAME[field.name]
    optional = getattr(field.type, "__args__", ())
    if optional:
        return st.none() | OF_TYPE[optional[0]]
    return OF_TYPE[field.type]


any_entry = st.builds(LedgerEntry, **{field.name: _strategy(field) for field in fields(LedgerEntry)})
"""Any entry there can be: every text, every number a column holds, any time zone."""
