"""Every way to get a file wrong ends in a `ConfigError` that says where it is and what would be right."""

import pytest

from evaluators import EVALUATORS
from router.config import ConfigProblems, parse
from router.errors import ConfigError

GOOD = """\
upstreams:
  a: {kind: simulated}
  b: {kind: openai, base_url: "http://h/v1"}
models:
  - {name: small, upstream: a}
  - {name: large, upstream: b}
"""

ENVIRON = {"SECRET": "sixteen-letters-and-more", "WORD": "hello", "EMPTY": ""}

SYNTAX = {
    "an open bracket": ("data: [", 1, 8, "expected the node content"),
    "a tab": ("server:\n\tport: 1\n", 2, 1, "cannot start any token"),
    "an open quote": ('data: "x\n', 2, 1, "unexpected end of stream"),
    "two documents": ("data: x\n---\ndata: y\n", 2, 1, "expected a single document"),
    "an unknown alias": ("data: *nowhere\n", 1, 7, "undefined alias 'nowhere'"),
    "two colons": ("data: a: b\n", 1, 8, "mapping values are not allowed"),
    "a bad indent": ("server:\n    port: 1\n  host: x\n", 3, 3, "(look at the indentation)"),
    "a nul": ("data: a\nauth: \0\n", 2, 7, "a character that YAML does not allow"),
    "an impossible letter": ('data: "\\UFFFFFFFF"\n', 1, None, "too large"),
    "a bare reference in braces": ("server: {port: ${PORT}}\n", 1, 17, 'in quotes: "${NAME}"'),
    "deep nesting": ("data: " + "[" * 500 + "]" * 500, 1, 46, "nested deeper than 40 levels"),
    "an alias of itself": ("data: &a [*a]\n", 1, 7, "nested deeper than 40 levels"),
    "a merge of itself": ("server: &a\n  <<: *a\n", 1, 9, "nested deeper than 40 levels"),
    "a list": ("- a\n- b\n", 1, 1, "expected a mapping ('name: value'); found a list"),
    "a word": ("hello\n", 1, 1, "found the text 'hello'"),
    "nothing": ("", 1, 1, "'upstreams' is missing"),
    "only a comment": ("# nothing\n", 1, 1, "'models' is missing"),
}

