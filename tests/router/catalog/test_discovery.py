import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import replace

import aiohttp
import pytest
from aiohttp import web

from router.catalog.discovery import FoundModel, hosted_providers, local_engines
from router.catalog.providers import Providers
from router.types import Capability

ROWS = Providers.load().engines


def row(engine, server):
    return replace(next(one for one in ROWS if one.id == engine), base_url=str(server.make_url("/v1")))


async def look(*rows, within=5.0):
    async with aiohttp.ClientSession() as session:
        return await local_engines(session, rows, within=within)


@pytest.fixture
def engine(aiohttp_server):
    """Serve JSON answers by path; a path that ends in `:name` answers a POST for that model."""

    async def start(**answers):
        async def answer(request):
            wanted = request.path.strip("/").replace("/", "_")
            if request.method == "POST":
                wanted += ":" + (await request.json())["model"]
            return web.json_response(answers[wanted]) if wanted in answers else web.Response(status=404)

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", answer)
        return await aiohttp_server(app)

    return start


def models(*names, owner, **more):
    return {
        "object": "list",
        "data": [{"id": name, "object": "model", "owned_by": owner, **more} for name in names],
    }


async def test_ollama_is_found_with_what_each_model_can_and_may_read(engine):
    server = await engine(
        v1_models=models(
            "qwen3:8b", "llama3.2:3b", "nomic-embed-text", "vectors", "glm-5:cloud", owner="library"
        ),
        api_ps={"models": [{"model": "qwen3:8b", "context_length": 16384}]},
        **{
            "api_show:qwen3:8b": {"capabilities": ["completion", "tools", "thinking"]},
            "api_show:llama3.2:3b": {
                "capabilities": ["completion"],
                "parameters": "stop x\nnum_ctx    2048\n",
            },
            "api_show:vectors": {"capabilities": ["embedding"]},
        },
    )
    [found] = await look(row("ollama", server))
    json_ones = {Capability.JSON_OBJECT, Capability.JSON_SCHEMA}
    assert found.provider.id == "ollama"
    assert found.models == (
        FoundModel(
            upstream_name="qwen3:8b", context_window=16384, capabilities=json_ones | {Capability.TOOLS}
        ),
        FoundModel(upstream_name="llama3.2:3b", context_window=2048, capabilities=json_ones),
    )


async def test_an_ollama_that_tells_nothing_is_taken_to_read_no_more_than_it_does_by_default(engine):
    server = await engine(
        v1_models=models("qwen3:8b", owner="library"), api_ps=[1], **{"api_show:qwen3:8b": None}
    )
    [found] = await look(row("ollama", server))
    assert found.models == (FoundModel(upstream_name="qwen3:8b", context_window=4096),)


async def test_an_ollama_without_models_is_found_all_the_same(engine):
    server = await engine(v1_models={"object": "list", "data": None})
    [found] = await look(row("ollama", server))
    assert (found.name, found.models) == ("Ollama", ())


@pytest.mark.parametrize(
    ("owner", "id_", "more"),
    [
        ("vllm", "vllm", {"max_model_len": 4096}),
        ("sglang", "sglang", {"max_model_len": 4096}),
        ("llamacpp", "llamacpp", {"meta": {"n_ctx": 4096}}),
        ("organization_owner", "lmstudio", {}),
    ],
)
async def test_an_engine_is_known_by_its_mark_whatever_port_it_is_on(engine, owner, id_, more):
    server = await engine(v1_models=models("Qwen/Qwen3-8B", owner=owner, **more))
    [found] = await look(
        row("vllm", server), *(replace(one, base_url="http://127.0.0.1:9/v1") for one in ROWS)
    )
    assert found.provider.id == id_
    assert found.models == (FoundModel(upstream_name="Qwen/Qwen3-8B", context_window=4096 if more else None),)


async def test_an_unknown_server_on_a_port_many_use_is_found_without_a_name(engine):
    server = await engine(v1_models=models("some-model", owner="me"))
    [found] = await look(row("vllm", server))
    assert found.provider is None
    assert found.name == "An OpenAI-compatible server"


async def test_another_farthing_is_not_routed_to(engine):
    server = await engine(v1_models=models("auto", owner="farthing", farthing={}))
    assert await look(row("vllm", server)) == []


@pytest.mark.parametrize(
    "name",
    [
        "BAAI/bge-m3",
        "Qwen3-Embedding-8B",
        "jina-reranker-v2",
        "whisper-large-v3",
        "llama-guard-3",
        "kokoro-tts",
    ],
)
async def test_a_model_that_does_not_chat_is_left_out(engine, name):
    server = await engine(v1_models=models(name, "qwen3-8b", owner="vllm"))
    [found] = await look(row("vllm", server))
    assert [one.upstream_name for one in found.models] == ["qwen3-8b"]


@pytest.mark.parametrize(
    "name", ["${OPENAI_API_KEY}", "a\nb", "a b", "", "x" * 300, "-flag", 7, None, "a#b", 'a"b']
)
async def test_a_name_no_model_has_is_left_out(engine, name):
    server = await engine(v1_models=models(name, "qwen3-8b", owner="vllm"))
    [found] = await look(row("vllm", server))
    assert [one.upstream_name for one in found.models] == ["qwen3-8b"]


def response(body, status="200 OK", *headers):
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


JUNK = {
    "nothing": b"",
    "no http": b"\x00\x01SSH-2.0-OpenSSH\r\n",
    "html": response(b"<html>hello</html>"),
    "a number": response(b"7"),
    "a list of numbers": response(b'{"data": 7}'),
    "another object": response(b'{"models": []}'),
    "text that is no utf-8": response(b'{"data": ["\xff"]}'),
    "deep": response(b"[" * 100_000),
    "a redirect": response(b"", "302 Found", "Location: http://127.0.0.1:9/v1/models"),
    "a closed door": response(b"{}", "401 Unauthorized"),
    "an error": response(json.dumps(models("m", owner="vllm")).encode(), "500 Internal Server Error"),
    "cut off": response(b'{"data": []}')[:-4],
    "endless": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n100000\r\n" + b"x" * 2**20 + b"\r\n",
}


@asynccontextmanager
async def listening(answer, *, again=1):
    async def handle(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        for _ in range(again - 1):
            writer.write(answer.partition(b"\r\n\r\n")[2])
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield replace(ROWS[0], base_url=f"http://127.0.0.1:{port}/v1")


@pytest.mark.parametrize("kind", JUNK)
async def test_whatever_else_listens_there_is_no_engine(kind):
    async with listening(JUNK[kind], again=12 if kind == "endless" else 1) as junk:
        assert await look(junk) == []


async def test_a_server_that_never_answers_is_not_waited_for():
    done = asyncio.Event()

    async def hang(reader, writer):
        await done.wait()
        writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        rows = [replace(one, base_url=f"http://127.0.0.1:{port}/v1") for one in ROWS]
        async with asyncio.timeout(5):
            assert await look(*rows, within=0.05) == []
        done.set()


async def test_where_nothing_listens_nothing_is_found():
    assert await look(replace(ROWS[0], base_url="http://127.0.0.1:9/v1")) == []


def test_a_provider_is_there_if_its_key_is_set_and_not_empty():
    hosted = Providers.load().hosted
    environ = {"GROQ_API_KEY": "gsk", "NEARAI_API_KEY": " ", "UNRELATED": "x"}
    assert [one.id for one in hosted_providers(environ, hosted)] == ["groq"]
