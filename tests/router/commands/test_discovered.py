from dataclasses import replace
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from router.catalog import Knowledge
from router.catalog.discovery import Found, FoundModel
from router.catalog.pricemap import Known
from router.catalog.providers import Providers
from router.commands.discovered import write_config
from router.commands.discovering import Hosted, Local, usable
from router.commands.ladder import Step
from router.config import parse
from router.types import Capability, Prices

TODAY = date(2026, 11, 23)
PROVIDERS = Providers.load()
FACTS = Knowledge.load().facts
RENT = Prices(input=35_000, output=138_000, source="litellm 1.2.3")


def local(*names, engine="ollama", rented=()):
    row = PROVIDERS.get(engine)
    models = tuple(FoundModel(upstream_name=name, context_window=4096) for name in names)
    found = Found(base_url="http://127.0.0.1:11434/v1", provider=row, models=models)
    return Local(found=found, rented=dict.fromkeys(rented, ("Novita AI", RENT)))


def hosted(*names, provider="groq", price=RENT, note=None):
    known = Known(
        source="a list",
        prices=price,
        unpriced=None if price else "nobody says",
        context_window=131072,
        max_output=4096,
    )
    steps = tuple(Step(upstream_name=name, facts=FACTS.find(name), known=known) for name in names)
    return Hosted(provider=PROVIDERS.get(provider), steps=steps, note=note)


def read(text, **environ):
    return parse(text, environ={"GROQ_API_KEY": "k" * 20, **environ})


def test_what_is_written_can_be_loaded_and_says_what_was_found():
    config = read(
        write_config([local("qwen3:8b", rented=["qwen3:8b"])], [hosted("openai/gpt-oss-120b")], today=TODAY)
    )
    own, rented = config.catalogue()
    assert (own.name, own.upstream_name, own.provider) == ("qwen3-8b", "qwen3:8b", "ollama")
    assert (own.prices.input, own.prices.output, own.context_window) == (35_000, 138_000, 4096)
    assert (rented.name, rented.provider, rented.prices.output) == ("gpt-oss-120b", "groq", 138_000)
    assert config.upstreams["groq"].api_key.get_secret_value() == "k" * 20


def test_a_key_is_written_as_the_name_of_its_variable():
    assert 'api_key: "${GROQ_API_KEY}"' in write_config([], [hosted("openai/gpt-oss-20b")], today=TODAY)


def test_every_price_says_where_it_is_from_and_of_when():
    text = write_config([local("qwen3:8b", rented=["qwen3:8b"])], [hosted("openai/gpt-oss-20b")], today=TODAY)
    prices = [line for line in text.splitlines() if line.strip().startswith("price:")]
    assert len(prices) == 2
    assert all("litellm 1.2.3" in line and line.endswith("2026-11-23") for line in prices)
    assert "Novita AI" in prices[0]


def test_a_local_model_nobody_rents_out_stays_unpriced_and_may_serve():
    config = read(write_config([local("my-own-tune")], [], today=TODAY))
    assert config.catalogue()[0].prices is None
    assert config.policies["default"].on_unpriced == "allow"


def test_with_every_price_known_unpriced_models_are_refused():
    config = read(write_config([local("qwen3:8b", rented=["qwen3:8b"])], [], today=TODAY))
    assert config.policies["default"].on_unpriced == "refuse"


def test_a_machine_said_to_be_free_has_prices_of_zero():
    config = read(write_config([local("qwen3:8b", rented=["qwen3:8b"])], [], today=TODAY, free=True))
    assert config.catalogue()[0].prices == Prices(input=0, output=0)


def test_an_unpriced_hosted_model_is_commented_out_with_the_reason():
    text = write_config(
        [local("x")],
        [hosted("openai/gpt-oss-20b", price=None), hosted("openai/gpt-oss-20b", provider="cerebras")],
        today=TODAY,
    )
    config = read(text, CEREBRAS_API_KEY="c")
    assert [row.name for row in config.models] == ["x", "gpt-oss-20b"]
    assert '  # - name: "gpt-oss-20b-groq"' in text
    assert "nobody says" in text
    uncommented = text.replace("  # - ", "  - ").replace("  #   ", "    ").replace("?", "1")
    assert len(read(uncommented, CEREBRAS_API_KEY="c").models) == 3


def test_one_model_at_two_providers_has_two_names():
    text = write_config(
        [], [hosted("openai/gpt-oss-20b"), hosted("openai/gpt-oss-20b", provider="cerebras")], today=TODAY
    )
    config = read(text, CEREBRAS_API_KEY="c")
    assert [row.name for row in config.models] == ["gpt-oss-20b", "gpt-oss-20b-cerebras"]


def test_two_engines_of_one_kind_have_two_names():
    other = local("b", engine="vllm")
    text = write_config([local("a", engine="vllm"), other], [], today=TODAY)
    assert list(read(text).upstreams) == ["vllm", "vllm-2"]


def test_an_engine_nobody_knows_has_no_provider():
    unknown = Local(found=replace(local("a").found, provider=None))
    config = read(write_config([unknown], [], today=TODAY))
    assert config.upstreams["local"].provider is None


def test_prices_of_every_kind_are_written():
    every = Prices(input=1, output=2, cached_input=3, cache_write=4, request=5)
    config = read(write_config([], [hosted("openai/gpt-oss-20b", price=every)], today=TODAY))
    assert replace(config.catalogue()[0].prices, source=every.source) == every


def test_a_model_without_a_known_window_is_written_without_one():
    found = local("a").found
    bare = Local(found=replace(found, models=(FoundModel(upstream_name="a"),)))
    assert read(write_config([bare], [], today=TODAY)).models[0].context_window is None


def test_what_cannot_be_used_is_mentioned_and_nothing_else():
    text = write_config(
        [local(), local("x", engine="vllm")], [hosted(note="Groq refused the key.")], today=TODAY
    )
    assert "has no models yet" in text
    assert "Groq refused the key." in text
    assert list(read(text).upstreams) == ["vllm"]


def test_capabilities_are_written_where_they_were_told():
    found = local("a").found
    able = replace(found.models[0], capabilities=frozenset({Capability.TOOLS, Capability.VISION}))
    config = read(write_config([Local(found=replace(found, models=(able,)))], [], today=TODAY))
    assert config.catalogue()[0].capabilities == {Capability.TOOLS, Capability.VISION}


def test_only_what_has_a_model_to_route_to_is_usable():
    assert not usable([], [])
    assert not usable([local()], [hosted(), hosted("openai/gpt-oss-20b", price=None)])
    assert usable([local("a")], [])
    assert usable([], [hosted("openai/gpt-oss-20b")])


name = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_./:@+-]{0,40}", fullmatch=True)


@settings(max_examples=30)
@given(st.lists(name, min_size=1, max_size=8), st.lists(name, max_size=4))
def test_whatever_models_are_called_the_file_can_be_loaded(first, second):
    config = read(write_config([local(*first), local(*second, engine="vllm")], [], today=TODAY))
    assert [row.upstream_name for row in config.models] == [*dict.fromkeys(first), *dict.fromkeys(second)]
