"""YAML text becomes plain values, each with its place in the file.

Scalars are those of YAML 1.2: `yes` is a text, and a number with a point is an exact `Decimal`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import yaml

from router.config.problems import Mark, Path, Problem
from router.config.references import Unknown, expand
from router.errors import ConfigError

DEEPEST = 40
"""Levels of nesting; a configuration needs eight."""

MOST_VALUES = 50_000
"""Values a file may come to, aliases followed."""

LARGEST = 4 << 20
"""Characters of a file."""

LONGEST_NUMBER = 40

TAG = "tag:yaml.org,2002:"

PLAIN: Mapping[str, re.Pattern[str]] = {
    "null": re.compile(r"~|null|Null|NULL|"),
    "bool": re.compile(r"true|True|TRUE|false|False|FALSE"),
    "int": re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+"),
    "float": re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,3})?"),
    "merge": re.compile(r"<<"),
}
"""What an unquoted scalar is; the rest is text."""

UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Document:
    """A file's values: dicts, lists, `str`, `int`, `Decimal`, `bool` and `None`."""

    value: Any
    values: Mapping[Path, Mark]
    keys: Mapping[Path, Mark]
    problems: tuple[Problem, ...]

    def mark(self, problem: Problem) -> Mark:
        """Tell where a problem is: at its path, else at the nearest thing around it."""
        if problem.mark:
            return problem.mark
        path = problem.path
        if problem.on_key and path in self.keys:
            return self.keys[path]
        while path not in self.values and path:
            path = path[:-1]
        return self.values[path]


def read(text: str, *, file: str, environ: Mapping[str, str]) -> Document:
    """Read one YAML document; raise `ConfigError` with its place if it is none.

    What is wrong with single values is listed in the document.
    """
    if len(text) > LARGEST:
        raise ConfigError("the file is larger than 4 MB", file=file)
    try:
        node = _compose(text)
        reading = _Reading(environ)
        value = reading.value(node, (), 0) if node is not None else {}
    except yaml.MarkedYAMLError as error:
        raise _syntax(error, text, file) from None
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        message = "there is a character that YAML does not allow"
        raise ConfigError(message, file=file, line=line, column=column) from None
    reading.values.setdefault((), Mark(1, 1))
    return Document(value, reading.values, reading.keys, tuple(reading.problems))


def _compose(text: str) -> yaml.Node | None:
    loader = _Loader(text)
    try:
        return loader.get_single_node()
    except (ValueError, OverflowError):
        # PyYAML's scanner reads escapes and directives with chr() and int().
        problem = "a number in an escape or a directive is too large"
        raise yaml.MarkedYAMLError(problem=problem, problem_mark=loader.get_mark()) from None
    finally:
        loader.dispose()


def _syntax(error: yaml.MarkedYAMLError, text: str, file: str) -> ConfigError:
    mark = error.problem_mark or error.context_mark
    assert mark is not None, "what is raised while reading has a place"
    message = " ".join(part for part in (error.context, error.problem) if part)
    lines = text.splitlines()
    if mark.line < len(lines) and "${" in lines[mark.line]:
        message += ' (put a reference in quotes: "${NAME}")'
    elif "<block end>" in message:
        message += " (look at the indentation)"
    return ConfigError(message, file=file, line=mark.line + 1, column=mark.column + 1)


class _Loader(yaml.SafeLoader):
    """Makes nodes, of which `_Reading` makes values; its own constructors are not used."""

    deep = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        self.deep += 1
        if self.deep > DEEPEST:
            event = self.peek_event()  # type: ignore[no-untyped-call]  # types-pyyaml says nothing of it
            raise yaml.MarkedYAMLError(problem=_TOO_DEEP, problem_mark=event.start_mark)
        try:
            return super().compose_node(parent, index)
        finally:
            self.deep -= 1

    def resolve(self, kind: Any, value: Any, implicit: Any) -> str:
        if kind is yaml.ScalarNode and implicit[0]:
            return TAG + next((name for name, form in PLAIN.items() if form.fullmatch(value)), "str")
        return str(super().resolve(kind, value, implicit))  # type: ignore[no-untyped-call]  # as above


_TOO_DEEP = f"this is nested deeper than {DEEPEST} levels"