ADDED = {
    "an unknown section": ("serverr: {}", 1, "there is no setting 'serverr'; did you mean 'server'?"),
    "an unknown setting": ("server: {prot: 1}", 10, "server.prot: there is no setting 'prot'; did you mean"),
    "a strange setting": ("server: {zzz: 1}", 10, "known here: background_seconds, content_days, dashboard"),
    "a setting twice": ("server: {port: 1, workers: 1, port: 2}", 31, "'port' stands here twice: see line 7"),
    "a section twice": ("models: []", 1, "models: 'models' stands here twice: see line 4"),
    "a number as key": ("server: {1: 2}", 10, "a key must be text: write '1'"),
    "a list as key": ("server: {[a]: 2}", 10, "a key must be text"),
    "a word to merge": ("server: {<<: word}", 14, "'<<' takes a mapping, or a list of them"),
    "a foreign tag": ("data: !!python/object:os.system x", 7, "the tag 'tag:yaml.org,2002:python/object"),
    "a tag of one's own": ("data: !secret x", 7, "the tag '!secret' is not understood"),
    "a mapping called text": ("server: {host: !!str {a: b}}", 16, "is not understood here"),
    "something called nothing": ("server: {host: !!null x}", 16, "this is no null"),
    "a set": ("server: !!set {a}", 9, "is not understood"),
    "a false number": ("server: {port: !!int abc}", 16, "this is no int"),
    "an endless number": (f"server: {{port: {'9' * 5000}}}", 16, "a number has at most 40 digits"),
    "a letter that cannot be printed": ('data: "a\\0b"', 7, "a character that cannot be printed"),
    "half a letter": ('data: "\\uD800"', 7, "a character that cannot be printed"),
    "a missing variable": ('data: "${NOWHERE}"', 7, "the environment has no NOWHERE: set it, or write"),
    "a malformed reference": ('data: "${a b}"', 7, "a reference is written ${NAME} or"),
    "a reference in a reference": ('data: "${WORD:-${X}}"', 7, "a reference is written"),
    "an unclosed reference": ('data: "${WORD"', 7, "a reference is written"),
    "a home folder": ("data: ~/farthing", 7, "write '${HOME}/…'"),
    "text for a number": ("server: {port: http}", 16, "expected a whole number; found the text 'http'"),
    "a quoted number": ('server: {port: "80"}', 16, "expected a whole number; found the text '80'"),
    "a word of the environment for a number": ('server: {port: "${WORD}"}', 16, "in the environment"),
    "a point in a whole number": ("server: {port: 80.5}", 16, "expected a whole number; found 80.5"),
    "true for a number": ("server: {port: true}", 16, "expected a whole number; found true"),
    "nothing for a number": ("server: {port: }", 15, "expected a whole number; found nothing"),
    "a list for a number": ("server: {port: [1]}", 16, "expected a whole number; found a list"),
    "a port beyond the last": ("server: {port: 70000}", 16, "must be at most 65,535"),
    "no worker": ("server: {workers: 0}", 19, "must be at least 1"),
    "no time": ("server: {keepalive_seconds: 0}", 29, "must be more than 0"),
    "for ever": ("server: {keepalive_seconds: .inf}", 29, "expected a number; found the text '.inf'"),
    "yes for true": (
        "server: {dashboard: yes}",
        21,
        "expected true or false or 'auto'; found the text 'yes'",
    ),
    "a number for text": ("server: {host: 127}", 16, "expected text; found 127 (put it in quotes)"),
    "a URL for a host": ('server: {host: "http://x"}', 16, "should match pattern"),
    "an open door": ("server: {host: 0.0.0.0}", 16, "write 'auth: keys' and list keys, or let the host"),
    "a key for a strange model": (
        "keys: [{name: a, secret: sixteen-letters-and-more, scopes: {models: [smal]}}]",
        70,
        "keys[0].scopes.models[0]: there is no model 'smal'; did you mean 'small'?",
    ),
    "a limit of nothing": ("budgets: [{name: a, scope: team, per: day}]", 11, "limits nothing: it needs"),
    "a limit without a window": (
        "budgets: [{name: a, scope: team, usd: 1}]",
        11,
        "needs 'per': minute, hour",
    ),
    "a budget twice": (
        "budgets: [{name: a, scope: all, per: day, usd: 1}, {name: a, scope: key, per: day, usd: 1}]",
        59,
        "is the name of budgets[0] too",
    ),
    "a request's budget a day": (
        "budgets: [{name: a, scope: request, per: day, usd: 1}]",
        11,
        "is for each single request: it takes 'usd' and 'tokens' alone",
    ),
    "a redis without a place": ("budgeting: {store: redis}", 12, "'store: redis' and 'url' go together"),
    "a zone nobody lives in": ("budgeting: {zone: Nowhere/Near}", 19, "there is no time zone 'Nowhere/Near'"),
    "a tier-down to nowhere": (
        "policies: {default: {tier_down: {policy: cheep}}, cheap: {}}",
        42,
        "there is no policy 'cheep'; did you mean 'cheap'?",
    ),
    "a tier-down to itself": (
        "policies: {default: {tier_down: {policy: default}}}",
        42,
        "is the policy itself: name a cheaper one",
    ),
    "an unknown lock": ("auth: key", 7, "expected one of none, keys; found the text 'key'; did you mean"),
    "a word for a list": ("keys: alice", 7, "expected a list; found the text 'alice'"),
    "a key without a secret": ("keys: [{name: x}]", 8, "needs either a 'secret' or its 'sha256'"),
    "a key without a name": ('keys: [{secret: "${SECRET}"}]', 8, "keys[0].name: 'name' is missing."),
    "a guessable secret": ("keys: [{name: x, secret: hunter2}]", 26, "shorter than 16 characters"),
    "an empty secret": ('keys: [{name: x, secret: "${EMPTY}"}]', 26, "shorter than 16 characters"),
    "a secret of numbers": ("keys: [{name: x, secret: 31415926}]", 26, "expected text; found something else"),
    "a secret with a space": (
        'keys: [{name: x, secret: "a b c d e f g h i"}]',
        26,
        "no HTTP header can carry",
    ),
    "a false digest": ("keys: [{name: x, sha256: abc}]", 26, "64 hexadecimal digits of a SHA-256"),
    "a policy that is a list": ("policies: {default: [a]}", 21, "expected a mapping ('name: value')"),
    "a policy with a strange name": ('policies: {"a b": {}}', 12, "'a b' is no name: write letters"),
    "an unknown strategy": ("policies: {p: {strategy: cascad}}", 26, "did you mean 'cascade'?"),
    "too much quality": ("policies: {p: {quality: 1.5}}", 25, "policies.p.quality: must be at most 1"),
    "an unknown model": ("policies: {p: {models: [smal]}}", 25, "no model 'smal'; did you mean 'small'?"),
    "no models": ("policies: {p: {models: []}}", 24, "is empty: leave it out to allow every model"),
    "an unknown baseline": ("policies: {p: {baseline: huge}}", 26, "'huge'; known here: large, small"),
    "an unknown check": (
        "policies: {p: {checks: [refusals]}}",
        25,
        "no check 'refusals'; did you mean 'refusal'?",
    ),
    "two checks in one": (
        "policies: {p: {checks: [{shape: {}, refusal: {}}]}}",
        25,
        "is one check and its options",
    ),
    "an unknown option of a check": (
        "policies: {p: {checks: [{shape: {strict: true}}]}}",
        34,
        "policies.p.checks[0].shape.strict: there is no setting 'strict'",
    ),
    "a check that is there twice": (
        "policies: {p: {checks: [shape, shape]}}",
        32,
        "'shape' is here twice",
    ),
    "true for a number in a policy": (
        "policies: {p: {escalation: {max_calls: true}}}",
        40,
        "a whole number; found true",
    ),
    "an unknown setting of a gate": ("policies: {p: {gate: {token: 1}}}", 23, "did you mean 'tokens'?"),
    "a price that is none": ("policies: {p: {max_cost_usd: cheap}}", 30, "valid decimal"),
}

