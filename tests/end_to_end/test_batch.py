"""Batches on the real server: openai-python, the command line, and kill -9."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from openai import OpenAI

from router.ledger.store import Ledger, reading
from tests.support.fake_upstream import FakeUpstream
from tests.support.server import REPOSITORY, running, words_of

pytestmark = pytest.mark.e2e

UNFINISHED = {"queued", "in_progress"}

CONFIG = """
upstreams:
  sim: {kind: simulated, first_token_ms: 10, tokens_per_second: 4000}
models:
  - name: small
    upstream: sim
    price: {input: 0.02, output: 0.08}
    context_window: 32768
    simulated: {ability: -1, empty_rate: 0.3}
  - name: large
    upstream: sim
    price: {input: 0.5, output: 1.5}
    context_window: 32768
    simulated: {ability: 2}
"""


BROKEN = """
  broken:
    kind: openai
    base_url: "http://127.0.0.1:9/v1"
    provider: vllm
    pool: {serve: {model: nothing, executable: /bin/false}}
models:
  - name: away
    upstream: broken
    price: {input: 0.01, output: 0.02}
    context_window: 32768
"""


def lines(count: int) -> list[str]:
    return [
        json.dumps(
            {
                "custom_id": f"q{n}",
                "method": "POST",
                "url": "/v1/chat/completions",
                "body": {"model": "auto", "messages": [{"role": "user", "content": f"What is {n} + {n}?"}]},
            }
        )
        for n in range(count)
    ]


def farthing(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "router", *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def ended(url: str, batch_id: str) -> dict:
    shown = farthing("batch", "status", batch_id, "--watch", "--json", "--url", url)
    assert shown.returncode == 0, shown.stderr
    return json.loads(shown.stdout)


def test_an_engine_that_cannot_start_holds_up_no_lines_of_other_models(tmp_path):
    config = CONFIG.replace("\nmodels:\n", BROKEN, 1)
    body = {"messages": [{"role": "user", "content": "What is 2 + 2?"}]}
    rows = [
        json.dumps(
            {"custom_id": f"q{n}", "method": "POST", "url": "/v1/chat/completions", "body": body | one}
        )
        for n, one in enumerate([{"model": "away"}] * 300 + [{"model": "large"}] * 40)
    ]
    with running(config, tmp_path) as server:
        client = OpenAI(base_url=server.url, api_key="unused")
        file = client.files.create(file=("in.jsonl", "\n".join(rows).encode()), purpose="batch")
        batch = client.batches.create(
            input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
        )
        end = time.monotonic() + 120
        while client.batches.retrieve(batch.id).request_counts.completed < 40:
            assert time.monotonic() < end, "the lines of the other model wait for the engine"
            time.sleep(0.2)
        client.batches.cancel(batch.id)

        assert ended(server.url, batch.id)["request_counts"] == {"completed": 40, "failed": 300, "total": 340}


def test_openai_python_submits_a_file_and_reads_what_came_of_each_line(tmp_path):
    rows = lines(60)
    rows[3] = "{broken"
    with running(CONFIG, tmp_path) as server:
        client = OpenAI(base_url=server.url, api_key="unused")
        file = client.files.create(file=("in.jsonl", "\n".join(rows).encode()), purpose="batch")
        batch = client.batches.create(
            input_file_id=file.id,
            endpoint="/v1/chat/completions",
            completion_window="24h",
            metadata={"team": "night"},
        )
        ended(server.url, batch.id)
        batch = client.batches.retrieve(batch.id)
        output = client.files.content(batch.output_file_id).text.splitlines()
        errors = client.files.content(batch.error_file_id).text.splitlines()

    answers = [json.loads(line) for line in output]
    assert batch.status == "completed"
    assert [answer["custom_id"] for answer in answers] == [f"q{n}" for n in range(60) if n != 3]
    assert all(answer["response"]["body"]["choices"][0]["message"]["content"] for answer in answers)
    assert json.loads(errors[0])["error"]["line"] == 4
    climbed = [a for a in answers if a["response"]["body"]["farthing"]["reason"].startswith("escalated")]
    assert climbed, "small fails three answers in ten, and their lines climb"


def test_the_command_line_submits_follows_and_writes_results(tmp_path):
    file, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    file.write_text("\n".join(lines(20)))
    with running(CONFIG, tmp_path) as server:
        submitted = farthing("batch", "submit", str(file), "--watch", "--url", server.url)
        batch_id = submitted.stdout.strip()
        farthing("batch", "results", batch_id, "--out", str(out), "--url", server.url)
        failed = farthing("batch", "results", batch_id, "--errors", "--url", server.url)
        unknown = farthing("batch", "cancel", "batch_none", "--url", server.url)
        report = farthing("batch", "report", batch_id, "--data", str(server.data), "--format", "json")

    assert len(out.read_text().splitlines()) == 20
    assert (failed.returncode, "no lines that failed" in failed.stderr) == (2, True)
    told = json.loads(report.stdout)
    answered = sum(row["answered"] for row in told["models"]["rows"])
    spent = sum(Decimal(row["spend_usd"]) for row in told["models"]["rows"])
    (standing,) = told["standing"]["rows"]
    assert (answered, spent) == (20, Decimal(standing["spend_usd"]))
    assert (unknown.returncode, "There is no batch" in unknown.stderr) == (2, True)
    silent = farthing("batch", "status", "--url", "http://127.0.0.1:9/v1")
    assert "No server answers" in silent.stderr


def test_whatever_is_wrong_with_a_command_is_said_in_a_sentence(tmp_path):
    good, broken = tmp_path / "in.jsonl", tmp_path / "broken.jsonl"
    good.write_text(lines(1)[0])
    broken.write_text("{")
    with running(CONFIG, tmp_path) as server:
        at = ("--url", server.url)
        failed = farthing("batch", "submit", str(broken), "--watch", *at)
        batch_id = failed.stdout.strip()
        for arguments, said in (
            (("submit", str(tmp_path / "none.jsonl"), *at), "does not exist"),
            (("submit", str(good), "--window", "soon", *at), "completion_window"),
            (("status", "../files", *at), "There is no batch '../files'"),
            (("cancel", batch_id, *at), "cannot be cancelled"),
            (("retry", batch_id, *at), "no lines to try again"),
            (("results", batch_id, *at), "there are no lines that succeeded"),
            (("status", "--url", "nonsense"), "No server answers"),
            (("status", "--url", f"{server.base}/elsewhere"), "There is nothing"),
        ):
            done = farthing("batch", *arguments)
            assert done.returncode == 2, arguments
            assert said in " ".join(done.stderr.split()), (arguments, done.stderr)
            assert "Traceback" not in done.stderr, arguments
    assert "Line 1: This is not valid JSON" in failed.stderr


def runner_of(data: Path) -> int | None:
    """The process that works on batches of this data folder."""
    for folder in Path("/proc").glob("[0-9]*"):
        words = words_of(int(folder.name))
        if b"batching" in words and str(data).encode() in words:
            return int(folder.name)
    return None


def test_a_killed_runner_loses_no_line_and_records_none_twice(tmp_path):
    with running(CONFIG.replace("first_token_ms: 10", "first_token_ms: 150"), tmp_path) as server:
        client = OpenAI(base_url=server.url, api_key="unused")
        file = client.files.create(file=("in.jsonl", "\n".join(lines(400)).encode()), purpose="batch")
        batch = client.batches.create(
            input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
        )
        for killed_at in (40, 120, 200, 280):
            while client.batches.retrieve(batch.id).request_counts.completed < killed_at:
                pass
            runner = runner_of(server.data)
            if runner is not None:
                os.kill(runner, signal.SIGKILL)
        ended(server.url, batch.id)
        batch = client.batches.retrieve(batch.id)
        output = [json.loads(line) for line in client.files.content(batch.output_file_id).text.splitlines()]

    assert batch.request_counts.completed == 400
    assert [line["custom_id"] for line in output] == [f"q{n}" for n in range(400)]
    with reading(Ledger(server.data)) as ledger:
        booked, lost = ledger.execute(
            "SELECT count(DISTINCT request_id) FILTER (status <> 'lost'), count(*) FILTER (status = 'lost') "
            "FROM ledger WHERE batch = ? AND purpose = 'answer'",
            [batch.id],
        ).fetchone()
    answered = {line["response"]["request_id"] for line in output}
    assert booked >= len(answered) == 400
    assert lost > 0, "what was under way when its process died is booked"


def closed_now() -> str:
    """Hours of the day that do not come within the next twelve."""
    later = datetime.now(UTC) + timedelta(hours=12)
    return f"{later:%H:00}-{later:%H:01}"


@pytest.mark.parametrize(("spill", "models"), [("allow", {"paid"}), ("refuse", set())])
async def test_lines_of_a_closed_engine_go_to_a_provider_if_they_may(tmp_path, spill, models):
    file = tmp_path / "in.jsonl"
    file.write_text("\n".join(lines(30)))
    async with FakeUpstream() as engine, FakeUpstream() as provider:
        config = f"""
