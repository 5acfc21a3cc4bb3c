"""The demo's parts: its client, its comparison, its books and what it says."""

import io
from dataclasses import replace

import orjson
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from evaluators import EVALUATORS
from router.catalog.discovery import Found
from router.commands.demo import run
from router.commands.demo.arms import BASELINE, ROUTED, Arm, run_arm
from router.commands.demo.books import Books, Work, books_of
from router.commands.demo.client import Answer, streamed, whole
from router.commands.demo.figures import best_mix, compare, strongest
from router.commands.demo.prompts import read_prompts
from router.commands.demo.proxy import Listener
from router.commands.demo.show import Findings, as_json, show
from router.config import load
from router.entry import entries_of
from router.ledger.drain import drain
from router.ledger.spool import Spool
from router.ledger.store import Ledger
from router.types import (
    Attempt,
    Charge,
    Decision,
    Features,
    Grade,
    Outcome,
    Principal,
    Status,
    Usage,
    Verdict,
)
from tests.support.world import FakeClock, model, request

PROMPTS = read_prompts()

POINTS = st.lists(st.tuples(st.integers(1, 100), st.integers(0, 100)), min_size=1, max_size=5)


@given(POINTS, st.integers(1, 120))
def test_the_best_mix_spends_no_more_and_no_weights_do_better(points: list[tuple[int, int]], spend: int):
    costs, rights = zip(*points, strict=True)
    best, weights = best_mix(costs, rights, spend)
    assert sum(weights.values()) == pytest.approx(1)
    assert sum(rights[i] * w for i, w in weights.items()) == pytest.approx(best)
    if spend >= min(costs):
        assert sum(costs[i] * w for i, w in weights.items()) <= spend + 1e-9
        for i, j in ((i, j) for i in range(len(costs)) for j in range(len(costs))):
            for share in (0, 0.25, 0.5, 0.75, 1):
                if costs[i] * share + costs[j] * (1 - share) <= spend:
                    assert rights[i] * share + rights[j] * (1 - share) <= best + 1e-9


def test_a_mix_of_two_lies_on_the_line_between_them():
    assert best_mix([10, 30], [100, 200], 20) == (150, {0: 0.5, 1: 0.5})


def arm(name: str, costs: tuple[int, ...], right: tuple[bool, ...]) -> Arm:
    answers = tuple(
        Answer(text="x", model=name, attempts=1, cost=cost, request_id=f"{name}-{n}", booked=True)
        for n, cost in enumerate(costs)
    )
    return Arm(name=name, answers=answers, right=right, costs=costs)


SMALL = arm("small", (1, 1, 1, 1), (True, False, False, True))
LARGE = arm("large", (5, 5, 5, 5), (True, True, True, True))
CLEVER = arm(ROUTED, (1, 5, 5, 1), (True, True, True, True))


def test_routing_is_compared_with_chance_at_the_same_spend():
    found = compare(CLEVER, [SMALL, LARGE], seed=0)
    assert found.mix_right == 3
    assert found.weights == {"small": 0.5, "large": 0.5}
    assert found.difference == 1
    assert found.low <= 1 <= found.high


def test_routing_that_always_takes_one_model_is_no_better_than_it():
    found = compare(replace(LARGE, name=ROUTED), [SMALL, LARGE], seed=0)
    assert (found.difference, found.low, found.high) == (0, 0, 0)


def test_the_strongest_is_the_one_that_is_right_most_often_then_the_cheapest():
    assert strongest([SMALL, LARGE, replace(LARGE, name="dear", costs=(9, 9, 9, 9))]) is LARGE


NOTE = {"model": "m", "attempts": 2, "cost_usd": "0.000002"}


def chunk(**fields) -> bytes:
    return orjson.dumps({"choices": [], **fields})


def said(**delta) -> bytes:
    return chunk(choices=[{"index": 0, "delta": delta, "finish_reason": None}])


END = chunk(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}], farthing=NOTE)


def test_a_stream_is_put_together():
    piece = {"index": 0, "function": {"name": "f", "arguments": "{"}}
    rest = {"index": 0, "function": {"arguments": "}"}}
    events = [
        said(content="a"),
        said(content="b", tool_calls=[piece]),
        said(tool_calls=[rest]),
        END,
        b"[DONE]",
    ]
    answer = streamed(events)
    assert (answer.text, answer.calls, answer.problem) == ("ab", (("f", "{}"),), None)
    assert (answer.model, answer.attempts, answer.cost) == ("m", 2, 2_000_000)


