"""The loop: what is tried, what the caller sees, what is written down."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import pytest

from evaluators.asking import question
from evaluators.refusal import Refusal
from policies.budgets.free import Free, forget
from policies.language import Escalation, PolicySpec
from policies.meters import Health
from policies.policy import RoutedPolicy
from router.errors import Broken, CallerFault, NoCandidate, OverBudget, Substituted, Unsent
from router.pipeline import Pipeline
from router.types import (
    Amendment,
    AnswerForm,
    CostClass,
    Decision,
    Delta,
    Grade,
    Limits,
    Purpose,
    Release,
    Rescue,
    Status,
    ToolCall,
    Usage,
    Verdict,
)
from tests.support.world import Book, Ear, FakeClock, Script, boom, features, flat_charge, model, request

SMALL, LARGE = model("small", price=1), model("large", price=10)
CHANCES = {"small": 0.8, "large": 0.85}


@dataclass(frozen=True)
class Said:
    """A check of whole answers, made of a function from text to verdict."""

    name: str
    verdict: Callable
    cost_class: CostClass = CostClass.FREE
    asks = ()

    def watch(self, request, /):
        return None

    async def judge(self, request, reply, ask, /):
        return await self.verdict(request, reply, ask)


@dataclass(frozen=True)
class Alert:
    """A check that fails as soon as a word is said."""

    name: str
    word: str
    cost_class = CostClass.FREE
    asks = ()

    def watch(self, request, /):
        return self

    def feed(self, burst, /):
        if any(self.word in delta.text for delta in burst):
            return Verdict(check=self.name, passed=False, reason=f"it said {self.word}")
        return None

    async def judge(self, request, reply, ask, /):
        said = self.word in reply.text
        return Verdict(check=self.name, passed=not said, reason=f"it said {self.word}" if said else "")


async def filled(request, reply, ask, /):
    good = bool(reply.choices[0].text)
    return Verdict(check="shape", passed=good, reason="" if good else "empty")


REPORTED = Usage(input=10, output=5)


def house(replies, *, usage=REPORTED):
    """A pipeline over two models, and everything a test looks at."""
    upstream, book, clock = Script(replies, usage=usage), Book(), FakeClock()
    pipeline = Pipeline(
        models={"small": SMALL, "large": LARGE},
        upstreams={"fake": upstream},
        measure=lambda _request, _models, _policy="": features(CHANCES),
        charge=flat_charge,
        count=len,
        sinks=[book],
        clock=clock,
        config="c1",
    )
    return pipeline, upstream, book


def policy(*others, **spec):
    """A policy whose checks are `shape` and `others`."""
    checks = {check.name: check for check in (Said("shape", filled), *others)}
    given = {"checks": tuple(checks), "escalation": Escalation(rescue=()), **spec}
    health = Health(FakeClock())
    return RoutedPolicy(
        "p", PolicySpec(**given), (SMALL, LARGE), health=health, strongest=LARGE, evaluators=checks
    )


async def test_the_cheapest_adequate_model_answers():
    pipeline, upstream, book = house({"small": [["four"]], "large": [["4"]]})
    outcome = await pipeline.run(request(), policy())
    assert (outcome.chosen.reply.text, upstream.sent) == ("four", ["small"])
    (row,) = book.rows
    assert (row.model, row.status, row.cost, row.final) == ("small", "accepted", 15 * 10**6, True)
    assert (row.baseline_model, row.baseline_cost) == ("large", 150 * 10**6)


async def test_a_failed_check_escalates_and_both_attempts_are_booked():
    pipeline, upstream, book = house({"small": [[""]], "large": [["4"]]})
    outcome = await pipeline.run(request(), policy())
    assert (outcome.chosen.reply.text, upstream.sent) == ("4", ["small", "large"])
    assert [(row.status, row.final) for row in book.rows] == [("rejected", False), ("accepted", True)]
    assert book.rows[0].verdicts == {"shape": "empty"}
    assert outcome.cost == (15 + 150) * 10**6
    assert sum(row.baseline_cost or 0 for row in book.rows) == 150 * 10**6
    assert book.rows[1].reason == "escalated: shape said empty (p=0.85)"


async def test_a_failed_upstream_is_followed_by_the_other():
    pipeline, upstream, book = house({"small": [[Broken("html")]], "large": [["4"]]})
    outcome = await pipeline.run(request(), policy())
    assert (outcome.chosen.reply.text, upstream.sent) == ("4", ["small", "large"])
    assert [(row.status, row.error) for row in book.rows] == [("failed", "Broken"), ("accepted", None)]


async def test_the_callers_own_mistake_is_not_repeated_elsewhere():
    pipeline, upstream, _ = house({"small": [[CallerFault("bad", status=400)]], "large": [["4"]]})
    outcome = await pipeline.run(request(), policy())
    assert upstream.sent == ["small"]
    assert isinstance(outcome.failure, CallerFault)


async def test_when_all_checks_fail_the_last_answer_goes_out_marked():
    pipeline, _, _ = house({"small": [[""]], "large": [[""]]})
    outcome = await pipeline.run(request(), policy())
    assert outcome.chosen.decision.model.name == "large"
    assert not outcome.chosen.accepted
    assert outcome.failure is None


async def test_when_all_checks_fail_the_best_answer_goes_out_and_not_merely_the_last():
    async def confidence(asked, reply, ask, /):
        return Verdict(check="confidence", passed=False, score=0.9 if reply.text == "near" else 0.1)

    pipeline, _, book = house({"small": [["near"]], "large": [["far"]]})
    outcome = await pipeline.run(request(), policy(Said("confidence", confidence)))
    assert outcome.chosen.reply.text == "near"
    assert book.rows[0].verdict_scores == {"confidence": 0.9}


async def test_when_nothing_may_serve_the_outcome_says_why():
    pipeline, _, book = house({"small": [["x"]], "large": [["x"]]})
    outcome = await pipeline.run(request(), policy(max_cost_usd="0.000000000001"))
    assert isinstance(outcome.failure, NoCandidate)
    assert set(outcome.failure.refused) == {"small", "large"}
    assert book.rows == []


async def test_a_held_stream_shows_nothing_of_a_rejected_answer():
    pipeline, _, _ = house({"small": [["", ""]], "large": [["fo", "ur"]]})
    ear = Ear()
    await pipeline.run(request(stream=True), policy(stream_release=Release.HELD), ear)
    assert (ear.text, set(ear.models)) == ("four", {"large"})


async def test_a_gated_stream_commits_after_its_prefix_and_flows():
    words = ["word " * 10] * 30
    pipeline, _, _ = house({"small": [words], "large": [["x"]]})
    ear = Ear()
    await pipeline.run(request(stream=True), policy(), ear)
    assert ear.text == "".join(words)
    assert len(ear.models) > 20, "it was sent as it came, not at once"


async def test_a_gated_stream_of_json_is_held_whole():
    pipeline, _, _ = house({"small": [["word " * 10] * 30], "large": [["x"]]})
    ear = Ear()
    await pipeline.run(request(stream=True, answer=AnswerForm()), policy(), ear)
    assert len(ear.models) == 1


async def test_a_gated_stream_keeps_a_tool_call_back_until_it_is_whole():
    begun, rest = (
        Delta(tool_calls=(ToolCall(id="c", name="f", arguments=part),)) for part in ('{"a":', "1}")
    )
    words = ["word " * 10] * 10
    pipeline, _, _ = house({"small": [[begun, *words, rest, *words]], "large": [["x"]]})
    ear = Ear()
    await pipeline.run(request(stream=True), policy(), ear)
    calls = [at for at, delta in enumerate(ear.heard) if delta.tool_calls]
    assert len(calls) == 2
    assert calls[1] - calls[0] == 1
    assert ear.text == "".join(words * 2)


async def test_half_a_tool_call_after_the_commit_ends_the_stream_with_an_error():
    half = Delta(tool_calls=(ToolCall(id="c", name="f", arguments='{"a":'),))
    pipeline, _, book = house({"small": [["word " * 100, half]], "large": [["x"]]})
    ear = Ear()
    outcome = await pipeline.run(request(stream=True), policy(), ear)
    assert not any(delta.tool_calls for delta in ear.heard)
    assert isinstance(outcome.failure, Broken)
    (row,) = book.rows
    assert (row.status, row.error, row.committed) == ("failed", "Broken", True)


async def test_a_stalled_prefix_is_shown_when_its_time_is_over():
    shown = asyncio.Event()

    class Waiting(Ear):
        async def send(self, *sent):
            await super().send(*sent)
            shown.set()

    pipeline, _, _ = house({"small": [["fo", shown.wait, "ur"]], "large": [["x"]]})
    ear = Waiting()
    await pipeline.run(request(stream=True), policy(gate={"milliseconds": 1}), ear)
    assert (ear.text, len(ear.models)) == ("four", 3)


async def test_a_caller_who_leaves_while_a_prefix_is_held_ends_the_upstream():
    never, waiting = asyncio.Event(), asyncio.Event()

    async def wait():
        waiting.set()
        await never.wait()

    pipeline, upstream, book = house({"small": [["fo", wait]], "large": [["x"]]})
    task = asyncio.ensure_future(pipeline.run(request(stream=True), policy(), Ear()))
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (upstream.closed, [row.status for row in book.rows]) == (["small"], ["cancelled"])


async def test_what_is_noticed_after_the_commit_is_written_down_and_told():
    words = ["word " * 60, "I'm sorry"]
    pipeline, _, book = house({"small": [words], "large": [["x"]]})
    outcome = await pipeline.run(request(stream=True), policy(Alert("late", "sorry")), Ear())
    assert outcome.chosen.accepted
    (row,) = book.rows
    assert (row.status, row.committed, row.verdicts["late"]) == ("accepted", True, "it said sorry")


async def test_the_last_attempt_is_read_to_its_end_although_a_check_has_failed():
    pipeline, upstream, book = house({"small": [["sorry", " and more"]], "large": [["sorry", " and so on"]]})
    ear = Ear()
    outcome = await pipeline.run(request(stream=True), policy(Alert("early", "sorry")), ear)
    assert upstream.sent == ["small", "large"]
    assert [row.finish_reason for row in book.rows] == [None, "stop"]
    assert (outcome.chosen.reply.text, ear.heard) == ("sorry and so on", [])


async def test_a_check_that_asks_models_does_not_run_where_a_gate_promised_haste():
    async def judge(asked, reply, ask, /):
        raise AssertionError("it must not be asked")

    paid = Said("judge", judge, cost_class=CostClass.PAID)
    pipeline, _, _ = house({"small": [["four"]], "large": [["x"]]})
    ear = Ear()
    await pipeline.run(request(stream=True), policy(paid), ear)
    assert ear.text == "four"


async def test_log_probabilities_are_asked_for_where_a_check_needs_them():
    bodies = []

    class Listening(Script):
        def send(self, asked, of, /):
            bodies.append(asked.body)
            return super().send(asked, of)

    async def sure(asked, reply, ask, /):
        return None

    pipeline, upstream, _ = house({"small": [["four"]], "large": [["x"]]})
    pipeline._upstreams = {"fake": Listening(upstream.replies)}
    asked = request()
    await pipeline.run(asked, policy(Said("sure", sure, cost_class=CostClass.LOGPROBS)))
    await pipeline.run(asked, policy())
    assert [body.get("logprobs") for body in bodies] == [True, None]
    assert "logprobs" not in asked.body


async def test_a_stream_that_fails_after_its_commit_is_not_repeated():
    pipeline, upstream, book = house({"small": [["word " * 100, Broken("cut")]], "large": [["x"]]})
    ear = Ear()
    outcome = await pipeline.run(request(stream=True), policy(), ear)
    assert (upstream.sent, ear.text) == (["small"], "word " * 100)
    assert isinstance(outcome.failure, Broken)
    (row,) = book.rows
    assert (row.status, row.cost_grade, row.output_tokens) == ("failed", Grade.COMPUTED, 500)


async def test_a_stream_that_fails_before_its_commit_is_repeated_elsewhere():
    pipeline, upstream, _ = house({"small": [["wo", Broken("cut")]], "large": [["whole"]]})
    ear = Ear()
    await pipeline.run(request(stream=True), policy(), ear)
    assert (upstream.sent, ear.text) == (["small", "large"], "whole")


async def test_a_caller_who_leaves_ends_the_upstream_and_is_written_down():
    pipeline, upstream, book = house({"small": [["word " * 100] * 9], "large": [["x"]]})
    with pytest.raises(ConnectionResetError):
        await pipeline.run(request(stream=True), policy(), Ear(patience=2))
    assert upstream.closed == ["small"]
    (row,) = book.rows
    assert (row.status, row.final, row.usage_grade) == ("cancelled", True, "estimated")
    assert row.cost > 0


async def test_a_call_that_was_cancelled_before_its_turn_is_not_booked():
    pipeline, _, book = house({"small": [[Unsent()]], "large": [["x"]]})
    with pytest.raises(asyncio.CancelledError):
        await pipeline.run(request(), policy())
    assert book.rows == []


async def test_a_cancelled_request_is_written_down():
    pipeline, upstream, book = house({"small": [["a", asyncio.CancelledError()]], "large": [["x"]]})
    with pytest.raises(asyncio.CancelledError):
        await pipeline.run(request(), policy())
    assert ([row.status for row in book.rows], upstream.closed) == (["cancelled"], ["small"])


async def test_another_model_than_asked_is_refused_and_the_next_is_tried():
    other = Delta(text="hello", served_model="somebody-else")
    pipeline, upstream, book = house({"small": [[other]], "large": [["4"]]})
    outcome = await pipeline.run(request(), policy())
    assert upstream.sent == ["small", "large"]
    assert isinstance(outcome.attempts[0].error, Substituted)
    assert (book.rows[0].substituted, book.rows[0].served_model) == (True, "somebody-else")


async def test_another_model_than_asked_may_pass_if_the_policy_only_warns():
    other = Delta(text="hello", served_model="somebody-else", finish_reason="stop")
    pipeline, upstream, _ = house({"small": [[other]], "large": [["4"]]})
    outcome = await pipeline.run(request(), policy(on_substitution="warn"))
    assert (upstream.sent, outcome.chosen.substituted) == (["small"], True)


async def test_a_missing_usage_is_estimated_within_a_bound():
    pipeline, _, book = house({"small": [["four"]], "large": [["4"]]}, usage=None)
    await pipeline.run(request(), policy())
    (row,) = book.rows
    assert (row.usage_grade, row.input_tokens, row.output_tokens) == ("estimated", 10, 4)


async def test_a_dead_stream_is_bounded_by_what_was_allowed():
    pipeline, _, _ = house({"small": [["four", Broken("cut")]], "large": [["4"]]})
    outcome = await pipeline.run(request(limits=Limits(output_tokens=50)), policy())
    first = outcome.attempts[0]
    assert (first.usage.grade, first.usage.output, first.usage.output_bound) == (Grade.ESTIMATED, 4, 50)


async def test_what_a_check_asks_is_a_row_of_its_own():
    async def judge(asked, reply, ask, /):
        opinion = await ask("large", asked)
        return Verdict(check="judge", passed=opinion.text == "good")

    pipeline, _, book = house({"small": [["four"]], "large": [["good"]]})
    outcome = await pipeline.run(request(), policy(Said("judge", judge)))
    assert outcome.chosen.decision.model.name == "small"
    assert [(row.purpose, row.model, row.final) for row in book.rows] == [
        (Purpose.CHECK, "large", False),
        (Purpose.ANSWER, "small", True),
    ]
    assert outcome.cost == sum(row.cost for row in book.rows)
    shaped, judged = outcome.chosen.verdicts
    assert (shaped.cost, judged.cost) == (0, book.rows[0].cost)
    assert judged.duration_ms is not None


async def test_a_check_that_watches_ends_an_attempt_as_soon_as_it_is_sure():
    pipeline, upstream, book = house(
        {"small": [["I'm sorry, but I can't help.", "more", Broken()]], "large": [["4"]]}
    )
    ear = Ear()
    await pipeline.run(request(stream=True), policy(Refusal()), ear)
    assert (ear.text, upstream.closed) == ("4", ["small", "large"])
    assert [(row.status, row.error) for row in book.rows] == [("rejected", None), ("accepted", None)]


async def test_every_request_has_exactly_one_final_row():
    pipeline, _, book = house({"small": [[""]], "large": [[Broken()]]})
    outcome = await pipeline.run(request(), policy())
    assert [row.final for row in book.rows] == [False, True]
    assert outcome.chosen.status is Status.REJECTED


def over(*allowed: bool, of=None):
    """A purse that bears a call as often as it is told, and remembers what was settled."""
    bears, settled = list(allowed), []

    class Purse:
        refused, unchecked = None, False

        async def reserve(self, _asked, _features, _model, /):
            if not bears.pop(0):
                self.refused = OverBudget("spent", details=of)
                raise self.refused
            return settled.append

        def standings(self):
            return ()

        async def booked(self): ...

    return Purse(), settled


async def test_a_first_call_that_no_budget_bears_is_not_made():
    pipeline, upstream, book = house({"small": [["x"]], "large": [["x"]]})
    outcome = await pipeline.run(request(), policy(), None, over(False)[0])
    assert isinstance(outcome.failure, OverBudget)
    assert (upstream.sent, book.rows) == ([], [])


async def test_a_provider_without_budget_is_passed_over_for_another():
    pipeline, upstream, book = house({"small": [["x"]], "large": [["good"]]})
    purse, _ = over(False, True, of={"scope": "provider"})
    outcome = await pipeline.run(request(), policy(), None, purse)
    assert (upstream.sent, outcome.failure) == (["large"], None)
    assert outcome.chosen.decision.reason == "failover: small StruckOut (p=0.85)"
    assert len(book.rows) == 1


async def test_a_climb_that_no_budget_bears_ends_with_the_best_answer_so_far():
    pipeline, upstream, _ = house({"small": [[""]], "large": [["good"]]})
    outcome = await pipeline.run(request(), policy(), None, over(True, False)[0])
    assert (upstream.sent, outcome.failure) == (["small"], None)
    assert outcome.over_budget is not None


class Repairing:
    """A policy that asks a model, and then to repair its answer."""

    name, strongest, cheapest, evaluators = "p", None, None, {"shape": Said("shape", filled)}

    def candidates(self, _request, /):
        return (SMALL,)

    def choose(self, _request, _features, /):
        return self

    def plan(self, _request, _features, /):
        def steps():
            first = yield Decision(model=SMALL, reason="", checks=("shape",))
            repair = Amendment(rescue=Rescue.REPAIR, draft=first.reply, complaint="shape: empty")
            yield Decision(model=SMALL, reason="", amendment=repair)

        return steps(), {}


async def test_what_is_held_is_the_most_that_what_is_sent_can_cost():
    async def marked(request, reply, ask, /):
        await ask("large", question(request, system="Mark it.", text=reply.text * 9, most=3))
        return Verdict(check="marked", passed=True)

    held = []

    class Purse(Free):
        async def reserve(self, asked, told, model, /):
            held.append((model.name, asked.limits.output_tokens, told.prompt_tokens))
            return forget

    said = "four" * 100
    pipeline, upstream, _ = house({"small": [[said], [""], ["4"]], "large": [["PASS"]]})
    limited = request(limits=Limits(output_tokens=1))
    await pipeline.run(limited, policy(Said("marked", marked)), None, Purse())
    await pipeline.run(limited, Repairing(), None, Purse())

    complaint = len(upstream.requests[-1].turns[-1].text)
    assert held == [
        ("small", 1, 10),
        ("large", 3, len("Mark it.") + 9 * len(said)),
        ("small", 1, 10),
        ("small", 1, 10 + len("(nothing)") + complaint),
    ]


@pytest.mark.parametrize("end", [boom(), asyncio.CancelledError(), ZeroDivisionError()])
async def test_every_reservation_is_settled_however_the_call_ends(end):
    pipeline, _, _ = house({"small": [["a", end]], "large": [["b", end]]})
    purse, settled = over(*[True] * 9)
    with suppress(asyncio.CancelledError, ZeroDivisionError):
        await pipeline.run(request(), policy(), None, purse)
    assert len(settled) == (2 if isinstance(end, Exception) and not isinstance(end, ZeroDivisionError) else 1)
