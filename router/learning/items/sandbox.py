"""Runs code that a model wrote, with nothing to break: read first, then run alone, in bounds.

What reaches beyond pure computation is refused before it runs: imports outside a short list, names and
attributes with two underscores, and built-ins that open, evaluate or ask.
What runs is a process of its own without environment, files or room: two seconds, 256 MB, no new files.
That is enough for answers of models one has chosen to ask; it is no prison for code of an attacker.
"""

import ast
import resource
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import orjson

SECONDS = 2
MEMORY = 256 << 20
MOST_CODE = 20_000

PURE = frozenset(
    {"bisect", "collections", "functools", "heapq", "itertools", "math", "operator", "re", "string", "typing"}
)
FORBIDDEN = frozenset(
    {
        "breakpoint", "compile", "delattr", "eval", "exec", "exit", "getattr", "globals", "help", "input",
        "locals", "memoryview", "open", "quit", "setattr", "vars",
    }
)  # fmt: skip

HARNESS = """
import json, sys
told = json.load(sys.stdin)
scope = {}
exec(told["code"], scope)
solve = scope[told["name"]]
for arguments, expected in told["cases"]:
    if json.loads(json.dumps(solve(*arguments))) != expected:
        sys.exit(1)
sys.exit(0)
"""


def passes(code: str, name: str, cases: Sequence[tuple[Sequence[Any], Any]]) -> bool:
    """Tell whether the function `name` that `code` defines gives what is expected in every case."""
    if not harmless(code):
        return False
    told = orjson.dumps({"code": code, "name": name, "cases": cases})
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter; the code was read above
            [sys.executable, "-I", "-S", "-c", HARNESS],
            input=told,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=SECONDS + 3,
            env={},
            cwd="/",
            preexec_fn=_bound,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def harmless(code: str) -> bool:
    """Tell whether code computes and does nothing else, as far as reading it can tell."""
    if len(code) > MOST_CODE:
        return False
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return all(_harmless(node) for node in ast.walk(tree))


def _harmless(node: ast.AST) -> bool:
    match node:
        case ast.Import(names=names):
            return all(name.name.partition(".")[0] in PURE for name in names)
        case ast.ImportFrom(module=module):
            return (module or "").partition(".")[0] in PURE
        case ast.Name(id=name):
            return name not in FORBIDDEN and not name.startswith("__")
        case ast.Attribute(attr=name):
            return not name.startswith("_") and name not in {"format", "format_map"}
        case _:
            return True


def _bound() -> None:
    for limit, value in (
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 16),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (value, value))
