"""Checks of the user's own."""

import asyncio
import sys
import time

import pytest

from evaluators import EVALUATORS
from evaluators.own import Command, Python
from tests.evaluators.checking import verdict

HERE = __name__


def is_short(request, reply):
    return len(reply.text) < 10


async def scored(request, reply):
    await asyncio.sleep(0)
    return {"score": 0.25, "reason": "too blue"}


def broken(request, reply):
    raise KeyError("oops")


async def endless(request, reply):
    await asyncio.Event().wait()


def python(function, **options):
    return Python(call=f"{HERE}:{function}", **options)


def command(code, **options):
    return Command(run=(sys.executable, "-c", code), **options)


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    monkeypatch.setitem(sys.modules, HERE, sys.modules[__name__])


async def test_a_function_says_yes_or_no():
    assert (await verdict(python("is_short"), "4")).passed
    failed = await verdict(python("is_short", name="short"), "a long answer")
    assert (failed.check, failed.passed, failed.reason) == ("short", False, "it said no")


async def test_a_function_may_give_a_score_and_a_reason_and_be_async():
    said = await verdict(python("scored"), "4")
    assert (said.passed, said.score, said.reason) == (False, 0.25, "too blue")
    assert (await verdict(python("scored", threshold=0.2), "4")).passed


@pytest.mark.parametrize("name", ["broken", "endless"])
async def test_a_function_that_fails_gives_no_verdict_unless_it_shall(name, caplog):
    assert await verdict(python(name, seconds=0.05), "4") is None
    assert "check python failed" in caplog.text
    said = await verdict(python(name, seconds=0.05, on_failure="fail"), "4")
    assert (said.passed, said.reason) == (False, "the check itself failed")


@pytest.mark.parametrize("call", ["nowhere:f", f"{HERE}:nothing", "no colon"])
def test_a_function_that_is_not_there_is_an_error_of_the_configuration(call):
    with pytest.raises(ValueError, match=r"cannot be loaded|match pattern"):
        EVALUATORS["python"]({"call": call})


async def test_a_command_is_told_the_answer_and_says_by_its_status():
    check = command("import json, sys; sys.exit(json.load(sys.stdin)['reply']['text'] != '4')")
    assert (await verdict(check, "4")).passed
    assert not (await verdict(check, "5")).passed


async def test_a_command_may_say_more():
    said = await verdict(command("""print('{"passed": false, "score": 0.5, "reason": "no"}')"""), "4")
    assert (said.passed, said.score, said.reason) == (False, 0.5, "no")


@pytest.mark.parametrize(
    "code",
    [
        "import sys; sys.exit(3)",
        "print('no json')",
        "while True: print('x' * 10_000)",
    ],
)
async def test_a_command_that_fails_gives_no_verdict(code):
    assert await verdict(command(code), "4") is None


async def test_a_command_that_is_slow_is_stopped():
    began = time.monotonic()
    assert await verdict(command("import time; time.sleep(60)", seconds=0.2), "4") is None
    assert time.monotonic() - began < 5


async def test_a_command_that_does_not_listen_is_no_trouble():
    assert (await verdict(command("pass"), "x" * 1_000_000)).passed


async def test_a_command_that_is_not_there_gives_no_verdict():
    assert await verdict(Command(run=("/nowhere/at/all",)), "4") is None


async def test_lone_surrogates_can_be_told():
    assert (await verdict(command("pass"), "a\ud83d")).passed
