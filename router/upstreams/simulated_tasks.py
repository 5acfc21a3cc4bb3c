"""What the simulated upstream knows: for some prompts, the right answer and how hard it is to find."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import yaml

from router.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A tool call as an answer."""

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One prompt's right answer, some wrong ones, and its difficulty in the units of `Persona.ability`.

    An answer is text or a tool call; JSON answers are text too.
    """

    difficulty: float
    answer: str | Call
    wrong: tuple[str | Call, ...] = ()


def normalised(text: str) -> str:
    """Make the key of a task: its last user message without case and spacing."""
    return " ".join(text.split()).casefold()


def read_tasks(path: Path) -> dict[str, Task]:
    """Read tasks from a YAML file, or from every `*.yaml` of a folder; raise `ConfigError` if one is wrong.

    A file is `{prompts: [...]}`, and a prompt needs `difficulty`, `user` and `answer` or `call`.
    """
    files = sorted(path.glob("*.yaml")) if path.is_dir() else [path]
    tasks: dict[str, Task] = {}
    for file in files:
        for entry in entries(file):
            try:
                tasks[normalised(entry["user"])] = _task(entry)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                name = entry.get("id", "?") if isinstance(entry, dict) else "?"
                raise ConfigError(f"task {name} is wrong: {error!r}.", file=str(file)) from None
    return tasks


def entries(file: Path) -> Iterable[Any]:
    """Read the raw prompts of one file."""
    try:
        content = yaml.load(file.read_bytes(), Loader=_LOADER)  # noqa: S506 - both are safe loaders
        found = content["prompts"]
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise ConfigError(f"this is no file of tasks: {error}.", file=str(file)) from None
    if not isinstance(found, list):
        raise ConfigError("`prompts` must be a list.", file=str(file))
    return found


_LOADER: type[yaml.SafeLoader | yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# libyaml reads ten times as fast, where PyYAML was built with it.


def _task(entry: Mapping[str, Any]) -> Task:
    right = entry["call"] if "call" in entry else entry["answer"]
    return Task(
        difficulty=float(entry["difficulty"]),
        answer=_answer(right, call="call" in entry),
        wrong=tuple(_answer(wrong, call="call" in entry) for wrong in entry.get("wrong", ())),
    )


def _answer(value: Any, *, call: bool) -> str | Call:
    if call:
        return Call(name=value["name"], arguments=value.get("arguments", {}))
    if isinstance(value, str):
        return value
    if isinstance(value, dict | list):
        return orjson.dumps(value).decode()
    return str(value)
