"""A good file of policies with one thing wrong, in some three hundred ways: refused at its line, each."""

import pytest
import yaml

from evaluators import EVALUATORS
from router.catalog import Knowledge
from router.config import parse
from router.errors import ConfigError

GOOD = """\
upstreams:
  home: {kind: openai, base_url: "http://127.0.0.1:8000/v1", provider: vllm}
  away:
    {kind: openai, base_url: "https://a.b/v1", facts: {retention_days: 0, trains: false, as_of: "2026-11-01"}}
models:
  - {name: small, upstream: home, price: {input: 1, output: 1}, open_weight: true, context_window: 9000}
  - {name: large, upstream: away, price: {input: 3, output: 9}, facts: {licence: MIT}}
policies:
  one:
    description: for one team
    extends: cheapest-adequate
    when: {team: red, tools: true, prompt_tokens: {at_least: 10, below: 5000}}
    quality: 0.8
    checks: [shape]
    strategy: cascade
    models: [small, large]
    max_cost_usd: 0.1
    max_first_token_ms: 500
    deadline_ms: 9000
  two:
    when:
      any:
        - {key: [a, b], user: u, tag: x}
        - {header: {x-team: blue}, role: main}
      not: {language: de}
      time: {after: "22:00", before: "06:00", days: [mon, sun], zone: Europe/Berlin}
    extends: one
    models:
      names: ["sm*"]
      where: {open_weight: true, context_window: {at_least: 1}}
    prefer: {local: true}
    spill: refuse
    stream_release: held
    gate: {tokens: 5, milliseconds: 5}
    on_substitution: warn
    on_unpriced: allow
  three:
    when: {best_chance: {below: 0.4}, needs: [vision], dialect: chat, model: "gpt-*", schema: true}
    strategy: weighted
    weights: {small: 1, large: 2}
    baseline: large
    escalation: {max_calls: 2}
    latch: {minutes: 3}
  four:
    models: {families: ["*"], where: {trains: false, retention_days: {at_most: 3}, max_age_days: 30000}}
aliases:
  "gpt-*": auto:one
  other: small
deny: {providers: [nobody], jurisdictions: [KP], models: []}
""".replace("[nobody]", "[]").replace('families: ["*"], ', "")

COMPLETE = Knowledge.load().complete
TOP = GOOD[: GOOD.index("policies:")].count("\n")


def places():
    """Every key and every scalar below `policies`, `aliases` and `deny`, as (kind, node, path of keys)."""
    root = yaml.compose(GOOD, yaml.SafeLoader)
    for key, value in root.value:
        if key.value in {"policies", "aliases", "deny"}:
            yield from _within(value, (key.value,))


