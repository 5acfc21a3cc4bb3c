from router.catalog import Knowledge
from router.catalog.facts import Facts
from router.catalog.pricemap import PriceMap
from router.catalog.providers import Provider, Providers
from router.types import Capability, Model, Prices

FACTS = Facts(
    [
        {
            "id": "qwen3-8b",
            "family": "qwen3",
            "params_b": 8.2,
            "context_window": 40960,
            "capabilities": ["tools"],
        }
    ]
)
ENGINE = Provider(
    id="engine",
    name="Engine",
    base_url="http://127.0.0.1:1/v1",
    local=True,
    can=frozenset({Capability.JSON_SCHEMA, Capability.TOOLS}),
)
CLOUD = Provider(id="cloud", name="Cloud", base_url="https://cloud/v1", local=False, litellm="cloud_ai")
ENTRY = {
    "input_cost_per_token": "1e-7",
    "output_cost_per_token": "2e-7",
    "max_input_tokens": 16384,
    "max_output_tokens": 4096,
    "supports_vision": True,
}
KNOWLEDGE = Knowledge(
    facts=FACTS,
    providers=Providers([ENGINE, CLOUD]),
    prices=PriceMap({("cloud_ai", "qwen3-8b"): ("qwen3-8b", ENTRY)}, "a list"),
)


def model(provider=None, **more):
    return Model(name="mine", upstream="u", upstream_name="qwen3-8b", provider=provider, **more)


def test_a_hosted_model_gets_its_providers_prices_window_and_capabilities():
    found = KNOWLEDGE.complete(model("cloud"))
    assert found.prices == Prices(input=100_000, output=200_000, source="a list")
    assert (found.context_window, found.max_output) == (16384, 4096)
    assert found.capabilities == {Capability.VISION}


def test_what_the_user_wrote_is_never_changed():
    wrote = model(
        "cloud",
        prices=Prices(input=0, output=0),
        context_window=1,
        max_output=2,
        capabilities=frozenset({Capability.AUDIO}),
        family="mine",
        params_b=1.0,
        active_params_b=0.5,
        open_weight=False,
    )
    assert KNOWLEDGE.complete(wrote) == wrote


def test_a_model_on_ones_own_machine_is_never_given_a_price():
    assert KNOWLEDGE.complete(model("engine")).prices is None


def test_a_local_model_can_what_its_weights_can_and_its_engine_lets_pass():
    assert KNOWLEDGE.complete(model("engine")).capabilities == {Capability.TOOLS, Capability.JSON_SCHEMA}


def test_a_local_model_is_not_given_a_window_its_engine_may_not_have():
    assert KNOWLEDGE.complete(model("engine")).context_window is None


def test_a_model_of_no_known_provider_gets_what_is_true_of_its_weights():
    found = KNOWLEDGE.complete(model())
    assert (found.family, found.params_b, found.open_weight) == ("qwen3", 8.2, True)
    assert (found.context_window, found.capabilities) == (40960, {Capability.TOOLS})
    assert found.prices is None


def test_a_model_nobody_knows_stays_unknown():
    unknown = Model(name="x", upstream="u", upstream_name="x", provider="cloud")
    assert KNOWLEDGE.complete(unknown) == unknown


def test_the_name_we_gave_a_model_counts_where_the_upstreams_name_says_nothing():
    found = KNOWLEDGE.complete(Model(name="qwen3-8b", upstream="u", upstream_name="deployment-7"))
    assert found.family == "qwen3"


def test_a_provider_we_have_no_row_of_is_looked_up_as_litellm_calls_it():
    assert KNOWLEDGE.complete(model("cloud_ai")).prices is not None


def test_a_provider_offers_only_names_it_takes():
    cloud = Provider(
        id="cloud",
        name="Cloud",
        base_url="https://cloud/v1",
        local=False,
        litellm="cloud_ai",
        serves=("other",),
    )
    assert list(KNOWLEDGE.offers(CLOUD))
    assert not list(KNOWLEDGE.offers(cloud))


def test_ollamas_zero_prices_are_not_taken_for_free():
    llama = Model(name="llama", upstream="u", upstream_name="llama3.1", provider="ollama")
    found = Knowledge.load().complete(llama)
    assert found.prices is None
    assert found.context_window == 4096
    assert found.capabilities == {Capability.TOOLS, Capability.JSON_OBJECT, Capability.JSON_SCHEMA}