@pytest.mark.parametrize(
    ("events", "problem"),
    [
        ([], "one [DONE]"),
        ([said(content="a"), END], "one [DONE]"),
        ([END, b"[DONE]", b"[DONE]"], "one [DONE]"),
        ([b"[DONE]", END], "one [DONE]"),
        ([said(content="a"), b"[DONE]"], "no finish"),
        ([END, chunk(), b"[DONE]"], "no note"),
        ([said(content="a"), chunk(error={"message": "down"})], "down"),
        ([b"<html>", b"[DONE]"], "no finish"),
    ],
)
def test_a_stream_that_does_not_end_as_it_must_is_a_problem(events: list[bytes], problem: str):
    assert problem in (streamed(events).problem or "")


def test_an_answer_in_one_object_is_read_with_its_headers():
    headers = {"x-farthing-model": "m", "x-farthing-attempts": "1", "x-farthing-cost-usd": "0.5"}
    answer = whole(200, headers, b'{"choices": [{"message": {"content": "Hi"}}]}')
    assert (answer.text, answer.model, answer.attempts, answer.cost) == ("Hi", "m", 1, 5 * 10**11)
    assert whole(502, headers, b"{}").problem == "status 502"
    assert whole(200, headers, b"<html>").problem == "an answer without choices"
    assert whole(200, {"x-farthing-cost-usd": "free"}, b"").cost is None


async def test_an_arm_asks_everything_and_says_what_it_is_for(aiohttp_server):
    seen: list[tuple[str, str | None, str]] = []

    async def complete(http: web.Request) -> web.Response:
        body = await http.json()
        headers = http.headers
        seen.append((body["model"], headers.get("x-farthing-tags"), headers["x-farthing-run-id"]))
        say = {"x-request-id": f"r{len(seen)}", "x-farthing-model": "m", "x-farthing-cost-usd": "0.1"}
        if body["stream"]:
            events = b"".join(b"data: " + event + b"\n\n" for event in (said(content="45"), END, b"[DONE]"))
            return web.Response(body=events, content_type="text/event-stream", headers=say)
        return web.json_response({"choices": [{"message": {"content": "45"}}]}, headers=say)

    app = web.Application()
    app.router.add_post("/v1/chat/completions", complete)
    server = await aiohttp_server(app)
    sums = [prompt for prompt in PROMPTS if prompt.id in {"arithmetic-01", "arithmetic-02"}]
    steps: list[int] = []

    for name in (ROUTED, "small"):
        arm = await run_arm(
            str(server.make_url("")).rstrip("/"), sums, name, run="r", answered=lambda: steps.append(1)
        )
        assert arm.right == (True, False)
        assert all(answer.booked and answer.request_id for answer in arm.answers)
        assert arm.with_costs({arm.answers[1].request_id: 5}).costs == (0, 5)

    assert len(steps) == 4
    assert set(seen) == {(ROUTED, None, "r"), ("small", BASELINE, "r")}


async def test_a_server_that_is_gone_is_a_problem_of_every_answer(unused_tcp_port: int):
    address = f"http://127.0.0.1:{unused_tcp_port}"
    arm = await run_arm(address, PROMPTS[:2], ROUTED, run="r", answered=lambda: None)
    assert arm.right == (False, False)
    assert {answer.problem for answer in arm.answers} == {"connection: ClientConnectorError"}
    assert not any(answer.booked for answer in arm.answers)


async def test_the_address_is_found_in_what_the_server_prints():
    listener = Listener()
    for data in (b"farthing: INFO loading\nfarthing: list", b"ening on http://127.0.0.1:41234\n", b"more\n"):
        listener.pipe_data_received(1, data)
    assert await listener.address == "http://127.0.0.1:41234"
    listener.process_exited()
    listener.connection_lost(None)
    assert listener.ended.done()


async def test_a_server_that_ends_at_its_start_is_quoted():
    listener = Listener()
    listener.pipe_data_received(1, b"farthing: Cannot listen on 127.0.0.1:80: Permission denied.\n")
    listener.process_exited()
    listener.connection_lost(None)
    with pytest.raises(Exception, match=r"ended at its start.*\n.*Permission denied"):
        await listener.address


def test_the_configuration_of_the_demo_is_right(tmp_path):
    config = load(
        run.write_config(tmp_path, data=tmp_path / "data", seed=7),
        environ={},
        known_checks=EVALUATORS,
    )
    assert [row.price.input for row in config.models if row.price] == sorted(
        row.price.input for row in config.models if row.price
    )
    assert [row.params_b for row in config.models] == sorted(row.params_b or 0 for row in config.models)
    assert all(row.simulated and row.name.startswith("sim-") for row in config.models)
    assert config.upstreams["sim"].seed == 7


