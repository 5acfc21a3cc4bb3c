"""No text of a prompt or an answer is kept anywhere, whatever goes wrong: not in the ledger, nor the log."""

import json
import urllib.error
import urllib.request

import duckdb
import pytest

from router.ledger import keeping
from router.ledger.kinds import KINDS
from router.ledger.store import Ledger, reading
from tests.support.fake_process import fake_upstream
from tests.support.server import running

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

ASKED, ANSWERED = "canary-asked-7f3a9c", "canary-answered-91b2d4"

FAULTS = ("400", "500", "error-200", "cut-json", "number-content", "stream-malformed", "stream-error", "rst")
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
TOOL = {
    "type": "function",
    "function": {"name": "look", "parameters": {"type": "object", "properties": {"n": {"type": "integer"}}}},
}
ANSWERS = {
    "said": {"text": f"Well, {ANSWERED}."},
    "refused": {"text": f"I'm sorry, but I can't help with {ANSWERED}."},
    "again": {"text": f"{ANSWERED} " * 200},
    "broken": {"text": f'{{"n": "{ANSWERED}"'},
    "misfit": {"text": json.dumps({"n": ANSWERED})},
    "called": {"tool_calls": [["look", json.dumps({"n": ANSWERED})]]},
    "nobody": {"tool_calls": [[ANSWERED, "{}"]]},
}


def configuration(url):
    names = [*(f"fault-{name}" for name in FAULTS), *ANSWERS]
    priced = "upstream: fake, price: {input: 1, output: 2}, context_window: 10000, capabilities: "
    able = "[tools, json_object, json_schema]"
    rows = "\n".join(f'  - {{name: m-{name}, upstream_name: "{name}", {priced}{able}}}' for name in names)
    policies = "\n".join(f"  p-{name}: {{strategy: cascade, models: [m-{name}]}}" for name in names)
    timeouts = "{connect: 1, first_token: 2, idle: 2, total: 4}"
    return (
        f'upstreams:\n  fake: {{kind: openai, base_url: "{url}", timeouts: {timeouts}}}\n'
        f"models:\n{rows}\npolicies:\n  default: {{models: [m-said]}}\n{policies}\n"
    )


def ask(server, model, **more):
    body = {"model": model, "messages": [{"role": "user", "content": f"What of {ASKED}?"}], **more}
    request = urllib.request.Request(
        f"{server.url}/chat/completions", json.dumps(body).encode(), {"content-type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.read().decode()


def script(fake):
    for name, answer in ANSWERS.items():
        order = json.dumps({"model": name, "scripts": [answer]}).encode()
        urllib.request.urlopen(urllib.request.Request(f"{fake.base}/_script", order), timeout=5).close()


def test_no_canary_is_found_in_any_file_any_table_or_the_log(tmp_path):
    form = {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}}
    with fake_upstream() as fake, running(configuration(fake.url), tmp_path) as server:
        script(fake)
        seen = "".join(
            ask(server, model, stream=stream, **more)
            for name in [*(f"fault-{name}" for name in FAULTS), *ANSWERS]
            for model in (f"m-{name}", f"auto:p-{name}")
            for stream in (False, True)
            for more in ({}, {"response_format": form}, {"tools": [TOOL]})[: 3 if name in ANSWERS else 1]
        )
        ask(server, ASKED)
        ask(server, "auto", tools=[{"type": "function", "function": {"name": 5, "x": ASKED}}])
        assert server.stop() == 0
        assert ANSWERED in seen
        assert "Traceback" not in server.log
        log, ledger = server.log, Ledger(server.data)
        keeping.backup(ledger, server.data / "copy")

    found = [
        str(path.relative_to(server.data))
        for path in server.data.rglob("*")
        if path.is_file() and any(one.encode() in path.read_bytes() for one in (ASKED, ANSWERED))
    ]
    # Columns are compressed: what is in the files is looked for in the rows too.
    with reading(ledger) as connection:
        tables = [(table, rows_with_text(connection, table)) for table in KINDS]
        assert connection.execute("SELECT count(*) FROM ledger").fetchone() > (50,)
    parts = [(path.name, rows_in(path)) for path in server.data.rglob("*.parquet")]
    assert found == []
    assert [name for name, rows in (*tables, *parts) if rows] == [], [rows for _, rows in tables if rows]
    assert ASKED not in log
    assert ANSWERED not in log


def rows_with_text(connection, table):
    rows = f"SELECT CAST(t AS VARCHAR) AS row FROM {table} t"
    return connection.execute(f"SELECT row FROM ({rows}) WHERE contains(row, 'canary-')").fetchall()


def rows_in(path):
    return rows_with_text(duckdb, f"read_parquet('{path}')")
