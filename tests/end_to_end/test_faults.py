"""Whatever an upstream does, a caller gets a right answer or a clean error, in time.

Every fault meets a plain request and a stream, three times:
by the model's name (relayed), by a policy that has no other model, and by one that has.
"""

import http.client
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.fake_faults import ANSWERS
from tests.support.fake_process import FakeProcess, fake_upstream
from tests.support.fake_streams import STREAMS
from tests.support.server import Server, running

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

KEY = "sk-upstream-0123456789abcdef"
TOTAL = 4
"""Seconds an upstream call may take; a request makes two at most."""

LIMITED = {429, 503}
STATUSES = {
    "hang": {504},
    "slow-headers": {504},
    "slow-body": {504},
    "503-retry": LIMITED,
    "529": LIMITED,
    "429": {429},
    "429-long": {429},
    "429-quota": {429},
    "400": {400},
    "400-context": {400},
    "stream-comments-first": {504},
    "stream-stall": {504},
    "stream-comments": {504},
}
"""What a caller sees of a fault when nothing else can answer; a bad gateway, if it does not stand here."""

CALLERS_FAULT = {"400", "400-context"}
HARMLESS = {"hostile-headers", "stream-plain-json", "stream-split-utf8", "stream-crlf", "stream-multiline"}
HARMLESS |= {"stream-dialect", "stream-framing", "stream-no-done", "stream-after-done", "stream-flood"}
ONLY_CHECKS_SEE = {"null-content", "stream-role-only", "stream-bad-tool"}
"""Well-formed answers that are no good: a model asked for by name may give them."""

LOOK_UP: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "look_up",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
"""The tool that is declared where a fault has to do with tools."""

LATE = ("rst", "fin", "eof", "done-early", "stall", "comments", "error", "error-finish", "malformed", "utf8")
LATE_FAULTS = tuple(f"stream-{name}@60" for name in (*LATE, "giant", "endless"))
"""The same once the caller has seen a part of the answer."""

FAULTS = (*ANSWERS, *STREAMS, *LATE_FAULTS)


@dataclass(frozen=True, slots=True)
class Answered:
    """What a caller got: `events` of a stream, without [DONE], which `done` tells of."""

    status: int
    headers: dict[str, str]
    text: str
    seconds: float

    @property
    def streamed(self) -> bool:
        return self.headers.get("content-type", "").startswith("text/event-stream")

    @property
    def events(self) -> list[dict[str, Any]]:
        lines = [line[6:] for line in self.text.split("\n") if line.startswith("data: ")]
        return [json.loads(line) for line in lines if line != "[DONE]"]

    @property
    def done(self) -> bool:
        return "data: [DONE]" in self.text

    @property
    def error(self) -> dict[str, Any] | None:
        """The error, of a plain answer or in a stream."""
        bodies = self.events if self.streamed else [json.loads(self.text)]
        return next((body["error"] for body in bodies if "error" in body), None)

    @property
    def content(self) -> str:
        """What was said, put together."""
        if not self.streamed:
            return str(json.loads(self.text)["choices"][0]["message"]["content"])
        return "".join(c["delta"].get("content") or "" for e in self.events for c in e.get("choices", ()))


@dataclass(frozen=True, slots=True)
class House:
    """Server and fake upstream, both in processes of their own."""

    server: Server
    fake: FakeProcess

    def ask(self, model: str, *, stream: bool) -> Answered:
        body = {"model": model, "stream": stream, "messages": [{"role": "user", "content": "Hello there"}]}
        if model.endswith("-tool"):
            body["tools"] = [LOOK_UP]
        began = time.monotonic()
        connection = http.client.HTTPConnection(urlsplit(self.server.base).netloc, timeout=4 * TOTAL)
        try:
            connection.request("POST", "/v1/chat/completions", json.dumps(body))
            response = connection.getresponse()
            text = response.read().decode()
            headers = {name.lower(): value for name, value in response.getheaders()}
            return Answered(response.status, headers, text, time.monotonic() - began)
        finally:
            connection.close()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with (
        fake_upstream() as fake,
        running(configuration(fake.url), tmp_path_factory.mktemp("faults")) as server,
    ):
        yield House(server, fake)


def configuration(url: str) -> str:
    names = {fault: fault.replace("@", "-late-") for fault in FAULTS}
    timeouts = f"{{connect: 1, first_token: 1, idle: 1, total: {TOTAL}}}"
    models = [f'{{name: m-{name}, upstream: fake, upstream_name: "fault-{f}"}}' for f, name in names.items()]
    models += ["{name: m-down, upstream: dead}", "{name: good, upstream: fake}"]
    price = "price: {input: 1, output: 2}, context_window: 100000, capabilities: [tools]}"
    # A prefix that is held for longer than an upstream may be silent: what stalls goes to the next model.
    gate = "gate: {milliseconds: 5000}"
    policies = [
        f"  {setting}-{name}: {{strategy: cascade, {gate}, models: [m-{name}{other}]}}"
        for name in [*names.values(), "down"]
        for setting, other in (("alone", ""), ("with", ", good"))
    ]
    return "\n".join(
        [
            "server: {shutdown_seconds: 3}",
            "upstreams:",
            f'  fake: {{kind: openai, base_url: "{url}", api_key: "{KEY}", timeouts: {timeouts}}}',
            f'  dead: {{kind: openai, base_url: "http://127.0.0.1:1/v1", timeouts: {timeouts}}}',
            "models:",
            *(f"  - {row.removesuffix('}')}, {price}" for row in models),
            "policies:",
            "  default: {strategy: cascade, models: [good]}",
            *policies,
        ]
    )


