"""The demo's prompts: each has a reference that is right, and wrong answers that are wrong."""

from collections import Counter

import orjson
import pytest

from evaluators.refusal import Refusal
from evaluators.shape import Shape
from router.commands.demo.grading import is_right
from router.commands.demo.prompts import FOLDER, Prompt, Reference, read_prompts
from router.dialects import DIALECTS
from router.draft import assemble
from router.types import Principal, Reply, Request
from router.upstreams.simulated import Simulated
from router.upstreams.simulated_replies import Persona
from router.upstreams.simulated_tasks import Call, normalised, read_tasks
from tests.support.world import items_of, model

PROMPTS = read_prompts()
TASKS = read_tasks(FOLDER)


def parsed(prompt: Prompt) -> Request:
    body = {"model": "auto", "messages": prompt.messages, "stream": prompt.stream, **prompt.options}
    return DIALECTS["chat"].parse(orjson.dumps(body), request_id="r", principal=Principal())


async def answered(prompt: Prompt, persona: Persona) -> Reply:
    upstream = Simulated(personas={"m": persona}, tasks=TASKS, seed=1)
    *deltas, ending = await items_of(upstream.send(parsed(prompt), model("m")))
    return assemble(deltas, ending)


def graded(prompt: Prompt, reply: Reply) -> bool:
    calls = tuple((call.name or "", call.arguments) for call in reply.choices[0].tool_calls)
    return is_right(prompt.reference, reply.text, calls)


async def never_asked(_model: str, _request: Request) -> Reply:
    raise AssertionError


def test_there_are_about_two_hundred_prompts_of_twelve_kinds_half_of_them_streamed():
    kinds = Counter(prompt.kind for prompt in PROMPTS)
    assert 190 <= len(PROMPTS) <= 220
    assert len(kinds) == 12
    assert min(kinds.values()) >= 8
    assert abs(sum(prompt.stream for prompt in PROMPTS) / len(PROMPTS) - 0.5) < 0.05


def test_no_two_prompts_share_a_name_or_a_last_message():
    assert len({prompt.id for prompt in PROMPTS}) == len(PROMPTS)
    assert len({normalised(prompt.messages[-1]["content"]) for prompt in PROMPTS}) == len(PROMPTS)


def test_difficulties_are_spread_over_what_the_models_can_do():
    levels = sorted(task.difficulty for task in TASKS.values())
    assert -4 <= levels[0] < -3
    assert 2.5 < levels[-1] <= 3
    assert -1 < levels[len(levels) // 2] < 0.5


async def test_every_reference_is_right_and_passes_the_checks():
    failed = []
    for prompt in PROMPTS:
        reply = await answered(prompt, Persona(ability=30))
        verdicts = [await check.judge(parsed(prompt), reply, never_asked) for check in (Shape(), Refusal())]
        if not graded(prompt, reply) or not all(verdict and verdict.passed for verdict in verdicts):
            failed.append((prompt.id, reply.text))
    assert failed == []


async def test_a_wrong_answer_is_graded_wrong_and_passes_the_check_of_shape_all_the_same():
    failed = []
    for prompt in PROMPTS:
        reply = await answered(prompt, Persona(ability=-30))
        verdict = await Shape().judge(parsed(prompt), reply, never_asked)
        if graded(prompt, reply) or verdict is None or not verdict.passed:
            failed.append((prompt.id, reply.text))
    assert failed == []


def test_no_listed_wrong_answer_is_right():
    for prompt in PROMPTS:
        for wrong in TASKS[normalised(prompt.messages[-1]["content"])].wrong:
            calls = ((wrong.name, orjson.dumps(wrong.arguments).decode()),) if isinstance(wrong, Call) else ()
            text = "" if isinstance(wrong, Call) else wrong
            assert not is_right(prompt.reference, text, calls), (prompt.id, wrong)


@pytest.mark.parametrize(
    ("reference", "text", "right"),
    [
        (Reference(exact="Monday"), " monday. ", True),
        (Reference(exact="Monday"), "It is Monday", False),
        (Reference(number=4), "2 + 2 is 4.", True),
        (Reference(number=4), "4, since 2 + 2", False),
        (Reference(number=22.5), "22.50", True),
        (Reference(number=4), "four", False),
        (Reference(contains=(("a",), ("b", "c"))), "A and C", True),
        (Reference(contains=(("a",), ("b", "c"))), "A and D", False),
        (Reference(lacks=("z",)), "buzz", False),
        (Reference(lacks=("z",)), "", False),
        (Reference(pattern="^t.+r$"), "Tiger", True),
        (Reference(pattern="^t.+r$"), "Otter", False),
        (Reference(json={"a": 1}), '{"a": 1.0}', True),
        (Reference(json={"a": 1}), '{"a": 1, "b": 2}', False),
        (Reference(json={"a": 1}), '{"a": 1', False),
        (Reference(call=("f", {})), "f()", False),
    ],
)
def test_an_answer_is_compared_with_its_reference(reference: Reference, text: str, right: bool):
    assert is_right(reference, text, ()) is right


def test_a_call_is_compared_by_name_and_arguments():
    reference = Reference(call=("f", {"a": 1}))
    assert is_right(reference, "", (("f", '{"a": 1}'),))
    assert not is_right(reference, "", (("g", '{"a": 1}'),))
    assert not is_right(reference, "", (("f", '{"a": 1}'), ("f", '{"a": 1}')))