async def test_an_engine_of_this_machine_is_pointed_out(monkeypatch):
    async def local_engines(_session, rows, **_) -> list[Found]:
        ollama = next(row for row in rows if row.id == "ollama")
        return [Found(base_url=ollama.base_url, provider=ollama, models=())]

    monkeypatch.setattr(run, "local_engines", local_engines)
    assert await run.engines_here() == [
        "Ollama answers at http://127.0.0.1:11434/v1: run `farthing init` to use it.",
        "",
    ]


def outcome(name: str, *models: str, cost: int = 3, asked: str = ROUTED) -> Outcome:
    """A request that went from model to model, each but the last rejected by a check."""
    attempts = []
    for number, tried in enumerate(models, 1):
        last, reason = number == len(models), "escalated: shape" if number > 1 else "cheapest"
        attempts.append(
            Attempt(
                number=number,
                decision=Decision(model=model(tried), reason=reason),
                status=Status.ACCEPTED if last else Status.REJECTED,
                started=FakeClock().now(),
                duration_ms=1.0,
                verdicts=(Verdict(check="shape", passed=last, reason="empty"),),
                usage=Usage(input=1, output=1),
                charge=Charge(amount=cost, bound=cost, grade=Grade.COMPUTED),
            )
        )
    return Outcome(
        request=replace(request(asked=asked), id=name, principal=Principal(run="demo")),
        features=Features(prompt_tokens=1, predictions={}),
        policy="default",
        config="",
        refused={},
        attempts=tuple(attempts),
    )


async def test_the_books_of_a_run_are_read_from_the_ledger(tmp_path):
    ledger = Ledger(tmp_path)
    spool = Spool(ledger.spool, "test")
    for one in (outcome("a", "small"), outcome("b", "small", "large"), outcome("c", "large", asked="large")):
        spool.write(entries_of(one))
    spool.close()
    drain(ledger)

    books = await books_of(tmp_path, "demo", requests=3, clock=lambda: 0.0)

    assert books.costs == {"a": 3, "b": 6, "c": 3}
    assert {work.model: (work.answers, work.calls, work.cost) for work in books.work} == {
        "small": (1, 2, 6),
        "large": (1, 1, 3),
    }
    assert (books.rows, books.escalations, books.failovers, books.fired) == (4, 1, 0, {"shape: empty": 1})


async def test_books_that_stay_incomplete_are_read_as_they_are(tmp_path):
    ticks = iter([0.0, 0.0, 99.0])
    books = await books_of(tmp_path, "demo", requests=3, clock=lambda: next(ticks))
    assert books.costs == {}


def findings(**changes) -> Findings:
    arms = (CLEVER, SMALL, LARGE)
    known = {answer.request_id: answer.cost for arm in arms for answer in arm.answers}
    work = (Work(model="small", answers=2, calls=2, cost=2), Work(model="large", answers=2, calls=3, cost=10))
    books = Books(rows=13, costs=known, work=work, escalations=1, failovers=0, fired={"shape: empty": 1})
    given = {"books": books, "routed": CLEVER, **changes}
    return Findings(
        seed=0,
        seconds=1.5,
        singles=(SMALL, LARGE),
        comparison=compare(CLEVER, [SMALL, LARGE], seed=0),
        **given,
    )


def shown(found: Findings) -> str:
    out = io.StringIO()
    show(found, Console(file=out, width=200))
    return out.getvalue()


def test_people_are_told_the_figures_and_that_they_are_simulated():
    text = shown(findings())
    assert "The models are simulated" in text
    assert "shape: empty (1)" in text
    assert "Routing cost 40% less than large alone and gave 100.0% of its right answers." in text
    assert "say for every request what its answer said" in text


def test_programs_are_told_the_same():
    told = as_json(findings())
    assert orjson.loads(orjson.dumps(told)) == told
    assert told["simulated"] is True
    assert told["routing"] == {"cost_usd": "0.000000000012", "right": 4}
    assert told["strongest_alone"] == {"model": "large", "cost_usd": "0.00000000002", "right": 4}
    assert told["random_mix_at_the_same_spend"]["right"] == 3
    assert told["ledger"]["agrees_with_the_answers"] is True


@pytest.mark.parametrize("known", [{}, {"auto-0": 2}])
def test_a_ledger_that_says_otherwise_is_noticed(known):
    found = findings()
    books = replace(found.books, costs={**found.books.costs, **known} if known else {})
    found = findings(books=books)
    assert not found.agrees
    assert "do not say what the answers said" in shown(found)


def test_what_went_wrong_is_told():
    broken = replace(CLEVER, answers=(Answer(problem="status 502"), *CLEVER.answers[1:]))
    assert "except 1 (status 502)" in shown(findings(routed=broken))


def test_an_answer_whose_cost_nobody_could_say_is_no_disagreement():
    answer = replace(SMALL.answers[0], cost=None)
    assert replace(SMALL, answers=(answer, *SMALL.answers[1:])).agrees(findings().books.costs)
