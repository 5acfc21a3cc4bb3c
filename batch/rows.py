"""Rows of the tables as values, and back."""

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from pydantic import TypeAdapter

from batch.jobs import Batch, Claim, Counts, Line, Problem, Result, State

BATCH = TypeAdapter(Batch)

TALLY = ("total", "completed", "failed", "dropped", "spent")


def dumped(batch: Batch) -> bytes:
    return BATCH.dump_json(batch, exclude={"counts"})


def batch_of(row: Mapping[str, Any]) -> Batch:
    tally = Counts(**{name: row[name] for name in TALLY})
    return replace(BATCH.validate_json(row["row"]), state=State(row["state"]), counts=tally)


def problem_text(problem: Problem | None) -> str | None:
    return json.dumps(asdict(problem)) if problem is not None else None


def line_of(row: Mapping[str, Any]) -> Line:
    return Line(
        number=row["number"],
        custom_id=row["custom_id"],
        offset=row["start"],
        length=row["length"],
        model=row["model"],
        place=row["place"],
    )


def claim_of(batch_id: str, row: Mapping[str, Any]) -> Claim:
    return Claim(batch=batch_id, line=line_of(row), tries=row["tries"], worker=row["worker"])


def held(claim: Claim) -> dict[str, Any]:
    """Return what identifies a claim; a statement that names all of it touches no other's."""
    return {
        "batch": claim.batch,
        "number": claim.line.number,
        "worker": claim.worker,
        "tries": claim.tries,
    }


def result_of(row: Mapping[str, Any]) -> Result | Problem:
    if row["problem"] is not None:
        return Problem(**json.loads(row["problem"]))
    return Result(
        status=row["status"],
        body=row["body"] or b"",
        request_id=row["request_id"],
        model=row["answered_by"],
        attempts=row["attempts"],
        cost=row["cost"],
    )