UPSTREAMS = {
    "no kind": ('{base_url: "http://h/v1"}', 4, "'kind' is missing: one of hosted, openai, simulated"),
    "an unknown kind": (
        "{kind: opnai}",
        11,
        "expected one of hosted, openai, simulated; found the text 'opnai'",
    ),
    "a kind that is a list": ("{kind: [openai]}", 11, "found a list"),
    "a word": ("openai", 4, "expected a mapping ('name: value'); found the text 'openai'"),
    "nothing": ("", None, "expected a mapping ('name: value'); found nothing"),
    "no address": ("{kind: openai}", 4, "x.base_url: 'base_url' is missing."),
    "a setting of another kind": ("{kind: simulated, base_url: x}", 22, "there is no setting 'base_url'"),
    "a setting called as its kind": (
        "{kind: simulated, simulated: 1}",
        22,
        "there is no setting 'simulated'",
    ),
    "an address without a scheme": ("{kind: openai, base_url: localhost}", 29, "a URL such as http"),
    "another scheme": ('{kind: openai, base_url: "ftp://h"}', 29, "a URL such as http"),
    "a wrong port": ('{kind: openai, base_url: "http://h:99999/v1"}', 29, "is not a URL"),
    "an open bracket": ('{kind: openai, base_url: "http://[::1/v1"}', 29, "is not a URL"),
    "credentials": ('{kind: openai, base_url: "http://u:p@h/v1"}', 29, "must carry no credentials"),
    "a query": ('{kind: openai, base_url: "http://h/v1?key=x"}', 29, "no '?' and no '#'"),
    "a route": ('{kind: openai, base_url: "http://h/v1/chat/completions"}', 29, "must end before the route"),
    "a broken header": ('{kind: openai, base_url: "http://h", headers: {"a b": x}}', 50, "name of a header"),
    "a header of ours": (
        '{kind: openai, base_url: "http://h", headers: {Content-Length: "1"}}',
        50,
        "itself",
    ),
    "two lines in a header": (
        '{kind: openai, base_url: "http://h", headers: {X: "a\\nb"}}',
        54,
        "a line break",
    ),
    "a number in a header": ('{kind: openai, base_url: "http://h", headers: {X: 1}}', 54, "expected text"),
    "two authorizations": (
        '{kind: openai, base_url: "http://h", api_key: k, headers: {authorization: x}}',
        4,
        "both an 'api_key' and an 'Authorization'",
    ),
    "a numeric key": ('{kind: openai, base_url: "http://h", api_key: 123}', 50, "(put it in quotes)"),
    "a proxy that is none": ('{kind: openai, base_url: "http://h", proxy_url: proxy}', 52, "a URL such as"),
    "a proxy with a wrong port": (
        '{kind: openai, base_url: "http://h", proxy_url: "http://p:x"}',
        52,
        "not a URL",
    ),
    "no time": ('{kind: openai, base_url: "http://h", timeouts: {idle: 0}}', 58, "must be more than 0"),
    "another wire": ('{kind: openai, base_url: "http://h", wire: chatt}', 47, "expected 'chat'; found"),
    "a list of options": ("{kind: hosted, provider: x, options: {a: [1]}}", 45, "found"),
    "two keys": ("{kind: hosted, provider: x, api_key: k, options: {api_key: k}}", 4, "has 'api_key' twice"),
}

