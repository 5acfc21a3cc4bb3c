from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from evaluators import EVALUATORS
from policies.language import PolicySpec
from router.config import Config, ConfigProblems, HostedUpstream, Price, load, parse
from router.errors import ConfigError
from router.types import Capability, Prices, Rates
from router.windows import Window

FULL = Path(__file__).parent / "full.yaml"
ENVIRON = {"FARTHING_KEY_ALICE": "sixteen-letters-and-more", "CLOUD_KEY": "cloud-key"}
SMALL = "upstreams: {a: {kind: simulated}}\nmodels: [{name: m, upstream: a}]\n"


@pytest.fixture
def config():
    return load(FULL, environ=ENVIRON, known_checks=EVALUATORS)


def test_a_small_file_has_its_defaults():
    config = parse(SMALL, environ={})
    assert (config.server.host, config.server.port, config.auth) == ("127.0.0.1", 9600, "none")
    assert config.policies == {"default": PolicySpec()}


def test_a_policy_called_default_stands_beside_those_of_the_file():
    config = parse(SMALL + "policies: {careful: {strategy: cascade}}\n", environ={})
    assert list(config.policies) == ["default", "careful"]


def test_a_price_is_the_decimal_that_was_written(config):
    assert config.models[0].price.input == Decimal("0.05")
    assert config.policies["default"].max_cost_usd == Decimal("0.05")
    assert parse(SMALL + "policies: {p: {max_cost_usd: 0.10000000000000000001}}\n", environ={}).policies[
        "p"
    ].max_cost_usd == Decimal("0.10000000000000000001")


def test_a_price_is_given_in_picodollars():
    price = Price(input=Decimal("0.1"), output=Decimal("0.000001"), request=Decimal("0.0001"))
    assert price.prices() == Prices(input=100_000, output=1, request=100_000_000)


def test_the_catalogue_has_what_the_file_says_and_nothing_more(config):
    small, large, hosted, double = config.catalogue()
    assert small.upstream_name == "qwen3:8b"
    assert small.capabilities == {Capability.TOOLS, Capability.JSON_OBJECT, Capability.JSON_SCHEMA}
    assert (large.provider, hosted.provider, double.provider) == ("together", "bedrock", None)
    assert (double.upstream_name, double.simulated, small.simulated) == ("stand-in", True, False)
    assert double.context_window is None
    assert parse(SMALL, environ={}).catalogue()[0].prices is None


def test_a_relative_folder_is_beside_the_file(config):
    assert config.data == FULL.parent / "farthing-data"


def test_relative_tasks_are_beside_the_file(config):
    assert config.upstreams["sim"].tasks == FULL.parent / "prompts"


def test_an_absolute_folder_stays_where_it_is(tmp_path):
    file = tmp_path / "f.yaml"
    file.write_text(SMALL + "data: /var/lib/farthing\n")
    assert load(file, environ={}).data == Path("/var/lib/farthing")


def test_nothing_can_be_changed(config):
    with pytest.raises(ValidationError, match="frozen"):
        config.server.port = 1


@pytest.mark.parametrize(("host", "loopback"), [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True),
    ("localhost", True), ("0.0.0.0", False), ("::", False), ("10.0.0.1", False), ("example.org", False),
    ("localhost.example.org", False)])  # fmt: skip
def test_only_loopback_addresses_may_go_without_keys(host, loopback):
    text = f'{SMALL}server: {{host: "{host}"}}\n'
    if loopback:
        assert parse(text, environ={}).server.loopback
    else:
        with pytest.raises(ConfigError, match="write 'auth: keys'"):
            parse(text, environ={})


def test_with_keys_any_address_may_be_listened_on():
    text = f'{SMALL}server: {{host: 0.0.0.0}}\nauth: keys\nkeys: [{{name: a, secret: "{"s" * 16}"}}]\n'
    assert parse(text, environ={}).server.host == "0.0.0.0"


def test_a_key_is_known_by_its_digest_however_it_was_written(config):
    secret = parse(f'{SMALL}keys: [{{name: a, secret: "{"s" * 16}"}}]\n', environ={}).keys[0]
    digest = parse(f"{SMALL}keys: [{{name: a, sha256: {secret.digest.upper()}}}]\n", environ={}).keys[0]
    assert secret.digest == digest.digest
    assert len(config.keys[1].digest) == 64


def test_an_empty_key_of_an_upstream_is_none(config):
    assert config.upstreams["aws"].api_key is None


def test_an_empty_proxy_is_none():
    text = SMALL.replace("simulated", "openai, base_url: 'http://h/v1', proxy_url: '${PROXY:-}'")
    assert parse(text, environ={}).upstreams["a"].proxy_url is None


def test_the_options_of_a_provider_are_revealed_to_it_alone():
    upstream = HostedUpstream(
        kind="hosted", provider="x", api_key="key", options={"a": "b", "c": 1, "d": Decimal("0.5")}
    )
    assert upstream.revealed() == {"api_key": "key", "a": "b", "c": 1, "d": 0.5}
    assert isinstance(upstream.options["a"], SecretStr)