def _within(node, path):
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield "key", key, (*path, key.value)
            yield from _within(value, (*path, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from _within(value, (*path, index))
    else:
        yield "value", node, path


FREE = {"policies", "aliases", "header", "weights"}
"""Whose keys people choose."""

WRONG = {
    "int": ["many", "[1]", "-1", "true"],
    "float": ["many", "{}", "-3.5"],
    "bool": ["maybe", "3", "[true]"],
}
TEXTS = {
    "strategy": ["cheapest", "7"], "spill": ["maybe"], "stream_release": ["later"],
    "on_substitution": ["ignore"], "on_unpriced": ["no"], "extends": ["cheapest-adequat", "two", "[a]"],
    "baseline": ["larg"], "zone": ["Europe/Berln"], "after": ["25:00"], "before": ["6"],
    "description": ["[1]", "{}"], "small": ["many"], "gpt-*": ["auto:on", "larg"], "other": ["nobody"],
}  # fmt: skip
ITEMS = {
    "checks": ["shap", "3"], "models": ["smal", "{}"], "days": ["monday"], "needs": ["vison"],
    "names": ["zork*", "zork"], "jurisdictions": ["7", "[x]"], "key": ["3"],
}  # fmt: skip


def mutations():
    """Give every mutation as (what it is, text, line it must be refused at)."""
    for kind, node, path in places():
        at, end, line = node.start_mark.index, node.end_mark.index, node.start_mark.line + 1
        old, owner = GOOD[at:end], path[-2] if len(path) > 1 else ""
        if kind == "key" and owner not in FREE:
            yield f"misspelt {path}", f"{GOOD[:at]}{old}zz{GOOD[end:]}", line
            if "{" in GOOD.splitlines()[line - 1][: node.start_mark.column]:
                yield f"twice {path}", f"{GOOD[:at]}{old}: 1, {GOOD[at:]}", line
        if kind == "value":
            for each in (*wrong_values(node, path), "[[]]"):
                yield f"{path} = {each}", GOOD[:at] + each + GOOD[end:], line


def wrong_values(node, path):
    tag = node.tag.rpartition(":")[2]
    if tag in WRONG:
        ranged = path[-1] in {"at_least", "at_most", "below"}
        return [each for each in WRONG[tag] if not (ranged and each.startswith("-"))]
    if isinstance(path[-1], int):
        return ITEMS.get(path[-2], [])
    return TEXTS.get(path[-1], ["5"])


NARROWER = "[{team: red, tools: true, prompt_tokens: {at_least: 20, below: 30}}]"

HAND = [
    ("  one:\n", "  one:\n    when: {}\n", None),
    ("when: {team: red, tools: true", "when: {all: [{tools: false}], tools: true", 12),
    ("    when:\n      any:", f"    when:\n      all: {NARROWER}\n      any:", 21),
    ("where: {open_weight: true", "where: {open_weight: false", 30),
    ("where: {trains: false", "where: {trains: true", 44),
    ("where: {trains: false", "where: {not_provider: vllm, trains: false", 44),
    ('"gpt-*": auto:one', '"*": auto:one', 47),
    ("  other: small", "  small: large", 47),
    ("  other: small", '  "gpt-4*": small', 47),
    ("  other: small", "  auto: small", 47),
    ("extends: one", "extends: two", 27),
    ("models: []}", "models: [nobody]}", 48),
    ("providers: []", "providers: [nobody]", 48),
    ("header: {x-team: blue}", "header: {Authorization: blue}", 24),
    ("strategy: weighted", "strategy: cascade", 39),
    ("weights: {small: 1, large: 2}", "weights: {small: 0, large: 0}", 39),
]  # fmt: skip

ALL = [(what, text, line) for what, text, line in mutations() if text is not None]


def refused(text):
    try:
        parse(text, file="f.yaml", environ={}, known_checks=EVALUATORS, complete=COMPLETE)
    except ConfigError as error:
        return error
    return None


def test_the_good_file_is_good():
    assert refused(GOOD) is None


def test_there_are_two_hundred_mutations():
    assert len(ALL) + len(HAND) >= 200
    assert len({text for _, text, _ in ALL}) == len(ALL)


def assert_refused(mutated):
    wrong = {}
    for what, text, line in mutated:
        error = refused(text)
        if error is None:
            wrong[what] = "accepted"
        elif line not in {at.line for at, _ in getattr(error, "found", ())} | {error.line}:
            wrong[what] = f"line {line}: {error}"
    assert wrong == {}


def test_a_tenth_of_the_mutations_is_refused_where_it_stands():
    assert_refused(ALL[::10])


@pytest.mark.e2e
def test_each_mutation_is_refused_where_it_stands():
    assert_refused(ALL)


@pytest.mark.parametrize(("old", "new", "line"), HAND[1:])
def test_what_makes_no_sense_is_refused_where_it_stands(old, new, line):
    assert GOOD.count(old) >= 1
    error = refused(GOOD.replace(old, new, 1))
    assert error is not None
    assert "f.yaml:" in str(error)
    assert error.line in {line, *range(line - 2, line + 3)}, str(error)
