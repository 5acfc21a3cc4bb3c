"""Whether a served name is another model."""

import pytest

from router.served import is_substitute
from tests.support.world import model


@pytest.mark.parametrize(
    ("asked", "served", "another"),
    [
        ("qwen3:8b", "qwen3:8b", False),
        ("qwen3:8b", "qwen3:30b", True),
        ("Qwen/Qwen3-8B", "qwen3-8b", False),
        ("qwen3-8b", "Qwen/Qwen3-8B", False),
        ("gpt-4o", "gpt-4o-2024-08-06", False),
        ("deepseek-v3", "deepseek-v3-0324", False),
        ("deepseek-chat", "deepseek-v3.1", True),
        ("llama-3.1-8b", "llama-3.1-70b", True),
        ("llama-3.1-8b", "llama-3.1-8b-fp8", True),
        ("any", None, False),
        ("any", "", False),
    ],
)
def test_names_are_compared_as_upstreams_write_them(asked, served, another):
    assert is_substitute(model("m", upstream_name=asked), served) is another


def test_a_name_the_configuration_knows_is_no_substitute():
    assert not is_substitute(model("m", upstream_name="alias", served_as=("real-name",)), "real-name")
