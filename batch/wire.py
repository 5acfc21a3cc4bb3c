"""Files and batches as OpenAI's clients read and write them."""

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from batch.jobs import DAY, ENDPOINTS, Batch, File, Line, Problem, Result
from router.catalog.money import usd_text
from router.errors import BadRequest
from router.types import DOLLAR, Picodollars, Principal

STAMPS = (
    "in_progress_at",
    "finalizing_at",
    "completed_at",
    "failed_at",
    "expired_at",
    "cancelling_at",
    "cancelled_at",
)

MOST_METADATA = 16
LONGEST_KEY, LONGEST_VALUE = 64, 512
LONGEST_WINDOW = 30 * DAY

MAX_COST = "farthing_max_cost_usd"
"""The metadata key that caps what a batch may cost: clients of OpenAI can set no field that OpenAI lacks."""


def file_object(file: File) -> dict[str, Any]:
    return {
        "id": file.id,
        "object": "file",
        "bytes": file.size,
        "created_at": file.created,
        "expires_at": file.expires,
        "filename": file.name,
        "purpose": file.purpose,
        "status": "processed",
        "status_details": None,
    }


def batch_object(batch: Batch) -> dict[str, Any]:
    """Write a batch as OpenAI does; what Farthing adds is in the object `farthing`."""
    counts = batch.counts
    errors = [_problem(problem) for problem in batch.problems]
    return {
        "id": batch.id,
        "object": "batch",
        "endpoint": batch.endpoint,
        "errors": {"object": "list", "data": errors} if errors else None,
        "input_file_id": batch.input_file,
        "completion_window": window_text(batch.window),
        "status": str(batch.state),
        "output_file_id": batch.output_file,
        "error_file_id": batch.error_file,
        "created_at": batch.created,
        "expires_at": batch.deadline,
        **{stamp: batch.stamps.get(stamp) for stamp in STAMPS},
        "request_counts": {
            "total": counts.total,
            "completed": counts.completed,
            "failed": counts.failed + counts.dropped,
        },
        "metadata": dict(batch.metadata) or None,
        "farthing": {
            "cost_usd": usd_text(counts.spent),
            "max_cost_usd": usd_text(batch.max_cost) if batch.max_cost is not None else None,
            "dropped": counts.dropped,
        },
    }


def listing(rows: list[dict[str, Any]], limit: int) -> dict[str, Any]:
    """Write one page; the rows hold one more than `limit` if there is another."""
    page = rows[:limit]
    return {
        "object": "list",
        "data": page,
        "first_id": page[0]["id"] if page else None,
        "last_id": page[-1]["id"] if page else None,
        "has_more": len(rows) > limit,
    }


def output_line(batch: Batch, line: Line, result: Result | Problem) -> bytes:
    """Write what became of a line as a line of the output or of the error file."""
    written: dict[str, Any] = {"id": f"batch_req_{batch.id.removeprefix('batch_')}_{line.number}"}
    written["custom_id"] = line.custom_id
    if isinstance(result, Problem):
        return orjson.dumps(written | {"response": None, "error": _problem(result)})
    response = {
        "status_code": result.status,
        "request_id": result.request_id,
        "body": orjson.Fragment(result.body),
    }
    return orjson.dumps(written | {"response": response, "error": None})


def asked_batch(body: bytes, *, batch_id: str, principal: Principal, now: int) -> Batch:
    """Read the body of `POST /v1/batches`; raise `BadRequest` naming the field that is wrong."""
    try:
        wire = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"The body is not valid JSON: {error}.") from None
    if not isinstance(wire, dict):
        raise BadRequest("The body must be a JSON object.")
    input_file, endpoint = wire.get("input_file_id"), wire.get("endpoint")
    if not isinstance(input_file, str) or not input_file:
        raise BadRequest("`input_file_id` must be a string.", param="input_file_id")
    if not isinstance(endpoint, str) or endpoint not in ENDPOINTS:
        raise BadRequest(f"`endpoint` must be one of {', '.join(ENDPOINTS)}.", param="endpoint")
    metadata = _metadata(wire.get("metadata"))
    return Batch(
        id=batch_id,
        principal=principal,
        endpoint=endpoint,
        input_file=input_file,
        window=window_of(wire.get("completion_window")),
        output_window=_output_window(wire.get("output_expires_after")),
        created=now,
        metadata=metadata,
        max_cost=_max_cost(metadata.get(MAX_COST)),
    )


def window_of(text: object) -> int:
    """Read a completion window such as `24h`, `45m` or `7d` as seconds."""
    match = re.fullmatch(r"([1-9][0-9]{0,4})([mhd])", text) if isinstance(text, str) else None
    seconds = int(match[1]) * {"m": 60, "h": 3600, "d": DAY}[match[2]] if match else 0
    if not 60 <= seconds <= LONGEST_WINDOW:
        raise BadRequest(
            "`completion_window` must be a time such as `24h`, `45m` or `7d`, at most 30 days.",
            param="completion_window",
        )
    return seconds


def window_text(seconds: int) -> str:
    for unit, size in (("h", 3600), ("m", 60)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds // 60 + 1}m"


def _output_window(value: object) -> int | None:
    if value is None:
        return None
    seconds = value.get("seconds") if isinstance(value, dict) else None
    anchored = isinstance(value, dict) and value.get("anchor") == "created_at"
    if not anchored or not isinstance(seconds, int) or not 3600 <= seconds <= LONGEST_WINDOW:
        raise BadRequest(
            '`output_expires_after` must be {"anchor": "created_at", "seconds": …}, '
            f"from 3600 to {LONGEST_WINDOW} seconds.",
            param="output_expires_after",
        )
    return seconds


def _metadata(value: object) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict) or len(value) > MOST_METADATA:
        raise BadRequest(f"`metadata` must be an object of at most {MOST_METADATA} pairs.", param="metadata")
    for key, text in value.items():
        if not isinstance(text, str) or len(key) > LONGEST_KEY or len(text) > LONGEST_VALUE:
            raise BadRequest(
                f"`metadata`: keys have at most {LONGEST_KEY} characters, values are strings of at most "
                f"{LONGEST_VALUE}.",
                param="metadata",
            )
    return value


def _max_cost(text: str | None) -> Picodollars | None:
    if text is None:
        return None
    try:
        dollars = Decimal(text)
    except InvalidOperation:
        dollars = Decimal("NaN")
    if not dollars.is_finite() or not 0 < dollars <= 1_000_000:
        raise BadRequest(f"`metadata.{MAX_COST}` must be a positive number of dollars.", param="metadata")
    return int(dollars * DOLLAR)


def _problem(problem: Problem) -> Mapping[str, Any]:
    return {
        "code": problem.code,
        "message": problem.message,
        "line": problem.line,
        "param": problem.param,
    }