MODELS = {
    "no upstream": ("{name: x}", 5, "models[2].upstream: 'upstream' is missing."),
    "an unknown upstream": ("{name: x, upstream: c}", 25, "there is no upstream 'c'; known here: a, b"),
    "a name that is taken": ("{name: small, upstream: a}", 12, "is the name of models[0] too"),
    "a name with a space": ('{name: "a b", upstream: a}', 12, "has a space in it"),
    "auto": ("{name: auto, upstream: a}", 12, "is kept for the policies"),
    "auto and a policy": ('{name: "auto:x", upstream: a}', 12, "is kept for the policies"),
    "an empty name": ('{name: "", upstream: a}', 12, "at least 1 character"),
    "a price that is a word": ("{name: x, upstream: a, price: free}", 35, "expected a mapping"),
    "half a price": ("{name: x, upstream: a, price: {input: 1}}", 35, "price.output: 'output' is missing"),
    "a negative price": ("{name: x, upstream: a, price: {input: -1, output: 1}}", 43, "must be at least 0"),
    "a price too fine": (
        "{name: x, upstream: a, price: {input: 0.0000001, output: 1}}",
        43,
        "than a picodollar",
    ),
    "a price in words": ("{name: x, upstream: a, price: {input: 1, output: 5$}}", 54, "found the text '5$'"),
    "an unknown capability": ("{name: x, upstream: a, capabilities: [tool]}", 43, "did you mean 'tools'?"),
    "a capability alone": (
        "{name: x, upstream: a, capabilities: tools}",
        42,
        "expected a list; found the text",
    ),
    "no context": ("{name: x, upstream: a, context_window: 0}", 44, "must be at least 1"),
    "a context in words": ("{name: x, upstream: a, context_window: 128k}", 44, "found the text '128k'"),
    "more active than there are": ("{name: x, upstream: a, params_b: 8, active_params_b: 9}", 5, "has more"),
    "an act of a real model": (
        "{name: x, upstream: b, simulated: {}}",
        39,
        "only fits an upstream of kind 'simulated'",
    ),
    "a rate above one": ("{name: x, upstream: a, simulated: {cut_rate: 2}}", 50, "must be at most 1"),
    "rates above one": (
        "{name: x, upstream: a, simulated: {cut_rate: 0.6, empty_rate: 0.6}}",
        39,
        "exceed 1",
    ),
}


