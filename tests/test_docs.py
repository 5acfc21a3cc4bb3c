"""The documents are true: what they show runs, where they point is something, and nothing is left out.

A `python` block runs, unless it speaks to a server or says `no-run` after its language.
A `yaml` block whose keys are those of the configuration is one; a part of one is completed first.
"""

import ast
import json
import re
import shlex
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

import router.seams
from evaluators import EVALUATORS
from policies.language import DEFAULT_POLICY
from policies.policy import STRATEGIES
from policies.rules import RULES
from router.__main__ import COMMANDS, cli
from router.config import Config, parse
from router.dialects import DIALECTS

pytestmark = pytest.mark.docs

ROOT = Path(__file__).parent.parent
FOLDERS = (".github", "router", "policies", "evaluators", "batch", "dashboards", "tests")
PACKAGES = FOLDERS[1:-1]
DOCUMENTS = [
    *sorted(ROOT.glob("*.md")),
    *(path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.md"))),
]
SHELLS = {"sh", "bash", "console"}
SERVER = re.compile(r"127\.0\.0\.1|localhost")

each_document = pytest.mark.parametrize("path", DOCUMENTS, ids=[f"{p.relative_to(ROOT)}" for p in DOCUMENTS])


@dataclass(frozen=True)
class Block:
    """A fenced block: where, in which language, with what words after it, and its text."""

    where: str
    language: str
    words: tuple[str, ...]
    text: str

    def __str__(self) -> str:
        return f"{self.where} {self.language}"


@cache
def tokens(path: Path) -> tuple[Token, ...]:
    return tuple(MarkdownIt("commonmark").enable("table").parse(path.read_text()))


def inline(path: Path) -> Iterator[Token]:
    for token in tokens(path):
        yield from token.children or ()


@cache
def blocks(*languages: str) -> list[Block]:
    found = []
    for path in DOCUMENTS:
        for token in tokens(path):
            language, *words = token.info.split() or [""]
            if token.type == "fence" and language in languages:
                line = token.map[0] + 1 if token.map else 0
                where = f"{path.relative_to(ROOT)}:{line}"
                found.append(Block(where, language, tuple(words), token.content))
    return found


def each_block(*languages: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("block", blocks(*languages), ids=str)


@cache
def everything() -> str:
    return "\n".join(path.read_text() for path in DOCUMENTS)


def anchors(path: Path) -> set[str]:
    """Give the anchors GitHub makes of a document's headings."""
    titles = [tokens(path)[i + 1].content for i, t in enumerate(tokens(path)) if t.type == "heading_open"]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@each_document
def test_every_relative_link_leads_to_something(path: Path):
    dead = []
    for token in inline(path):
        target = str(token.attrs.get("href") or token.attrs.get("src") or "")
        if not target or re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        place = (path.parent / file).resolve() if file else path
        if not place.exists() or (anchor and place.suffix == ".md" and anchor not in anchors(place)):
            dead.append(target)
    assert dead == []


@each_block("python", "py")
def test_python_runs(block: Block):
    code = compile(block.text, block.where, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    if "no-run" not in block.words and not SERVER.search(block.text):
        exec(code, {"__name__": "__example__"})


@each_block("json")
def test_json_is_json(block: Block):
    json.loads(block.text)


@each_block(*SHELLS)
def test_shell_parses_and_names_commands_and_options_there_are(block: Block):
    text = re.sub(r"^\$ ", "", block.text, flags=re.MULTILINE)
    done = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    for words in commands(text):
        understood(words)


def commands(text: str) -> Iterator[list[str]]:
    """Give the arguments of each call of `farthing`."""
    for line in text.replace("\\\n", " ").splitlines():
        for part in re.split(r"&&|\|\||[|;]", line.partition(" #")[0]):
            words = shlex.split(part, comments=True) if part.count("'") % 2 == 0 else []
            if words and Path(words[0]).name == "farthing":
                yield [word for word in words[1:] if word != "&" and not re.match(r"\d?[<>]", word)]


def understood(words: list[str]) -> None:
    """Parse as far as click does before it looks at values; raise `click.UsageError` otherwise."""
    command: click.Command = cli
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        name, *words = words
        found = command.get_command(click.Context(command), name)
        assert found is not None, f"there is no command {name!r}"
        command = found
    context = click.Context(command)
    command.make_parser(context).parse_args(list(words))


BASE = """
upstreams: {local: {kind: simulated}, sim: {kind: simulated}}
models:
  - {name: small, upstream: sim, price: {input: 0.05, output: 0.20}}
  - {name: large, upstream: sim, price: {input: 0.5, output: 2}}
"""
"""What a part of a configuration is completed with."""


@each_block("yaml", "yml")
def test_yaml_that_looks_like_a_configuration_is_one(block: Block):
    shown = yaml.safe_load(block.text)
    if not isinstance(shown, dict) or not shown.keys() & Config.model_fields.keys():
        return
    environ = dict.fromkeys(re.findall(r"\$\{(\w+)", block.text), "sk-a-long-enough-secret-of-the-test")
    parse(completed(shown, block.text), file=block.where, environ=environ, known_checks=EVALUATORS)


def completed(shown: Mapping[str, Any], text: str) -> str:
    """Add the upstreams and models that are spoken of but not shown."""
    base = yaml.safe_load(BASE)
    models = {row["name"]: row for row in base["models"]}
    for name in named_models(shown):
        models.setdefault(name, {**models["small"], "name": name})
    upstreams = {str(row["upstream"]): {"kind": "simulated"} for row in shown.get("models", ())}
    added = {"upstreams": {**base["upstreams"], **upstreams}, "models": list(models.values())}
    missing = {key: value for key, value in added.items() if key not in shown}
    return f"{text}\n{yaml.safe_dump(missing)}" if missing else text


def named_models(shown: Mapping[str, Any]) -> Iterator[str]:
    for policy in (shown.get("policies") or {}).values():
        listed = policy.get("models") or ()
        names = listed.get("names", ()) if isinstance(listed, dict) else listed
        yield from (name for name in names if "*" not in name)
        if "baseline" in policy:
            yield policy["baseline"]


def settings(schema: Mapping[str, Any]) -> set[str]:
    """Give the names of all settings, of every section."""
    sections = [schema, *schema.get("$defs", {}).values()]
    return {name for section in sections for name in section.get("properties", {})}


def mentioned(name: str) -> bool:
    """Tell whether a document has the name in backticks, or as a key of a block."""
    return bool(re.search(rf"`[^`\n]*\b{re.escape(name)}\b[^`\n]*`|\b{re.escape(name)}:", everything()))


def test_every_setting_is_documented():
    assert sorted(name for name in settings(Config.model_json_schema()) if not mentioned(name)) == []


@pytest.mark.parametrize("table", [EVALUATORS, STRATEGIES, RULES, DIALECTS, {DEFAULT_POLICY: None}])
def test_every_registered_part_is_documented(table: Mapping[str, object]):
    assert sorted(name for name in table if not mentioned(name)) == []


def test_every_command_is_documented():
    hidden = {
        name for name in COMMANDS if getattr(cli.get_command(click.Context(cli), name), "hidden", False)
    }
    assert sorted(name for name in COMMANDS.keys() - hidden if f"farthing {name}" not in everything()) == []


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_says_what_it_is_for(package: str):
    assert (ROOT / package / "README.md").exists()


def test_every_seam_has_a_contract():
    """Each Protocol of `router/seams.py` is imported by a suite in `tests/contracts/`."""
    seams = {name for name, value in vars(router.seams).items() if getattr(value, "_is_protocol", False)}
    imported = set()
    for path in (ROOT / "tests" / "contracts").glob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module == "router.seams":
                imported |= {alias.name for alias in node.names}
    assert sorted(seams - {"Protocol"} - imported) == []


def test_the_readme_marks_the_commands_that_ci_runs():
    lines = (ROOT / "README.md").read_text().splitlines()
    for name in ("demo", "test"):
        after = lines.index(f"<!-- ci: {name} -->") + 1
        assert re.fullmatch(r"```(sh|bash)", lines[after])
