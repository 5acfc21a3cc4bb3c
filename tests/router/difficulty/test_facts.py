"""What is known of a model is read off its row and, failing that, its names."""

import pytest

from router.difficulty.facts import Facts, columns, facts_of, thinks, year_of
from router.types import Model, Prices


def model(name: str, **facts) -> Model:
    return Model(name="alias", upstream="local", upstream_name=name, **facts)


def test_sizes_come_from_the_row_first_and_from_names_else() -> None:
    assert facts_of(model("qwen3-30b-a3b")).active_params_b == 3.0
    assert facts_of(model("qwen3-30b-a3b", params_b=8.0)).params_b == 8.0
    assert facts_of(model("unknown")).params_b is None


def test_a_price_of_nothing_is_no_price() -> None:
    assert facts_of(model("m", prices=Prices(input=0, output=0))).price is None
    assert facts_of(model("m", prices=Prices(input=0, output=2_000_000))).price == 2.0


@pytest.mark.parametrize(
    ("names", "year"), [(("gemma-2-9b-it",), 2024.5), (("x", "llama3.1:8b"), 2024.6), (("mystery",), None)]
)
def test_the_family_tells_the_year(names: tuple[str, ...], year: float | None) -> None:
    assert year_of(None, *names) == year
    assert year_of("qwen3", *names) == 2025.3


def test_names_tell_of_thinking() -> None:
    assert thinks("qwen3-30b-a3b-Thinking")
    assert not thinks("qwen3-30b-a3b")


@pytest.mark.parametrize("pattern", range(4))
def test_a_pattern_of_facts_always_has_as_many_numbers(pattern: int) -> None:
    facts = Facts(params_b=7.0, price=0.5)
    assert facts.pattern == 3
    assert len(facts.numbers(pattern)) == columns(pattern)
