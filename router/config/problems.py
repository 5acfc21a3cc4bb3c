"""What is wrong with a configuration: all of it at once, each with its place."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from router.errors import ConfigError

Path: TypeAlias = tuple[str | int, ...]
"""The keys and indices that lead from the top to a value."""

MOST = 50
"""Problems that are shown; a file with more has one cause."""


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A place in a file, counted from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong.

    `path` says at which setting; `on_key` points at its name rather than its value.
    `mark` is its place, where the path does not tell it.
    """

    path: Path
    message: str
    on_key: bool = False
    mark: Mark | None = None


def spelled(path: Path) -> str:
    """Write a path as people do: `models[2].price.input`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


LIMITS: Mapping[str, tuple[str, str]] = {
    "greater_than": ("must be more than", "gt"),
    "greater_than_equal": ("must be at least", "ge"),
    "less_than": ("must be less than", "lt"),
    "less_than_equal": ("must be at most", "le"),
}


def told(detail: Mapping[str, Any]) -> str:
    """Say in words what pydantic found wrong with one value."""
    context = detail.get("ctx", {})
    if detail["type"] in LIMITS:
        words, limit = LIMITS[detail["type"]]
        return f"{words} {context[limit]:,g}"
    return str(context["error"] if detail["type"] == "value_error" else detail["msg"])


class ConfigProblems(ConfigError):
    """A configuration is wrong, with a line for each problem; `line` and `column` are the first one's."""

    def __init__(self, found: Iterable[tuple[Mark, str]], *, file: str) -> None:
        self.found: Sequence[tuple[Mark, str]] = tuple(sorted(found))
        first, text = self.found[0]
        lines = [text] + [f"{file}:{at.line}:{at.column}: {said}" for at, said in self.found[1:MOST]]
        if len(self.found) > MOST:
            lines.append(f"… and {len(self.found) - MOST} more")
        super().__init__("\n".join(lines), file=file, line=first.line, column=first.column)