def found(text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        parse(text, file="f.yaml", environ=ENVIRON, known_checks=EVALUATORS)
    return caught.value


@pytest.mark.parametrize("name", SYNTAX)
def test_a_file_that_is_no_mapping_is_refused_with_its_place(name):
    text, line, column, words = SYNTAX[name]
    error = found(text)
    assert words in str(error)
    assert (error.file, error.line) == ("f.yaml", line)
    assert column in {None, error.column}


@pytest.mark.parametrize("name", ADDED)
def test_a_wrong_section_is_refused_with_its_place(name):
    addition, column, words = ADDED[name]
    error = found(f"{GOOD}{addition}\n")
    assert words in str(error)
    assert (error.line, error.column) == ((7, column) if column else (1, 1))


@pytest.mark.parametrize("name", UPSTREAMS)
def test_a_wrong_upstream_is_refused_with_its_place(name):
    upstream, column, words = UPSTREAMS[name]
    error = found(GOOD.replace("upstreams:\n", f"upstreams:\n  x: {upstream}\n"))
    assert words in str(error)
    assert error.line == 2
    assert column in {None, error.column - 2}
    assert str(error).count("\n") == 0


@pytest.mark.parametrize("name", MODELS)
def test_a_wrong_model_is_refused_with_its_place(name):
    row, column, words = MODELS[name]
    error = found(f"{GOOD}  - {row}\n")
    assert words in str(error)
    assert (error.line, error.column) == (7, column)
    assert str(error).count("\n") == 0


def test_all_problems_are_told_at_once_in_their_order():
    error = found(
        GOOD.replace("kind: simulated", "kind: simulate") + "data: 5\nauth: keyz\nserver: {prt: 1}\n"
    )
    assert isinstance(error, ConfigProblems)
    assert [(mark.line, mark.column) for mark, _ in error.found] == [(2, 13), (7, 7), (8, 7), (9, 10)]
    assert str(error).splitlines()[1].startswith("f.yaml:7:7: data: ")


def test_a_hundred_problems_are_not_all_shown():
    error = found(GOOD + "server: {" + ", ".join(f"x{number}: 1" for number in range(100)) + "}\n")
    assert len(str(error).splitlines()) == 51
    assert str(error).endswith("… and 50 more")


def test_aliases_that_stand_for_billions_of_values_are_refused():
    levels = "".join(f"  - &l{n + 1} [{', '.join([f'*l{n}'] * 10)}]\n" for n in range(12))
    error = found(f"{GOOD}keys:\n  - &l0 [x]\n{levels}")
    assert "more than 50000 values" in str(error)


def test_merges_that_stand_for_billions_of_values_are_refused():
    levels = "".join(f"  m{n + 1}: &m{n + 1} {{<<: [{', '.join([f'*m{n}'] * 10)}]}}\n" for n in range(12))
    error = found(f"{GOOD}policies:\n  m0: &m0 {{quality: 0.5}}\n{levels}")
    assert "more than 50000 values" in str(error)


def test_a_file_of_megabytes_is_refused():
    assert "larger than 4 MB" in str(found("#" * (4 << 20) + "\n"))


def test_two_keys_of_one_name_or_secret_are_refused():
    digest = "d34db33f" * 8
    rows = f"keys: [{{name: a, sha256: {digest}}}, {{name: a, sha256: {digest.upper()}}}]\n"
    error = found(GOOD + rows)
    assert "keys[1].name: is the name of keys[0] too" in str(error)
    assert "keys[1].secret: is the secret of keys[0] too" in str(error)
    assert digest not in str(error).lower()
