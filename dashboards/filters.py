"""What `--where` takes: conditions such as `model=small`, `cost>0.01` or `tag!=nightly`; all must hold.

A column is one of the ledger's and a value is bound, never pasted: nothing of it is read as SQL.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from types import MappingProxyType

from dashboards.tables import BadReport
from router.ledger.schema import COLUMNS
from router.types import DOLLAR

CONDITION = re.compile(r"\s*([a-z_]+)\s*(!=|>=|<=|=|>|<|~)(.*)", re.DOTALL)

KINDS: Mapping[str, str] = MappingProxyType(
    {"VARCHAR": "text", "BIGINT": "number", "DOUBLE": "number", "BOOLEAN": "truth"}
)

FIELDS: Mapping[str, str] = MappingProxyType(
    {column.name: KINDS[column.type] for column in COLUMNS if column.type in KINDS} | {"tag": "text"}
)
"""What can be asked about, and whether it is text, a number or a truth; `tag` is any of a row's tags."""

MONEY = frozenset(name for name in FIELDS if name == "cost" or name.endswith("_cost"))
"""Amounts, which are written in US dollars."""

MOST = 10**15
"""Nothing in a ledger is larger."""

Value = str | int | float | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """An expression in SQL, and the variables it reads."""

    sql: str = "true"
    variables: Mapping[str, Value] = field(default_factory=dict)


EVERYTHING = Filter()


def read(conditions: Sequence[str]) -> Filter:
    """Read conditions; `column=` means that it is empty, `~` that it holds a text whatever the case.

    Raises `BadReport`.
    """
    parts: list[str] = []
    variables: dict[str, Value] = {}
    for text in conditions:
        found = CONDITION.fullmatch(text)
        if found is None:
            raise BadReport(f"{text[:60]!r} is no condition: write column=value, cost>0.01 or model~qwen.")
        name, operator, written = found[1], found[2], found[3].strip()
        if name not in FIELDS:
            raise BadReport(f"There is no column {name[:40]!r}; there is {', '.join(sorted(FIELDS))}.")
        if not written:
            parts.append(_empty(name, operator))
            continue
        variable = f"where_{len(variables)}"
        variables[variable] = _value(name, operator, written)
        parts.append(_compared(name, operator, f"getvariable('{variable}')"))
    return Filter(sql=" AND ".join(parts) or "true", variables=variables)


def _empty(name: str, operator: str) -> str:
    if operator not in {"=", "!="}:
        raise BadReport(f"`{name}{operator}` needs a value.")
    test = "len(coalesce(tags, [])) = 0" if name == "tag" else f'"{name}" IS NULL'
    return test if operator == "=" else f"NOT ({test})"


def _compared(name: str, operator: str, value: str) -> str:
    if name == "tag":
        if operator not in {"=", "!="}:
            raise BadReport("A tag is asked for with tag=NAME or tag!=NAME.")
        held = f"coalesce(list_contains(tags, {value}), false)"
        return held if operator == "=" else f"NOT {held}"
    if operator == "~":
        return f'contains(lower("{name}"), lower({value}))'
    if operator == "!=":
        return f'"{name}" IS DISTINCT FROM {value}'
    return f'"{name}" {operator} {value}'


def _value(name: str, operator: str, written: str) -> Value:
    kind = FIELDS[name]
    if operator == "~" and kind != "text":
        raise BadReport(f"`{name}` is a {kind}; `~` looks into text.")
    if kind == "text":
        return written
    if kind == "truth":
        if written not in {"true", "false"}:
            raise BadReport(f"`{name}` is true or false, not {written[:40]!r}.")
        return written == "true"
    return _number(name, written)


def _number(name: str, written: str) -> int | float:
    try:
        number = Decimal(written.removeprefix("$"))
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number) > MOST:
        raise BadReport(f"`{name}` is a number, not {written[:40]!r}.")
    return int(number * DOLLAR) if name in MONEY else float(number)
