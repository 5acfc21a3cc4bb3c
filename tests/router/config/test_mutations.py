"""A good file with one thing changed for the worse is never accepted, and the error points at the change."""

import itertools
from pathlib import Path

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators import EVALUATORS
from router.config import parse
from router.errors import ConfigError

CANARY = "canary-" * 4
LITERAL = "literal-" * 4
ENVIRON = {"FARTHING_KEY_ALICE": CANARY, "CLOUD_KEY": CANARY, "PROXY": f"http://u:{CANARY}@h:1"}
FULL = (Path(__file__).parent / "full.yaml").read_text()

GOOD = f"""\
server: {{host: 127.0.0.1, port: 1, workers: 1, max_body_mb: 1, keepalive_seconds: 1, shutdown_seconds: 1}}
data: x
auth: keys
keys: [{{name: a, secret: {LITERAL}, team: t, user: u, tags: [x]}}]
upstreams:
  a: {{kind: openai, base_url: "http://h/v1", api_key: "${{CLOUD_KEY}}", provider: p,
      headers: {{X: "{LITERAL}"}}, timeouts: {{connect: 1, first_token: 1, idle: 1, total: 1}},
      proxy_url: "${{PROXY}}", max_answer_mb: 1,
      wire: chat}}
  b: {{kind: hosted, provider: p, api_key: "{LITERAL}", options: {{x: y}}}}
  c: {{kind: simulated, seed: 1, first_token_ms: 1, tokens_per_second: 1, tasks: x}}
models:
  - {{name: m, upstream: c, upstream_name: m, context_window: 1, max_output: 1, capabilities: [tools],
     price: {{input: 0.1, output: 0.1, cached_input: 0.1, cache_write: 0.1, request: 0.1}}, served_as: [x],
     provider: p, family: f, params_b: 1, active_params_b: 1, open_weight: true, ability: 0.1, simulated:
     {{ability: 0.1, refusal_rate: 0.1, empty_rate: 0.1, cut_rate: 0.1, malformed_rate: 0.1, verbosity: 1}}}}
policies:
  p: {{strategy: pinned, models: [m], quality: 0.9, checks: [shape], max_cost_usd: 0.1,
      escalation: {{max_calls: 1}},
      stream_release: held, gate: {{tokens: 1, milliseconds: 1}}, baseline: m, on_unpriced: allow,
      on_substitution: warn}}
"""

FREE = {"X", "x", "a", "b", "c", "p"}
"""Keys that people choose."""


def pairs(node):
    """Every key with its value, depth first."""
    children = node.value if isinstance(node.value, list) else []
    for child in children:
        if isinstance(node, yaml.MappingNode):
            yield child
            yield from pairs(child[1])
        else:
            yield from pairs(child)


def composed(text):
    return list(pairs(yaml.compose(text, yaml.SafeLoader)))


PAIRS = composed(GOOD)


def replaced(nodes, text):
    """The good file with `text` in place of every one of the nodes; `{}` is what was there."""
    changed = GOOD
    for node in sorted(nodes, key=lambda node: -node.start_mark.index):
        start, end = node.start_mark.index, node.end_mark.index
        changed = changed[:start] + text.replace("{}", changed[start:end]) + changed[end:]
    return changed


def refusal(text):
    """What `parse` says of a text, or `None` if it takes it."""
    try:
        parse(text, file="f.yaml", environ=ENVIRON)
    except ConfigError as error:
        return error
    return None


def assert_refused_at(nodes, text):
    """Every one of these nodes of `text` is complained of, and no secret is told."""
    error = refusal(text)
    assert error, text
    places = {(at.line, at.column) for at, _ in error.found}
    for node in nodes:
        assert (node.start_mark.line + 1, node.start_mark.column + 1) in places, f"{node}\n{error}"
    said = f"{error!r} {error} {error.__context__!r}"
    assert CANARY not in said
    assert LITERAL not in said


def assert_values_refused(chosen, wrong):
    """Make all the chosen values wrong at once."""
    assert len(chosen) > 9
    text = replaced([PAIRS[index][1] for index in chosen], wrong)
    after = composed(text)
    assert_refused_at([after[index][1] for index in chosen], text)


def scalars(*tags):
    """The places in PAIRS of scalars of some kinds; a wrong `kind` would hide what it stands beside."""
    return [
        index
        for index, (key, value) in enumerate(PAIRS)
        if isinstance(value, yaml.ScalarNode) and value.tag.endswith(tags) and key.value not in {"kind", "x"}
    ]


def test_the_good_file_is_good():
    parse(GOOD, environ=ENVIRON)
    parse(FULL, environ=ENVIRON, known_checks=EVALUATORS)


def test_every_misspelt_setting_is_refused_where_it_stands():
    simple = [index for index in scalars("") if PAIRS[index][0].value not in FREE]
    assert len(simple) >= 60
    text = replaced([PAIRS[index][0] for index in simple], "{}z")
    after = composed(text)
    assert_refused_at([after[index][0] for index in simple], text)


def test_every_misspelt_section_is_refused_where_it_stands():
    for key, value in PAIRS:
        if key.value not in FREE and (isinstance(value, yaml.CollectionNode) or key.value == "kind"):
            assert_refused_at([key], replaced([key], "{}z"))


def test_every_setting_that_stands_twice_is_refused_where_it_does():
    within = [key for key, value in PAIRS if isinstance(value, yaml.ScalarNode) and key.start_mark.column]
    text = replaced([key for key in within if key.value != "kind"], "{}: 1, {}")
    keys = [key for key, _ in composed(text)]
    nodes = [key for before, key in itertools.pairwise(keys) if before.value == key.value]
    assert len(nodes) >= 60
    assert_refused_at(nodes, text)


def test_every_number_is_refused_as_text():
    assert_values_refused(scalars("int", "float"), "many")


def test_every_number_is_refused_as_true():
    assert_values_refused(scalars("int", "float"), "true")


def test_every_text_is_refused_as_a_number():
    assert_values_refused(scalars("str"), "5")


def test_every_simple_value_is_refused_as_a_list():
    assert_values_refused(scalars(""), "[[1]]")


def test_every_collection_is_refused_as_a_word():
    for _, value in PAIRS:
        if isinstance(value, yaml.CollectionNode) and value.flow_style:
            assert_refused_at([value], replaced([value], "word"))


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, len(GOOD)),
    st.integers(0, 40),
    st.text(st.sampled_from("{}[]:-\n \"'&*!|>%@`#,$ab1é\t\0<"), max_size=8),
)
def test_a_damaged_file_is_read_or_refused_with_a_place_in_it(at, length, junk):
    text = GOOD[:at] + junk + GOOD[at + length :]
    if error := refusal(text):
        assert 1 <= error.line <= text.count("\n") + 2
        assert error.column >= 1
        assert CANARY not in str(error)


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_refused_with_a_place(text):
    error = refusal(text)
    assert error is not None
    assert error.line >= 1


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(sorted({key.value for key, _ in PAIRS})) | st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(["server", "data", "auth", "keys", "upstreams", "models", "policies"]), VALUES)
def test_any_value_of_a_section_is_read_or_refused(section, value):
    base = {"upstreams": {"a": {"kind": "simulated"}}, "models": [{"name": "m", "upstream": "a"}]}
    text = yaml.safe_dump({**base, section: value})
    error = refusal(text)
    assert error is None or error.line