def test_no_repr_tells_a_secret(config):
    for secret in ENVIRON.values():
        assert secret not in repr(config)
        assert secret not in str(config)
        assert secret not in config.model_dump_json()


def test_a_config_that_is_built_in_code_is_checked_too():
    with pytest.raises(ValidationError, match="there is no upstream 'b'") as caught:
        Config(upstreams={"a": {"kind": "simulated"}}, models=[{"name": "m", "upstream": "b"}])
    assert "input_value" not in str(caught.value)


def test_anchors_and_merges_are_followed():
    config = parse(
        "upstreams: {a: {kind: simulated}}\n"
        "models:\n"
        "  - &base {name: m, upstream: a, context_window: 8192, price: {input: 1, output: 2}}\n"
        "  - {<<: *base, name: n, context_window: 4096}\n"
        "  - {name: o, <<: [{max_output: 1}, {max_output: 2}, *base]}\n",
        environ={},
    )
    assert [row.context_window for row in config.models] == [8192, 4096, 8192]
    assert [row.max_output for row in config.models] == [None, None, 1]
    assert config.models[1].price == config.models[0].price


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, "there is no such file"),
        (lambda path: path.mkdir(), "cannot be read: Is a directory"),
        (lambda path: path.write_bytes(b"data: x\ndata: \xff\n"), ":2: the file is not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, make, words):
    make(tmp_path / "f.yaml")
    with pytest.raises(ConfigError, match=words) as caught:
        load(tmp_path / "f.yaml", environ={})
    assert caught.value.file == str(tmp_path / "f.yaml")


def test_a_byte_order_mark_is_no_matter(tmp_path):
    (tmp_path / "f.yaml").write_bytes(b"\xef\xbb\xbf" + SMALL.encode())
    assert load(tmp_path / "f.yaml", environ={}).models[0].name == "m"


def test_a_price_may_be_otherwise_by_length_tier_hours_and_day():
    text = """
upstreams: {a: {kind: simulated}}
models:
  - name: m
    upstream: a
    price:
      input: 1
      output: 3
      checked: "2026-11-20"
      overrides:
        - {above: 1000, input: 2}
        - {tier: batch, times: 0.5, output: 1}
        - hours: [{zone: Asia/Shanghai, start: "22:00", end: "06:00", weekdays: [fri]}]
          since: "2026-12-01"
          input: 0.1
"""
    prices = parse(text, environ={}).catalogue()[0].prices
    long, batch, night = prices.overrides
    assert (long.above, long.rates) == (1000, Rates(input=2_000_000))
    assert (batch.tier, batch.rates) == ("batch", Rates(input=500_000, output=1_000_000))
    assert night.windows == (
        Window(zone="Asia/Shanghai", start=22 * 60, end=6 * 60, weekdays=frozenset({5})),
    )
    assert night.since == datetime(2026, 12, 1, tzinfo=UTC)
    assert prices.checked == date(2026, 11, 20)


@pytest.mark.parametrize(
    ("override", "trouble"),
    [
        ("{input: 1}", "needs a condition"),
        ("{hours: [{zone: Mars/Olympus}], input: 1}", "time zone"),
        ('{hours: [{start: "25:00"}], input: 1}', "time of day"),
        ('{since: "tomorrow", input: 1}', "no day or time"),
        ("{hours: [{weekdays: [monday]}], input: 1}", "day of the week"),
        ("{tier: flex, inputs: 1}", "inputs"),
    ],
)
def test_a_wrong_override_is_refused_with_a_sentence(override, trouble):
    price = f"price: {{input: 1, output: 1, overrides: [{override}]}}"
    text = f"upstreams: {{a: {{kind: simulated}}}}\nmodels: [{{name: m, upstream: a, {price}}}]\n"
    with pytest.raises(ConfigError, match=trouble):
        parse(text, environ={})


VECTORS = """
upstreams: {a: {kind: simulated}, h: {kind: hosted, provider: bedrock}}
models: [{name: m, upstream: a}, {name: v, upstream: %s, serves: [embeddings]}]
policies: {default: %s}
"""


@pytest.mark.parametrize(
    ("upstream", "policy", "wrong"),
    [
        ("a", "{baseline: v}", "policies.default.baseline: 'v' does not chat"),
        ("a", "{audit: {share: 0.1, model: v}}", "policies.default.audit: 'v' does not chat"),
        ("a", "{checks: [{judge: {model: v}}]}", "there is no model 'v' that chats"),
        ("h", "{}", "models[1].serves: only fits upstreams that speak the OpenAI wire"),
    ],
)
def test_a_model_is_used_for_what_it_serves(upstream, policy, wrong):
    with pytest.raises(ConfigProblems) as caught:
        parse(VECTORS % (upstream, policy), environ={}, known_checks=EVALUATORS)
    assert wrong in str(caught.value)
    assert parse(VECTORS % ("a", "{baseline: m}"), environ={}, known_checks=EVALUATORS)