upstreams:
  gpu: {{kind: openai, base_url: "{engine.url}", provider: own, pool: {{windows: ["{closed_now()}"]}}}}
  shop: {{kind: openai, base_url: "{provider.url}"}}
models:
  - {{name: ours, upstream: gpu, price: {{input: 0.1, output: 0.1}}, context_window: 32768}}
  - {{name: paid, upstream: shop, price: {{input: 1, output: 1}}, context_window: 32768}}
policies:
  default: {{prefer: {{provider: [own]}}, spill: {spill}, checks: [], quality: 0.5}}
"""
        with running(config, tmp_path) as server:
            submit = ("batch", "submit", str(file), "--window", "1h", "--url", server.url)
            batch_id = (await asyncio.to_thread(farthing, *submit)).stdout.strip()
            if spill == "refuse":
                await asyncio.sleep(3)
                await asyncio.to_thread(farthing, "batch", "cancel", batch_id, "--url", server.url)
            batch = await asyncio.to_thread(ended, server.url, batch_id)
            report = ("batch", "report", batch_id, "--data", str(server.data), "--part", "models")
            told = json.loads((await asyncio.to_thread(farthing, *report, "--format", "json")).stdout)

    assert batch["status"] == ("completed" if models else "cancelled")
    assert {row["model"] for row in told["rows"]} == models
    assert sum(row["spilled"] for row in told["rows"]) == (30 if models else 0)
    assert (len(engine.requests), len(provider.requests)) == (0, 30 if models else 0)


OTHERS = """
  - {name: writer, upstream: sim, price: {input: 0.02, output: 0.08}, serves: [completions]}
  - {name: vectors, upstream: sim, price: {input: 0.01, output: 0}, serves: [embeddings]}