_TOO_MANY = f"the aliases of this file come to more than {MOST_VALUES} values"


@dataclass(slots=True)
class _Reading:
    """One pass over the nodes; it goes on after a problem, to find the others."""

    environ: Mapping[str, str]
    values: dict[Path, Mark] = field(default_factory=dict)
    keys: dict[Path, Mark] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    steps: int = 0

    def value(self, node: yaml.Node, path: Path, depth: int) -> Any:
        """Make the value of a node; raise `MarkedYAMLError` where aliases lead in a circle or too far."""
        self._step(node, depth)
        self.values[path] = _mark(node)
        kind = str(node.tag).removeprefix(TAG)
        if isinstance(node, yaml.MappingNode) and kind == "map":
            pairs = self._pairs(node, path, depth)
            for key, (key_node, _) in pairs.items():
                self.keys[*path, key] = _mark(key_node)
            return {key: self.value(each, (*path, key), depth + 1) for key, (_, each) in pairs.items()}
        if isinstance(node, yaml.SequenceNode) and kind == "seq":
            return [self.value(each, (*path, index), depth + 1) for index, each in enumerate(node.value)]
        return self._scalar(node, kind, path)

    def _step(self, node: yaml.Node, depth: int) -> None:
        """Bound how deep and how far aliases lead: a few lines can stand for billions of values."""
        self.steps += 1
        problem = _TOO_DEEP if depth > DEEPEST else _TOO_MANY if self.steps > MOST_VALUES else None
        if problem:
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)

    def _pairs(
        self, node: yaml.MappingNode, path: Path, depth: int
    ) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        """Give a mapping's pairs by key: its own win over those merged in, the first merged over the next."""
        self._step(node, depth)
        own: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        merged: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        for key, value in node.value:
            if key.tag == f"{TAG}merge":
                for each in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                    if isinstance(each, yaml.MappingNode):
                        merged = {**self._pairs(each, path, depth + 1), **merged}
                    else:
                        self._problem(path, "'<<' takes a mapping, or a list of them", each)
            elif key.tag != f"{TAG}str":
                shown = f": write {str(key.value)!r}" if isinstance(key, yaml.ScalarNode) else ""
                self._problem(path, f"a key must be text{shown}", key)
            elif key.value in own:
                line = own[key.value][0].start_mark.line + 1
                self._problem((*path, key.value), f"{key.value!r} stands here twice: see line {line}", key)
            else:
                own[key.value] = (key, value)
        return {**merged, **own}

    def _scalar(self, node: yaml.Node, kind: str, path: Path) -> Any:
        # A collection that calls itself text comes here too, and has no kind that fits it.
        text, kind = (str(node.value), kind) if isinstance(node, yaml.ScalarNode) else ("", "")
        match kind:
            case "str" | "merge":
                return self._text(node, text, path)
            case "null" if PLAIN["null"].fullmatch(text):
                return None
            case "bool" if PLAIN["bool"].fullmatch(text):
                return text.lower() == "true"
            case "int" | "float" if len(text) > LONGEST_NUMBER:
                problem = f"a number has at most {LONGEST_NUMBER} digits; put it in quotes if it is text"
            case "int" if PLAIN["int"].fullmatch(text):
                return int(text, {"0x": 16, "0o": 8}.get(text[:2], 10))
            case "float" if PLAIN["float"].fullmatch(text):
                return Decimal(text)
            case "null" | "bool" | "int" | "float":
                problem = f"this is no {kind}"
            case _:
                problem = f"the tag {str(node.tag)!r} is not understood here"
        self._problem(path, problem, node)
        return Unknown()

    def _text(self, node: yaml.Node, text: str, path: Path) -> str:
        try:
            expanded = expand(text, self.environ)
        except ValueError as error:
            self._problem(path, str(error), node)
            return Unknown()
        if UNPRINTABLE.search(expanded):
            self._problem(path, "has a character that cannot be printed", node)
            return Unknown()
        return expanded

    def _problem(self, path: Path, message: str, node: yaml.Node) -> None:
        self.problems.append(Problem(path=path, message=message, mark=_mark(node)))


def _mark(node: yaml.Node) -> Mark:
    return Mark(node.start_mark.line + 1, node.start_mark.column + 1)
