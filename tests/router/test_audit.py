"""Audits: after the answer, beside the request, booked, and never in the caller's way."""

import asyncio

from router.audit import Auditor, Terms
from router.background import Background
from router.types import CostClass, Purpose, Verdict
from tests.router.test_pipeline import house, policy
from tests.support.world import FakeClock, request


class Second:
    """An auditor that asks the large model, and lets pass what it says too."""

    name, asks, cost_class = "second", ("large",), CostClass.PAID

    async def judge(self, asked, reply, ask, /):
        opinion = await ask("large", asked)
        return Verdict(check="second", passed=opinion.text == reply.text)


class Silent(Second):
    async def judge(self, asked, reply, ask, /):
        return None


SECOND = Second()


def audited(replies, *, auditors=(SECOND,), draw=0.0, most=8):
    pipeline, upstream, book = house(replies)
    told, background = [], Background(most)
    terms = {"p": Terms(share=0.5, model="large", auditors=auditors)}
    auditor = Auditor(
        terms,
        pipeline.audit,
        background,
        clock=FakeClock(),
        draw=lambda: draw,
        told=[lambda _, said: told.append(said)],
    )
    pipeline._followers = (auditor,)
    return pipeline, upstream, book, background, told


async def test_an_audit_is_booked_beside_the_request_and_told():
    pipeline, _, book, background, told = audited({"small": [["four"]], "large": [["five"]]})
    outcome = await pipeline.run(request(), policy())
    assert len(book.rows) == 1, "the answer does not wait"
    await background.finish()
    answer, audit = book.rows
    assert (answer.final, audit.final, audit.purpose, audit.attempt) == (True, False, "audit", 2)
    assert (audit.model, audit.request_id, audit.verdicts) == ("large", "r1", {"audit": ""})
    assert (audit.baseline_cost, audit.cost) == (None, 150 * 10**6)
    assert [(o.request_id, o.source, o.verdict) for o in told] == [("r1", "audit", "fail")]
    assert outcome.cost == answer.cost


async def test_the_first_auditor_that_can_tell_decides():
    pipeline, _, _, background, told = audited(
        {"small": [["four"]], "large": [["four"]]}, auditors=(Silent(), Second())
    )
    await pipeline.run(request(), policy())
    await background.finish()
    assert [o.verdict for o in told] == ["pass"]


async def test_only_a_share_of_the_accepted_answers_is_audited_and_no_model_by_itself():
    pipeline, upstream, _, background, _ = audited({"small": [["4"]], "large": [["4"]]}, draw=0.5)
    await pipeline.run(request(), policy())
    pipeline, alone, _, background, _ = audited({"small": [[""]], "large": [["4"]]})
    await pipeline.run(request(), policy())
    await background.finish()
    assert (upstream.sent, alone.sent) == (["small"], ["small", "large"])


async def test_what_finds_no_place_is_left_undone():
    pipeline, upstream, _, background, _ = audited({"small": [["4"]], "large": [["4"]]}, most=0)
    await pipeline.run(request(), policy())
    assert (upstream.sent, background.left_undone) == (["small"], 1)


async def test_an_audit_that_is_cancelled_at_the_end_is_booked():
    begun, never = asyncio.Event(), asyncio.Event()

    async def hang():
        begun.set()
        await never.wait()

    pipeline, upstream, book, background, told = audited({"small": [["4"]], "large": [["4", hang]]})
    await pipeline.run(request(), policy())
    await begun.wait()
    await background.close()
    assert [(row.purpose, row.status) for row in book.rows] == [
        (Purpose.ANSWER, "accepted"),
        (Purpose.AUDIT, "cancelled"),
    ]
    assert (upstream.closed, told) == (["small", "large"], [])


async def test_whoever_waits_for_the_audits_of_a_request_waits_for_no_others():
    pipeline, _, book, background, _ = audited({"small": [["four"], ["four"]], "large": [["five"]]})
    for_ever = asyncio.Event()
    background.start(for_ever.wait(), of="another")
    await pipeline.run(request(), policy())

    await background.finish("r1")

    assert [row.purpose for row in book.rows] == ["answer", "audit"]
    await background.close()
