"""What is made up for a JSON Schema fits it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from router.upstreams.instances import instance

SCALARS = st.one_of(
    st.just({"type": "boolean"}),
    st.just({"type": "null"}),
    st.builds(
        lambda low, more: {"type": "string", "minLength": low, "maxLength": low + more},
        st.integers(0, 20),
        st.integers(0, 20),
    ),
    st.builds(
        lambda kind, low, more: {"type": kind, "minimum": low, "maximum": low + more},
        st.sampled_from(["integer", "number"]),
        st.integers(-50, 50),
        st.integers(0, 9),
    ),
    st.builds(lambda low: {"type": "number", "exclusiveMinimum": low}, st.integers(-9, 9)),
    st.builds(
        lambda step, low: {"type": "integer", "multipleOf": step, "minimum": low},
        st.integers(1, 9),
        st.integers(-9, 9),
    ),
    st.builds(lambda values: {"enum": values}, st.lists(st.integers() | st.text(), min_size=1)),
    st.sampled_from([{"type": ["string", "null"]}, {"type": "string", "format": "date"}, {"const": 4}]),
)


def objects(parts: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    names = st.dictionaries(st.text(min_size=1, max_size=5), parts, max_size=4)
    return names.map(
        lambda known: {
            "type": "object",
            "properties": known,
            "required": [*known],
            "additionalProperties": False,
        }
    )


SCHEMAS = st.recursive(
    SCALARS,
    lambda parts: st.one_of(
        objects(parts),
        st.builds(
            lambda items, least: {"type": "array", "items": items, "minItems": least},
            parts,
            st.integers(0, 3),
        ),
        st.builds(lambda some: {"anyOf": some}, st.lists(parts, min_size=1, max_size=3)),
        st.builds(
            lambda one, other: {"allOf": [one, other]},
            objects(parts).map(lambda o: o | {"additionalProperties": True}),
            st.just({"type": "object"}),
        ),
    ),
    max_leaves=8,
)


@given(SCHEMAS)
def test_an_instance_fits_its_schema(schema: dict[str, Any]):
    Draft202012Validator(schema).validate(instance(schema))


def test_references_are_followed_and_recursion_ends():
    tree = {
        "$ref": "#/$defs/node",
        "$defs": {
            "node": {
                "type": "object",
                "required": ["name", "left"],
                "properties": {
                    "name": {"type": "string"},
                    "left": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
                },
            }
        },
    }
    assert instance(tree) == {"name": "simulated", "left": None}


def test_a_schema_that_leads_in_a_circle_ends_too():
    assert instance({"$ref": "#"}) == {}


@pytest.mark.parametrize("schema", [True, {}, {"properties": {}}, {"$ref": "#/nowhere"}])
def test_a_schema_that_says_nothing_is_fitted_by_little(schema: Any):
    assert instance(schema) in (None, {})


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "integer", "exclusiveMinimum": 4, "multipleOf": 2},
        {"type": "integer", "exclusiveMaximum": -4},
        {"type": "integer", "minimum": 3, "exclusiveMaximum": 4},
        {"type": "number", "maximum": 0.5},
        {"type": "number", "exclusiveMinimum": 1, "exclusiveMaximum": 1.5},
        {"type": "number", "multipleOf": 0.5, "minimum": 2.2},
    ],
)
def test_numbers_keep_off_excluded_ends(schema: dict[str, Any]):
    Draft202012Validator(schema).validate(instance(schema))
