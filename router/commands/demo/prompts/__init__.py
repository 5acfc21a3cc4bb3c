"""The demo's prompts: written for it, each with a reference answer and a way to check an answer.

`difficulty` is the author's judgement of the task, in logits, from -3.5 (anyone) to 3 (hardly anyone).
It was written down before any classifier saw the prompts, and none has been asked since.
Files are YAML, one kind of task each, in the form that `router.upstreams.simulated_tasks` reads.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from router.types import NOTHING
from router.upstreams.simulated_tasks import entries

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What an answer must be; what is not said is not asked.

    `contains` lists what the text must have, each with its alternatives; `lacks` what it must not have.
    `number` is the text's last number, `json` the value of the whole, `call` a tool's name and arguments.
    """

    exact: str | None = None
    number: float | None = None
    contains: tuple[tuple[str, ...], ...] = ()
    lacks: tuple[str, ...] = ()
    pattern: str | None = None
    json: Any = None
    call: tuple[str, Mapping[str, Any]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """One request of the demo; `options` go into its body as they are."""

    id: str
    kind: str
    stream: bool
    messages: tuple[Mapping[str, str], ...]
    options: Mapping[str, Any]
    reference: Reference


def read_prompts(folder: Path = FOLDER) -> tuple[Prompt, ...]:
    """Read every prompt, in the order of files and of places in them."""
    return tuple(
        _prompt(entry, file.stem.replace("_", " "))
        for file in sorted(folder.glob("*.yaml"))
        for entry in entries(file)
    )


def _prompt(entry: Mapping[str, Any], kind: str) -> Prompt:
    system = [{"role": "system", "content": entry["system"]}] if "system" in entry else []
    return Prompt(
        id=entry["id"],
        kind=kind,
        stream=entry.get("stream", False),
        messages=(*system, *entry.get("before", ()), {"role": "user", "content": entry["user"]}),
        options=_options(entry),
        reference=_reference(entry),
    )


def _options(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    if "schema" in entry:
        form = {"name": entry["id"].replace("-", "_"), "strict": True, "schema": entry["schema"]}
        return {"response_format": {"type": "json_schema", "json_schema": form}}
    if "tools" in entry:
        return {"tools": [{"type": "function", "function": tool} for tool in entry["tools"]]}
    return {"response_format": {"type": "json_object"}} if entry.get("json") else NOTHING


def _reference(entry: Mapping[str, Any]) -> Reference:
    if "call" in entry:
        return Reference(call=(entry["call"]["name"], entry["call"]["arguments"]))
    answer = entry["answer"]
    if isinstance(answer, dict):
        return Reference(json=answer)
    return Reference(
        exact=answer if entry.get("exact") else None,
        number=entry.get("number"),
        contains=tuple(
            tuple(part) if isinstance(part, list) else (part,) for part in entry.get("contains", ())
        ),
        lacks=tuple(entry.get("lacks", ())),
        pattern=entry.get("pattern"),
    )
