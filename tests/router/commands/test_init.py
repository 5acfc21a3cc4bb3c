import json
import threading
from dataclasses import replace
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from click.testing import CliRunner

from router.catalog import Knowledge
from router.catalog.providers import Providers
from router.commands.discovered import discovered_config
from router.commands.init import command
from router.config import parse

OLLAMA = {
    "/v1/models": {
        "data": [{"id": name, "owned_by": "library"} for name in ("qwen3:8b", "nomic-embed-text")]
    },
    "/api/show": {"capabilities": ["completion", "tools"]},
}
OPENROUTER = {
    "/v1/models": {
        "data": [
            {"id": name, "pricing": {"prompt": prompt, "completion": completion}, "context_length": 131072}
            for name, prompt, completion in (
                ("meta-llama/llama-3.1-8b-instruct", "0.00000002", "0.00000003"),
                ("openai/gpt-oss-120b", "0.00000004", "0.00000019"),
                ("openrouter/auto", "-1", "-1"),
            )
        ]
    }
}
KEY = "sk-or-never-to-be-written"


@pytest.fixture
def serve():
    """Serve JSON by path from a thread, as the command runs a loop of its own; returns the base URL."""
    servers = []

    def start(answers):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                answer = answers.get(self.path, 404)
                body = json.dumps(answer).encode()
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response(answer if isinstance(answer, int) else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815 - the base class looks for this name

            def log_message(self, *args):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/v1"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def knowledge():
    """What is known, with engines and OpenRouter at other addresses than usual."""

    def make(**places):
        loaded = Knowledge.load()
        rows = [replace(row, base_url=places[row.id]) for row in loaded.providers if row.id in places]
        return replace(loaded, providers=Providers(rows))

    return make


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPENROUTER_API_KEY", raising=False)

    def invoke(known, *arguments, **more):
        return CliRunner().invoke(command, [*arguments], obj=known, **more)

    return invoke


def test_all_that_is_found_is_written_without_a_question(run, serve, knowledge, tmp_path):
    known = knowledge(ollama=serve(OLLAMA), openrouter=serve(OPENROUTER))
    done = run(known, "--yes", env={"OPENROUTER_API_KEY": KEY})
    assert done.exit_code == 0, done.output
    text = (tmp_path / "farthing.yaml").read_text()
    config = parse(text, environ={"OPENROUTER_API_KEY": KEY})
    assert [row.name for row in config.models] == ["qwen3-8b", "llama-3.1-8b", "gpt-oss-120b"]
    assert [row.prices.input for row in config.catalogue()[1:]] == [20_000, 40_000]
    assert "OpenRouter's own list" in text
    assert KEY not in text + done.output


def test_each_find_can_be_declined(run, serve, knowledge, tmp_path):
    known = knowledge(ollama=serve(OLLAMA), openrouter=serve(OPENROUTER))
    done = run(known, input="n\ny\n", env={"OPENROUTER_API_KEY": KEY})
    assert done.exit_code == 0, done.output
    config = parse((tmp_path / "farthing.yaml").read_text(), environ={"OPENROUTER_API_KEY": KEY})
    assert list(config.upstreams) == ["openrouter"]


def test_ones_own_machine_can_be_said_to_be_free(run, serve, knowledge, tmp_path):
    done = run(knowledge(ollama=serve(OLLAMA)), input="y\nzero\n")
    assert done.exit_code == 0, done.output
    [model] = parse((tmp_path / "farthing.yaml").read_text(), environ={}).catalogue()
    assert (model.prices.input, model.prices.output) == (0, 0)


def test_with_nothing_found_it_says_what_to_do_and_writes_nothing(run, serve, knowledge, tmp_path):
    done = run(knowledge(ollama=serve({}), openrouter="http://127.0.0.1:9/v1"), "--yes")
    assert done.exit_code == 1
    assert "ollama pull" in done.output
    assert "OPENROUTER_API_KEY" in done.output
    assert "farthing demo" in done.output
    assert not (tmp_path / "farthing.yaml").exists()


def test_a_provider_that_refuses_the_key_is_left_out_and_said_to(run, serve, knowledge):
    known = knowledge(ollama=serve(OLLAMA), openrouter=serve({"/v1/models": 401}))
    done = run(known, "--yes", env={"OPENROUTER_API_KEY": KEY})
    assert done.exit_code == 0, done.output
    assert "refused the key" in " ".join(done.output.split())
    assert KEY not in done.output


def test_a_file_that_appears_meanwhile_is_not_written_over(run, serve, knowledge, tmp_path, monkeypatch):
    monkeypatch.setattr("pathlib.Path.exists", lambda self: False)
    (tmp_path / "farthing.yaml").write_text("mine")
    assert run(knowledge(ollama=serve(OLLAMA)), "--yes").exit_code == 1
    assert (tmp_path / "farthing.yaml").read_text() == "mine"


def test_a_file_that_is_there_is_not_written_over_unless_told_to(run, serve, knowledge, tmp_path):
    known, file = knowledge(ollama=serve(OLLAMA)), tmp_path / "farthing.yaml"
    file.write_text("mine")
    done = run(known, "--yes")
    assert (done.exit_code, file.read_text()) == (1, "mine")
    assert "--force" in done.output
    assert run(known, "--yes", "--force").exit_code == 0
    assert "qwen3-8b" in file.read_text()


def test_another_place_can_be_named(run, serve, knowledge, tmp_path):
    known = knowledge(ollama=serve(OLLAMA))
    assert run(known, "--yes", "--output", "other.yaml").exit_code == 0
    assert (tmp_path / "other.yaml").exists()
    assert run(known, "--yes", "--output", "no/such/folder.yaml").exit_code == 1


def test_an_engine_on_another_machine_can_be_named(run, serve, knowledge, tmp_path):
    there = serve(
        {"/v1/models": {"data": [{"id": "Qwen/Qwen3-8B", "owned_by": "vllm", "max_model_len": 8192}]}}
    )
    done = run(
        knowledge(vllm="http://127.0.0.1:9/v1"),
        "--yes",
        "--engine",
        there,
        "--engine",
        "http://127.0.0.1:9/x",
    )
    assert done.exit_code == 0, done.output
    config = parse((tmp_path / "farthing.yaml").read_text(), environ={})
    assert config.upstreams["vllm"].base_url == there
    assert config.models[0].context_window == 8192
    assert "No list of models came from http://127.0.0.1:9/x" in done.output


def test_a_server_without_a_file_gets_what_would_have_been_written(serve, knowledge):
    today = date(2026, 11, 23)
    text = discovered_config({}, knowledge(ollama=serve(OLLAMA)), today=today)
    assert [row.name for row in parse(text, environ={}).models] == ["qwen3-8b"]
    assert discovered_config({}, knowledge(ollama="http://127.0.0.1:9/v1"), today=today) is None
