import json
import subprocess
import sys
from datetime import date

import pytest

from router.catalog.pricemap import PriceMap
from router.types import Capability, Endpoint, Prices


def price_map(tmp_path, **entries):
    file = tmp_path / "prices.json"
    file.write_text(
        json.dumps({name.replace("__", "/"): {"mode": "chat", **row} for name, row in entries.items()})
    )
    return PriceMap.load(file)


def row(**more):
    return {"litellm_provider": "acme", "input_cost_per_token": 1e-7, "output_cost_per_token": 2e-7, **more}


def test_a_model_is_found_at_its_provider_whatever_the_case_of_its_name(tmp_path):
    found = price_map(tmp_path, acme__Big=row(max_input_tokens=8192, max_output_tokens=1024)).find(
        "acme", "big"
    )
    assert (found.prices.input, found.prices.output) == (100_000, 200_000)
    assert (found.context_window, found.max_output) == (8192, 1024)
    assert found.prices.source == found.source
    assert found.source.startswith("litellm 1.")


def test_a_model_is_not_found_elsewhere(tmp_path):
    known = price_map(tmp_path, acme__big=row())
    assert known.find("other", "big") is None
    assert known.find(None, "big") is None
    assert known.find("acme", "small") is None


def test_a_model_without_its_provider_in_its_key_is_found_too(tmp_path):
    known = price_map(tmp_path, big=row(), acme__big=row(input_cost_per_token=5e-7))
    assert known.find("acme", "big").prices.input == 500_000


def test_a_price_of_zero_is_no_price(tmp_path):
    found = price_map(tmp_path, acme__gift=row(input_cost_per_token=0, output_cost_per_token=0.0))
    assert found.find("acme", "gift").prices is None
    assert "zero" in found.find("acme", "gift").unpriced


@pytest.mark.parametrize("price", [None, "much", -1e-7])
def test_half_a_price_is_no_price(tmp_path, price):
    found = price_map(tmp_path, acme__odd=row(output_cost_per_token=price)).find("acme", "odd")
    assert found.prices is None
    assert found.unpriced


def test_cached_input_listed_at_zero_costs_what_input_does(tmp_path):
    found = price_map(
        tmp_path, acme__big=row(cache_read_input_token_cost=1e-8, cache_creation_input_token_cost=0)
    ).find("acme", "big")
    assert (found.prices.cached_input, found.prices.cache_write) == (10_000, None)


def test_capabilities_are_what_is_stated_and_unknown_where_nothing_is(tmp_path):
    known = price_map(
        tmp_path,
        acme__able=row(supports_function_calling=True, supports_response_schema=True, supports_vision=False),
        acme__silent=row(),
    )
    able = {Capability.TOOLS, Capability.JSON_SCHEMA, Capability.JSON_OBJECT}
    assert known.find("acme", "able").capabilities == able
    assert known.find("acme", "silent").capabilities is None


def test_an_answer_as_long_as_the_window_is_no_known_limit(tmp_path):
    found = price_map(tmp_path, acme__big=row(max_input_tokens=8192, max_output_tokens=8192)).find(
        "acme", "big"
    )
    assert found.max_output is None


def test_the_day_of_retirement_is_read(tmp_path):
    found = price_map(
        tmp_path, acme__old=row(deprecation_date="2026-12-01"), acme__odd=row(deprecation_date="?")
    )
    assert found.find("acme", "old").retires == date(2026, 12, 1)
    assert found.find("acme", "odd").retires is None


def test_what_is_no_model_of_text_is_left_out(tmp_path):
    assert not price_map(tmp_path, acme__paint=row(mode="image_generation")).entries


def test_a_list_says_what_a_model_may_be_asked_for_and_offers_those_that_chat(tmp_path):
    listed = price_map(
        tmp_path, acme__big=row(), acme__text=row(mode="completion"), acme__vectors=row(mode="embedding")
    )
    assert listed.find("acme", "text").serves == {Endpoint.COMPLETIONS}
    assert listed.find("acme", "vectors").serves == {Endpoint.EMBEDDINGS}
    assert [name for name, _ in listed.of_provider("acme")] == ["big"]


def test_vectors_cost_their_input_alone(tmp_path):
    written = {"litellm_provider": "acme", "mode": "embedding", "input_cost_per_token": 2e-8}
    prices = price_map(tmp_path, acme__vectors=written).find("acme", "vectors").prices
    assert (prices.input, prices.output) == (20_000, 0)


@pytest.mark.parametrize("text", ["", "[", "\udcff"])
def test_a_list_that_cannot_be_read_means_that_nothing_is_known(tmp_path, caplog, text):
    file = tmp_path / "prices.json"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    assert PriceMap.load(file).find("acme", "big") is None
    assert "unpriced" in caplog.text


def test_without_litellm_nothing_is_known(monkeypatch, caplog):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert PriceMap.load().entries == {}
    assert "not installed" in caplog.text


def test_the_installed_list_is_read_without_importing_litellm():
    script = (
        "import sys\n"
        "from router.catalog.pricemap import PriceMap\n"
        "known = PriceMap.load()\n"
        "assert len(known.entries) > 1000\n"
        "assert 'litellm' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_entry_of_the_installed_list_can_be_read():
    known = PriceMap.load()
    for provider, name in known.entries:
        found = known.find(provider, name)
        assert (found.prices is None) is (found.unpriced is not None)
        assert found.prices is None or isinstance(found.prices, Prices)


def test_a_provider_lists_its_models_by_the_names_it_takes(tmp_path):
    known = price_map(tmp_path, acme__Big=row(), other__small=row(litellm_provider="other"))
    assert [name for name, _ in known.of_provider("acme")] == ["Big"]
