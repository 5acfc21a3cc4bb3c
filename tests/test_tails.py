"""What makes code hard to change is its tails: the longest files and functions, hidden imports, globals."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = ("router", "policies", "evaluators", "batch", "dashboards")

MOST_LINES = 300
MOST_LINES_OF_A_FUNCTION = 45

LONG = frozenset(
    {
        "router/entry.py:_entry",  # the ledger's row, a line a column
    }
)
"""Tables in the form of Python, which may be as long as what they list."""

MUTABLE = (ast.Dict, ast.List, ast.Set, ast.DictComp, ast.ListComp, ast.SetComp)
MAKERS = {
    "dict",
    "list",
    "set",
    "bytearray",
    "defaultdict",
    "deque",
    "Counter",
    "OrderedDict",
    "count",
    "Lock",
}
READ_ONLY = {"Mapping", "Sequence", "Collection", "Iterable", "Set", "Final"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def sources() -> dict[str, str]:
    paths = (path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py")))
    return {path.relative_to(ROOT).as_posix(): path.read_text() for path in paths}


@cache
def trees() -> dict[str, ast.Module]:
    return {name: ast.parse(text) for name, text in sources().items()}


def functions() -> Iterator[tuple[str, Function]]:
    for name, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, Function):
                yield name, node


def is_mutable(value: ast.expr | None) -> bool:
    if isinstance(value, ast.Call):
        made = value.func.attr if isinstance(value.func, ast.Attribute) else getattr(value.func, "id", "")
        return made in MAKERS
    return isinstance(value, MUTABLE)


def is_read_only(annotation: ast.expr) -> bool:
    outer = annotation.value if isinstance(annotation, ast.Subscript) else annotation
    return getattr(outer, "id", getattr(outer, "attr", "")) in READ_ONLY


def test_the_packages_are_there():
    assert {name.partition("/")[0] for name in sources()} == set(PACKAGES)


def test_no_file_is_long():
    lengths = {name: text.count("\n") for name, text in sources().items() if name not in LONG}
    assert {name: length for name, length in lengths.items() if length > MOST_LINES} == {}


def test_no_function_is_long():
    lengths = {
        f"{name}:{node.name}": (node.end_lineno or node.lineno) - node.lineno + 1
        for name, node in functions()
        if f"{name}:{node.name}" not in LONG
    }
    assert {name: length for name, length in lengths.items() if length > MOST_LINES_OF_A_FUNCTION} == {}


def test_every_import_stands_at_the_top_of_its_file():
    inner = [
        f"{name}:{node.lineno}"
        for name, function in functions()
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert inner == []


def test_no_function_rebinds_a_global():
    found = [
        f"{name}:{node.lineno}"
        for name, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Global)
    ]
    assert found == []


def test_no_module_holds_mutable_state():
    """A table is a tuple, a frozenset or a proxy, or its annotation says that nobody writes to it."""
    found = []
    for name, tree in trees().items():
        for node in tree.body:
            if isinstance(node, ast.Assign) and is_mutable(node.value):
                names = [target.id for target in node.targets if isinstance(target, ast.Name)]
                found += [f"{name}:{node.lineno} {each}" for each in names if each != "__all__"]
            if (
                isinstance(node, ast.AnnAssign)
                and is_mutable(node.value)
                and not is_read_only(node.annotation)
            ):
                found.append(f"{name}:{node.lineno} {ast.unparse(node.target)}")
    assert found == []
