"""Providers' records as they export them: OpenRouter's generations and activity, and any CSV.

Every file becomes `Billed` records, or one sentence that says what is wrong and where.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from types import MappingProxyType
from typing import Any

import orjson

from router.errors import FarthingError
from router.ledger.settling import Billed
from router.types import DOLLAR

COLUMNS = ("id", "cost", "time", "model", "input", "output")
"""What a record may say; the first two it must."""

OPENROUTER: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "id": ("generation_id", "id"),
        "cost": ("cost_total", "total_cost", "usage"),
        "time": ("created_at",),
        "model": ("model_permaslug", "model"),
        "input": ("native_tokens_prompt", "tokens_prompt"),
        "output": ("native_tokens_completion", "tokens_completion"),
    }
)
"""Its names for each, in the export of its activity (CSV) and in the answers of `/generation` (JSON)."""


class BadBill(FarthingError):
    """The file cannot be read as a provider's records."""


def read_bill(path: Path, columns: Mapping[str, tuple[str, ...]]) -> list[Billed]:
    """Read a CSV, a JSON list, or lines of JSON; `columns` names what each thing may be called there."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadBill(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.") from None
    rows = _json(text, path) if text.lstrip()[:1] in {"[", "{"} else csv.DictReader(io.StringIO(text))
    return [_billed(row, columns, f"{path}, record {number}") for number, row in enumerate(rows, 1)]


def _json(text: str, path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        whole = orjson.loads(text)
        values = whole if isinstance(whole, list) else [whole]
    except orjson.JSONDecodeError:
        try:
            values = [orjson.loads(line) for line in text.splitlines() if line.strip()]
        except orjson.JSONDecodeError as error:
            raise BadBill(f"{path} is neither JSON nor lines of JSON: {error}.") from None
    for value in values:
        inner = value.get("data", value) if isinstance(value, dict) else value
        for each in inner if isinstance(inner, list) else [inner]:
            if not isinstance(each, dict):
                raise BadBill(f"{path} has a record that is no object.")
            yield each


def _billed(row: Mapping[str, Any], columns: Mapping[str, tuple[str, ...]], where: str) -> Billed:
    found = {
        name: next((row[key] for key in keys if row.get(key) not in {None, ""}), None)
        for name, keys in columns.items()
    }
    if found.get("id") is None or found.get("cost") is None:
        wanted = " and ".join("/".join(columns[name]) for name in ("id", "cost"))
        raise BadBill(f"{where}: it needs {wanted}; it has {', '.join(map(str, row))[:200]}.")
    return Billed(
        record_id=str(found["id"]),
        amount=_amount(found["cost"], where),
        at=_time(found.get("time"), where),
        model=str(found["model"]) if found.get("model") is not None else None,
        input_tokens=_count(found.get("input"), where),
        output_tokens=_count(found.get("output"), where),
    )


def _amount(value: object, where: str) -> int:
    try:
        amount = Decimal(str(value).strip().lstrip("$")) * DOLLAR
    except InvalidOperation:
        raise BadBill(f"{where}: {str(value)[:40]!r} is no amount in US dollars.") from None
    if not amount.is_finite() or abs(amount) >= 10**18:
        raise BadBill(f"{where}: {str(value)[:40]!r} is no amount anybody bills.")
    return round(amount)


def _time(value: object, where: str) -> datetime | None:
    if value is None:
        return None
    try:
        time = datetime.fromisoformat(str(value).strip())
    except ValueError:
        raise BadBill(f"{where}: {str(value)[:40]!r} is no time.") from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _count(value: object, where: str) -> int | None:
    if value is None:
        return None
    try:
        return int(Decimal(str(value)))
    except (InvalidOperation, ValueError, OverflowError):
        raise BadBill(f"{where}: {str(value)[:40]!r} is no count of tokens.") from None
