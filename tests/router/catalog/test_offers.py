from dataclasses import replace

import aiohttp
import pytest
from aiohttp import web

from router.catalog.asking import RefusedError
from router.catalog.offers import offers
from router.catalog.providers import Providers
from router.types import Capability

OPENROUTER = Providers.load().get("openrouter")


@pytest.fixture
def provider(aiohttp_server):
    async def start(answer, *, status=200, row=OPENROUTER):
        async def models(request):
            assert request.headers["Authorization"] == "Bearer secret"
            return web.json_response(answer, status=status)

        app = web.Application()
        app.router.add_get("/v1/models", models)
        return replace(row, base_url=str((await aiohttp_server(app)).make_url("/v1")))

    return start


async def ask(row):
    async with aiohttp.ClientSession() as session:
        return await offers(session, row, "secret")


async def test_prices_limits_and_capabilities_are_read_as_openrouter_writes_them(provider):
    entry = {
        "id": "acme/big",
        "context_length": 65536,
        "pricing": {
            "prompt": "0.00000015",
            "completion": "0.0000006",
            "input_cache_read": "0.0000000375",
            "request": "0",
            "discount": "-0.1",
        },
        "architecture": {"input_modalities": ["text", "image"]},
        "top_provider": {"context_length": 32768, "max_completion_tokens": 4096},
        "supported_parameters": ["tools", "response_format", "temperature"],
    }
    found = (await ask(await provider({"data": [entry]})))["acme/big"]
    assert (found.prices.input, found.prices.output, found.prices.cached_input) == (150_000, 600_000, 37_500)
    assert (found.context_window, found.max_output) == (32768, 4096)
    assert found.capabilities == {Capability.TOOLS, Capability.JSON_OBJECT, Capability.VISION}
    assert found.prices.source == "OpenRouter's own list"


@pytest.mark.parametrize(
    "pricing",
    [
        None,
        "cheap",
        {},
        {"prompt": "0.1"},
        {"prompt": "-1", "completion": "-1"},
        {"prompt": "0", "completion": "0"},
        {"prompt": 0.1, "completion": 0.2},
    ],
)
async def test_what_is_no_price_is_none(provider, pricing):
    found = (await ask(await provider([{"id": "acme/big", "pricing": pricing}])))["acme/big"]
    assert found.prices is None
    assert found.unpriced


async def test_prices_of_a_provider_that_writes_them_otherwise_are_not_read(provider):
    entry = {"id": "big", "pricing": {"prompt": "0.15", "completion": "0.6"}}
    row = await provider({"data": [entry]}, row=Providers.load().get("together"))
    assert (await ask(row))["big"].prices is None


async def test_a_refused_key_is_told_from_a_missing_list(provider):
    with pytest.raises(RefusedError):
        await ask(await provider({}, status=401))
    assert await ask(await provider({}, status=404)) is None
    assert await ask(await provider({"error": "?"})) is None
