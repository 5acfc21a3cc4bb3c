import json

from router.catalog import listing
from router.types import Capability, Model, Prices

KNOWN = Model(
    name="big",
    upstream="cloud",
    upstream_name="acme/big",
    prices=Prices(input=150_000, output=3, cached_input=0, source="a list"),
    context_window=8192,
    max_output=1024,
    capabilities=frozenset(
        {Capability.TOOLS, Capability.VISION, Capability.JSON_SCHEMA, Capability.JSON_OBJECT}
    ),
    provider="acme",
)


def test_a_model_is_shown_as_openai_and_openrouter_show_theirs():
    shown = listing(KNOWN, created=1_700_000_000)
    assert (shown["id"], shown["object"], shown["created"], shown["owned_by"]) == (
        "big",
        "model",
        1_700_000_000,
        "acme",
    )
    assert shown["context_length"] == shown["top_provider"]["context_length"] == 8192
    assert shown["top_provider"]["max_completion_tokens"] == 1024
    assert shown["architecture"] == {"input_modalities": ["text", "image"], "output_modalities": ["text"]}


def test_prices_are_dollars_a_token_without_an_exponent():
    assert listing(KNOWN)["pricing"] == {
        "prompt": "0.00000015",
        "completion": "0.000000000003",
        "input_cache_read": "0",
        "request": "0",
    }


def test_each_supported_parameter_is_named_once():
    names = listing(KNOWN)["supported_parameters"]
    assert len(set(names)) == len(names)
    assert {"tools", "tool_choice", "response_format", "structured_outputs", "temperature"} <= set(names)
    assert "logprobs" not in names


def test_a_model_of_unknown_price_has_none_rather_than_zero():
    shown = listing(Model(name="x", upstream="u", upstream_name="x"))
    assert "pricing" not in shown
    assert shown["farthing"]["price_source"] is None
    assert shown["context_length"] is None
    assert shown["owned_by"] == "u"
    json.dumps(shown)