"""


@pytest.mark.parametrize(
    ("endpoint", "body", "answered"),
    [
        (
            "/v1/embeddings",
            {"model": "auto", "input": ["a", "b"], "dimensions": 3},
            lambda body: [len(row["embedding"]) for row in body["data"]] == [3, 3],
        ),
        (
            "/v1/completions",
            {"model": "auto", "prompt": "Once", "max_tokens": 5},
            lambda body: body["choices"][0]["text"] == "This is a simulated answer",
        ),
    ],
)
def test_texts_and_vectors_come_in_batches_too(tmp_path, endpoint, body, answered):
    rows = [{"custom_id": f"q{n}", "method": "POST", "url": endpoint, "body": body} for n in range(20)]
    rows[7] = {
        **rows[7],
        "body": {"model": "small", **{name: body[name] for name in body if name != "model"}},
    }
    with running(CONFIG + OTHERS.lstrip("\n"), tmp_path) as server:
        client = OpenAI(base_url=server.url, api_key="unused")
        content = "\n".join(map(json.dumps, rows)).encode()
        file = client.files.create(file=("in.jsonl", content), purpose="batch")
        batch = client.batches.create(input_file_id=file.id, endpoint=endpoint, completion_window="24h")
        ended(server.url, batch.id)
        batch = client.batches.retrieve(batch.id)
        output = [json.loads(line) for line in client.files.content(batch.output_file_id).text.splitlines()]
        errors = [json.loads(line) for line in client.files.content(batch.error_file_id).text.splitlines()]

    assert (batch.status, batch.request_counts.completed, batch.request_counts.failed) == ("completed", 19, 1)
    assert [line["custom_id"] for line in output] == [f"q{n}" for n in range(20) if n != 7]
    assert all(answered(line["response"]["body"]) for line in output)
    assert all(line["response"]["body"]["farthing"]["cost_usd"] for line in output)
    assert [line["response"]["body"]["error"]["code"] for line in errors] == ["no_candidate"]


def asked(url: str, method: str = "GET", body: object = None) -> dict:
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=20) as response:
        return json.loads(response.read())


def test_a_request_in_the_background_outlives_the_server_that_took_it(tmp_path):
    body = {"model": "large", "messages": [{"role": "user", "content": "Hi"}], "background": True}
    slow = CONFIG.replace("first_token_ms: 10", "first_token_ms: 1500")
    with running(slow, tmp_path) as server:
        taken = [asked(f"{server.url}/chat/completions", "POST", body)["id"] for _ in range(3)]
        asked(f"{server.url}/farthing/background/{taken[2]}/cancel", "POST", {})
        server.kill()
    with running(CONFIG, tmp_path) as server:
        told = {}
        for name in taken[:2]:
            while (told := asked(f"{server.url}/farthing/background/{name}"))["status"] in UNFINISHED:
                pass
            assert (told["status"], told["response"]["choices"][0]["finish_reason"]) == ("completed", "stop")
        cancelled = asked(f"{server.url}/farthing/background/{taken[2]}")

    assert cancelled["status"] in {"cancelled", "completed"}
    with reading(Ledger(server.data)) as ledger:
        lanes = ledger.execute("SELECT DISTINCT lane, endpoint FROM ledger").fetchall()
    assert lanes == [("background", "chat")]
