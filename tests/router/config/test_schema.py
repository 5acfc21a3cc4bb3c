import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from router.config import Config, schema

FULL = yaml.safe_load((Path(__file__).parent / "full.yaml").read_text())
VALIDATOR = jsonschema.Draft202012Validator(schema())


def sections():
    """Every section with its fields, as (name, properties)."""
    plain = Config.model_json_schema()
    yield "Config", plain["properties"]
    for name, definition in plain["$defs"].items():
        yield name, definition.get("properties", {})


def test_the_schema_is_one_and_can_be_written_as_json():
    jsonschema.Draft202012Validator.check_schema(json.loads(json.dumps(schema())))


def test_the_schema_takes_the_full_example():
    VALIDATOR.validate(FULL)


def test_the_schema_takes_references_wherever_a_scalar_stands():
    server = {"host": "${H}", "port": "${PORT:-9600}", "workers": "${W}", "dashboard": "${D}"}
    keys = [{"name": "a", "secret": "${S}"}, {"name": "b", "sha256": "${S}"}]
    VALIDATOR.validate({**FULL, "server": server, "keys": keys, "policies": {"p": {"strategy": "${S}"}}})


@pytest.mark.parametrize(
    "wrong",
    [
        {"server": {"port": "x"}},
        {"server": {"port": True}},
        {"server": {"prot": 1}},
        {"auth": "maybe"},
        {"models": []},
        {"upstreams": {}},
        {"upstreams": {"a": {"kind": "other"}}},
        {"policies": {"p": {"quality": 2}}},
        {"extra": 1},
    ],
)
def test_the_schema_refuses_what_the_parser_refuses(wrong):
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate({**FULL, **wrong})


@pytest.mark.parametrize(("section", "properties"), list(sections()))
def test_every_setting_is_described(section, properties):
    for name, field in properties.items():
        # The gate of a policy is described by its type.
        assert field.get("description") or "$ref" in field, f"{section}.{name}"


def test_the_full_example_names_every_setting():
    text = (Path(__file__).parent / "full.yaml").read_text()
    missing = {name for _, properties in sections() for name in properties if f"{name}:" not in text}
    assert missing == set()
