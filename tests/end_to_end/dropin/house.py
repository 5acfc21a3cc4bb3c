"""The house the drop-in suites visit: every model behaves as its name says, at the fake upstream."""

KEY = "fk-alice-0123456789abcdef"
UPSTREAM_KEY = "sk-upstream-0123456789abcdef"

TOOLS_AND_FORMS = "[tools, json_object, json_schema, vision, logprobs]"

MODELS = {
    "small": "small",
    "large": "large",
    "empty": "fake-empty",
    "refusal": "fake-refusal",
    "alias": "fake-alias",
    "extras": "fake-extras",
    "slow": "fake-slow",
    "paced": "fake-paced",
    "long": "fake-long",
    "silent-usage": "fake-usage-none",
    "hanging": "fault-hang",
    "stalling": "fault-stream-stall@60",
    "limited": "fault-429",
    "denied": "fault-401-key",
    "picky": "fault-400",
    "crowded": "fault-400-context",
    "nameless": "fault-404",
    "broken": "fault-500",
    "dying": "fault-stream-error@60",
    "hostile": "fault-hostile-headers",
    "crlf": "fault-stream-crlf",
    "flood": "fault-stream-flood",
}
"""Names here, and the names at the fake upstream that say what is done."""

OTHERS = {
    "writer": ("fake", "writer", "completions"),
    "writer-down": ("dead", "writer-down", "completions"),
    "writer-paced": ("fake", "fake-paced", "completions"),
    "writer-silent": ("fake", "fake-usage-none", "completions"),
    "writer-broken": ("fake", "fault-500", "completions"),
    "vectors": ("fake", "vectors", "embeddings"),
    "vectors-alias": ("fake", "fake-alias", "embeddings"),
}
"""Models that do not chat: where they are, what they are called there, and what they serve."""

POLICIES = """
policies:
  default: {strategy: cascade, models: [small, large]}
  failover: {strategy: cascade, models: [down, large]}
  failover-broken: {strategy: cascade, models: [broken, large]}
  failover-limited: {strategy: cascade, models: [limited, large]}
  failover-picky: {strategy: cascade, models: [picky, large]}
  escalate-empty: {strategy: cascade, models: [empty, large], escalation: {rescue: []}}
  escalate-refusal: {strategy: cascade, models: [refusal, large], escalation: {rescue: []}}
  substituted: {strategy: cascade, models: [alias], on_substitution: warn}
  substitute-refused: {strategy: cascade, models: [alias, large]}
  all-down: {strategy: cascade, models: [down, broken]}
  texts: {strategy: cascade, models: [small, writer-down, writer]}
  spaces: {models: [small, vectors]}
  two-spaces: {models: [vectors, vectors-alias]}
"""


def configuration(fake_url: str) -> str:
    """Write the configuration, as YAML, for a fake upstream at this base URL."""
    rows = [_model(name, "fake", upstream_name) for name, upstream_name in MODELS.items()]
    rows += [_model("down", "dead", "down"), _model("simulated", "sim", "simulated")]
    rows += [_model(name, upstream, at, serves=serves) for name, (upstream, at, serves) in OTHERS.items()]
    return f"""
server: {{host: 127.0.0.1, keepalive_seconds: 0.5, shutdown_seconds: 3}}
auth: keys
keys: [{{name: alice, secret: "{KEY}", team: research}}]
upstreams:
  fake:
    kind: openai
    base_url: "{fake_url}"
    api_key: "{UPSTREAM_KEY}"
    provider: fake
    timeouts: {{connect: 2, first_token: 3, idle: 2, total: 8}}
  dead: {{kind: openai, base_url: "http://127.0.0.1:1/v1", timeouts: {{connect: 1}}}}
  sim: {{kind: simulated}}
models:
{chr(10).join(rows)}
{POLICIES}
"""


def _model(name: str, upstream: str, upstream_name: str, *, serves: str = "chat") -> str:
    dear = name == "large"
    price = "{input: 0.50, output: 2.00}" if dear else "{input: 0.05, output: 0.20}"
    window = 1_000_000 if dear else 500_000
    return (
        f'  - {{name: {name}, upstream: {upstream}, upstream_name: "{upstream_name}", price: {price}, '
        f"context_window: {window}, max_output: 8192, capabilities: {TOOLS_AND_FORMS}, serves: [{serves}]}}"
    )