def forms(fault: str) -> tuple[bool, ...]:
    """Whether to stream: a fault of streams wants one."""
    return (True,) if fault.startswith("stream-") else (False, True)


CELLS = [
    pytest.param(fault, stream, id=f"{fault}-{'stream' if stream else 'plain'}")
    for fault in (*FAULTS, "down")
    for stream in forms(fault)
]


@pytest.mark.parametrize(("fault", "stream"), CELLS)
def test_with_another_model_the_caller_notices_nothing(house: House, fault: str, *, stream: bool) -> None:
    answer = house.ask(f"auto:with-{fault.replace('@', '-late-')}", stream=stream)

    assert_in_order(answer)
    if fault in CALLERS_FAULT:
        assert answer.status == 400
    elif fault in LATE_FAULTS:
        assert_broken_off(answer)  # it was committed: what the caller has seen stands
    else:
        assert_whole(answer)
        assert (answer.content == "good answers: Hello there") == (fault not in HARMLESS)
        assert fault in HARMLESS or "fault-" not in answer.text


@pytest.mark.parametrize(("fault", "stream"), CELLS)
def test_alone_the_fault_is_a_clean_error(house: House, fault: str, *, stream: bool) -> None:
    answer = house.ask(f"auto:alone-{fault.replace('@', '-late-')}", stream=stream)

    assert_in_order(answer)
    if fault in HARMLESS:
        assert_whole(answer)
    elif fault in LATE_FAULTS:
        assert_broken_off(answer)
    elif fault in ONLY_CHECKS_SEE:
        assert_marked(answer)
    else:
        assert_failed(answer, STATUSES.get(fault, {502}))


@pytest.mark.parametrize(("fault", "stream"), CELLS)
def test_by_its_name_the_model_is_relayed_and_its_fault_told(
    house: House, fault: str, *, stream: bool
) -> None:
    answer = house.ask(f"m-{fault.replace('@', '-late-')}", stream=stream)

    assert_in_order(answer)
    if fault in HARMLESS:
        assert_whole(answer)
    elif fault in ONLY_CHECKS_SEE:
        assert answer.status == 200
    elif answer.status == 200:
        assert stream
        assert_broken_off(answer)
    else:
        assert_failed(answer, STATUSES.get(fault, {502}))


def test_a_redirect_is_not_followed(house: House) -> None:
    house.ask("m-redirect", stream=False)

    assert [one for one in house.fake.requests() if "elsewhere" in one["path"]] == []


@pytest.mark.parametrize(("fault", "after"), [("429", "2"), ("429-long", "3600"), ("503-retry", "1")])
def test_a_retry_after_is_kept(house: House, fault: str, after: str) -> None:
    assert house.ask(f"m-{fault}", stream=False).headers["retry-after"] == after


def test_the_server_has_survived_it_all(house: House) -> None:
    assert house.ask("auto", stream=False).content == "good answers: Hello there"
    assert house.server.process.poll() is None
    assert "Traceback" not in house.server.log
    assert KEY not in house.server.log
    assert max(peak_memory(house.server.process.pid)) < 700


def assert_in_order(answer: Answered) -> None:
    """What holds for every answer, good or bad."""
    assert answer.seconds < 2 * TOTAL + 5, "it took too long"
    assert KEY not in answer.text + str(answer.headers), "the upstream's key was handed on"
    assert "spoofed" not in str(answer.headers)
    assert answer.headers["x-request-id"]


def assert_whole(answer: Answered) -> None:
    assert (answer.status, answer.error) == (200, None), answer.text[-500:]
    assert answer.content.strip(), "an empty answer"
    if answer.streamed:
        finishes = [c["finish_reason"] for e in answer.events for c in e["choices"] if c["finish_reason"]]
        assert (finishes, answer.done) == (["stop"], True)


def assert_failed(answer: Answered, statuses: set[int]) -> None:
    """An error with its status, in OpenAI's form, that no client repeats."""
    assert answer.status in statuses, answer.text[:500]
    error = answer.error
    assert error is not None
    assert error.keys() >= {"message", "type", "param", "code"}
    assert error["message"]
    if answer.status >= 429:
        assert answer.headers["x-should-retry"] == "false"


def assert_broken_off(answer: Answered) -> None:
    """A stream that began well, and then says that it failed: nobody takes it for whole."""
    assert (answer.status, answer.streamed) == (200, True), answer.text[:500]
    assert [e for e in answer.events if e.get("choices")], "it did not begin"
    assert answer.error is not None
    assert answer.error["message"]
    assert "error" in answer.events[-1], "something follows the error"
    assert not [c for e in answer.events for c in e.get("choices", ()) if c["finish_reason"]]
    assert not answer.done


def assert_marked(answer: Answered) -> None:
    """An answer that failed its checks and is all there is: handed out, but marked; or an error."""
    if answer.status == 200:
        marked = answer.headers.get("x-farthing-check") or answer.events[-1]["farthing"].get("check")
        assert marked == "failed"
    else:
        assert_failed(answer, {502, 503})


def peak_memory(parent: int) -> list[float]:
    """The most memory each child of a process ever held, in MB."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    statuses = [Path(f"/proc/{child}/status").read_text() for child in children]
    return [int(status.partition("VmHWM:")[2].split()[0]) / 1024 for status in statuses]
