"""The table of settings in router/config/README.md; `python -m tests.router.config.table` writes it anew."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from router.config import Config
from router.config.shape import alternatives

PAGE = Path(__file__).parents[3] / "router" / "config" / "README.md"
BEGIN, END = "<!-- settings: written by tests/router/config/table.py -->\n", "<!-- end of settings -->\n"
WORDS = {
    "integer": "whole number",
    "boolean": "true, false",
    "string": "text",
    "array": "list",
    "null": "nothing",
}


def table() -> str:
    """Give every setting with its kind, its default and its meaning, as Markdown."""
    schema = Config.model_json_schema()
    rows = ["| setting | takes | if left out | |", "|---|---|---|---|", *_rows(schema, schema, "", ())]
    return "\n".join(rows) + "\n"


def written(page: str) -> str:
    """Give a page with the table as it should be."""
    before, _, rest = page.partition(BEGIN)
    return before + BEGIN + table() + END + rest.partition(END)[2]


def _rows(
    schema: Mapping[str, Any], root: Mapping[str, Any], path: str, around: tuple[Any, ...]
) -> Iterator[str]:
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        branches = [each for each in alternatives(field, root) if each.get("type") != "null"]
        described = field.get("description") or branches[0].get("description", "")
        inner = _inner(branches[0], root)
        default = "**needed**" if name in required else _default(field.get("default"), nested=bool(inner))
        takes = " or ".join(dict.fromkeys(_kind(each) for each in branches))
        yield f"| `{path}{name}` | {takes} | {default} | {described.splitlines()[0]} |"
        for mark, part in inner:
            if all(part is not each for each in around):  # a condition may hold conditions
                yield from _rows(part, root, f"{path}{name}{mark}.", (*around, part))


def _inner(branch: Mapping[str, Any], root: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Give the sections within one, each with what stands between its name and theirs."""
    if "properties" in branch:
        return [("", branch)]
    mark, each = (
        ("[]", branch["items"]) if "items" in branch else (".NAME", branch.get("additionalProperties"))
    )
    if not isinstance(each, dict):
        return []
    if "discriminator" in each:
        kinds = each["discriminator"]["mapping"]
        return [
            (f"{mark} ({kind})", *alternatives({"$ref": ref}, root)) for kind, ref in sorted(kinds.items())
        ]
    return [(mark, part) for part in alternatives(each, root) if "properties" in part]


def _kind(branch: Mapping[str, Any]) -> str:
    if choices := branch.get("enum", [branch["const"]] if "const" in branch else None):
        return ", ".join(f"`{choice}`" for choice in choices)
    if branch.get("writeOnly"):
        return "secret"
    return WORDS.get(
        branch.get("type", ""), "mapping" if branch.get("type") == "object" else str(branch.get("type"))
    )


def _default(default: Any, *, nested: bool) -> str:
    if nested or default in (None, [], {}):
        return ""
    if isinstance(default, list):
        return ", ".join(f"`{each}`" for each in default)
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
