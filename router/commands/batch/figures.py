"""An estimate as figures, for people and programs; money in USD as decimals, times in seconds."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from batch.forecast import INTERVAL, Book, Doubles, Errors, Forecast
from batch.tempo import Speed, Took, times, whole
from router.catalog.money import usd_text
from router.foreseeing import Foreseen


def figures(found: Foreseen, errors: Errors, speeds: Sequence[Speed]) -> dict[str, Any]:
    """Simulate every way and lay out what came of it."""
    ways = [_way(way, book, found, errors, speeds) for way, book in found.books.items()]
    return {
        "lines": {
            "total": found.lines,
            "measured": found.measured,
            "sampled": found.sampled,
            "in_trouble": len(found.troubles),
        },
        "ways": ways,
        "troubles": [{"line": one.line, "code": one.code, "message": one.message} for one in found.troubles],
        "notes": _notes(found, ways),
    }


def _way(way: str, book: Book, found: Foreseen, errors: Errors, speeds: Sequence[Speed]) -> dict[str, Any]:
    scale = found.good / found.looked_at if found.looked_at else 1.0
    forecast = book.forecast(errors, of=round(book.lines * scale))
    parts = times(forecast, speeds)
    refused = found.refused.get(way, Counter())
    return {
        "way": way,
        "cost_usd": _cost(book, forecast, scale),
        "seconds": _seconds(whole(parts)),
        "refused": round(sum(refused.values()) * scale),
        "reasons": {reason: round(count * scale) for reason, count in refused.items()},
        "unpriced_lines": round(book.unpriced * scale),
        "models": _models(forecast),
        "upstreams": [{"upstream": part.upstream, **_seconds(part), "source": part.source} for part in parts],
    }


def _cost(book: Book, forecast: Forecast, scale: float) -> dict[str, str | None]:
    draws = forecast.cost.sum(1)
    low, high = np.quantile(draws, INTERVAL)
    most = None if book.most is None else _usd(max(book.most * scale, float(high)))
    return {"likely": _usd(_middle(draws)), "low": _usd(low), "high": _usd(high), "most": most}


def _models(forecast: Forecast) -> list[dict[str, Any]]:
    rows = [
        {
            "model": model.name,
            "calls": round(float(forecast.calls[:, place].mean())),
            "input_tokens": round(float(forecast.read[:, place].mean())),
            "output_tokens": round(_middle(forecast.written[:, place])),
            "cost_usd": _usd(_middle(forecast.cost[:, place])),
        }
        for place, model in enumerate(forecast.models)
    ]
    return sorted(rows, key=lambda row: -row["calls"])


def _seconds(took: Took | None) -> dict[str, float | None]:
    if took is None or took.seconds is None:
        return {"likely": None, "low": None, "high": None}
    return {
        "likely": round(took.seconds, 1),
        "low": round(took.low or 0.0, 1),
        "high": round(took.high or 0.0, 1),
    }


def _notes(found: Foreseen, ways: Sequence[dict[str, Any]]) -> list[str]:
    notes = []
    if found.sampled:
        notes.append(
            "`most` is scaled up from the sample, so it is an estimate; look at every line to be sure."
        )
    if any(way["unpriced_lines"] for way in ways):
        notes.append("Models without a known price may answer some lines; what they cost is not in here.")
    if any(way["seconds"]["likely"] is None for way in ways):
        notes.append("Where no time is given nobody has measured one: run a batch there, or state a machine.")
    return notes


def _middle(draws: Doubles) -> float:
    return float(np.median(draws))


def _usd(amount: float) -> str:
    return usd_text(round(amount))


def usd(text: str | None) -> str:
    """Write an amount to four digits."""
    if text is None:
        return "unknown"
    amount = Decimal(text)
    return f"{amount:,.2f}" if amount >= 100 else f"{float(amount):.3g}"


def duration(seconds: float | None) -> str:
    """Write a time for people, such as 1:02:03."""
    return "unknown" if seconds is None else str(timedelta(seconds=round(seconds)))
