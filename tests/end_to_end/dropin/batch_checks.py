"""Files and batches, as openai-python's users send them."""

import json
import time
from typing import Any

import openai

from tests.end_to_end.dropin.runner import World, raises

OVER = {"completed", "failed", "expired", "cancelled"}


def _line(number: object, **fields: Any) -> str:
    body = {"model": "simulated", "messages": [{"role": "user", "content": f"What is {number}?"}]}
    line = {"custom_id": f"q{number}", "method": "POST", "url": "/v1/chat/completions", "body": body}
    return json.dumps(line | fields)


def _uploaded(world: World, content: bytes, **options: Any) -> Any:
    return world.client().files.create(file=("in.jsonl", content), purpose="batch", **options)


def _created(world: World, content: bytes, **options: Any) -> Any:
    return world.client().batches.create(
        input_file_id=_uploaded(world, content).id,
        endpoint="/v1/chat/completions",
        completion_window="24h",
        **options,
    )


def _ended(world: World, batch: Any) -> Any:
    while batch.status not in OVER:
        time.sleep(0.05)
        batch = world.client().batches.retrieve(batch.id)
    return batch


def a_batch_goes_through_its_states_and_its_files_can_be_read(world: World) -> None:
    wrong = _line("0", url="/v1/embeddings")
    lines = "\n".join([*(_line(number) for number in range(1, 6)), wrong]).encode()
    batch = _created(world, lines, metadata={"team": "night"})
    assert (batch.status, batch.metadata, batch.errors) == ("validating", {"team": "night"}, None)
    assert batch.expires_at == batch.created_at + 86_400

    batch = _ended(world, batch)

    counts = batch.request_counts
    assert (batch.status, counts.total, counts.completed, counts.failed) == ("completed", 6, 5, 1)
    assert batch.created_at <= batch.in_progress_at <= batch.finalizing_at <= batch.completed_at
    assert batch.failed_at is batch.expired_at is batch.cancelled_at is None
    read = world.client().files.content
    answers = [json.loads(line) for line in read(batch.output_file_id).text.splitlines()]
    assert [answer["custom_id"] for answer in answers] == [f"q{number}" for number in range(1, 6)]
    assert all(answer["response"]["body"]["choices"][0]["message"]["content"] for answer in answers)
    (error,) = (json.loads(line)["error"] for line in read(batch.error_file_id).text.splitlines())
    assert (error["code"], error["line"]) == ("invalid_url", 6)


def a_file_without_a_good_line_fails_its_batch_and_says_why(world: World) -> None:
    for content, code, line in (
        (b"", "empty_file", None),
        (b"\xff\xfe\x00", "invalid_json_line", 1),
        (b"{\n[1]", "invalid_json_line", 1),
        (_line(1, method="GET").encode(), "invalid_method", 1),
        (_line(1, custom_id=None).encode(), "missing_required_parameter", 1),
    ):
        batch = _ended(world, _created(world, content))
        assert (batch.status, batch.errors.object) == ("failed", "list"), content
        assert (batch.errors.data[0].code, batch.errors.data[0].line) == (code, line), content
        assert batch.errors.data[0].message
        assert batch.output_file_id is batch.error_file_id is None
        assert batch.failed_at


def lines_are_read_however_an_editor_wrote_them(world: World) -> None:
    content = b"\xef\xbb\xbf" + "\r\n".join([_line(1), "", _line(2), _line(1)]).encode()
    batch = _ended(world, _created(world, content))
    assert (batch.request_counts.completed, batch.request_counts.failed) == (2, 1)
    error = json.loads(world.client().files.content(batch.error_file_id).text)["error"]
    assert (error["code"], error["line"]) == ("duplicate_custom_id", 4)


def a_cancelled_batch_keeps_what_is_done(world: World) -> None:
    body = {"model": "slow", "messages": [{"role": "user", "content": "Hi"}]}
    lines = [_line(number, body=body) for number in range(300)]
    batch = _created(world, "\n".join(lines).encode())
    cancelled = world.client().batches.cancel(batch.id)
    assert cancelled.status in {"cancelling", "cancelled"}
    batch = _ended(world, batch)
    assert (batch.status, batch.cancelled_at >= batch.cancelling_at) == ("cancelled", True)
    assert batch.request_counts.completed < 300


def an_output_file_says_when_it_expires(world: World) -> None:
    keep: Any = {"anchor": "created_at", "seconds": 7200}
    batch = _ended(world, _created(world, _line(1).encode(), output_expires_after=keep))
    file = world.client().files.retrieve(batch.output_file_id)
    assert (file.purpose, file.expires_at) == ("batch_output", file.created_at + 7200)
    file = _uploaded(world, b"{}", expires_after=keep)
    assert file.expires_at == file.created_at + 7200


def files_and_batches_are_listed_in_pages(world: World) -> None:
    client = world.client()
    batches = [_created(world, _line(number).encode()).id for number in range(3)]
    listed = [batch.id for batch, _ in zip(client.batches.list(limit=2), range(3), strict=False)]
    assert listed == batches[::-1]
    files = client.files.list(purpose="batch", limit=2)
    assert len(files.data) == 2
    assert {file.purpose for file, _ in zip(files, range(5), strict=False)} == {"batch"}
    last = files.data[-1].id
    assert last not in {file.id for file in client.files.list(after=last, limit=5).data}


def a_deleted_file_is_gone(world: World) -> None:
    client, file = world.client(), _uploaded(world, _line(1).encode())
    assert client.files.content(file.id).text == _line(1)
    assert client.files.delete(file.id).deleted
    for call in (client.files.retrieve, client.files.content, client.files.delete):
        raises(openai.NotFoundError, lambda call=call: call(file.id))
    raises(openai.NotFoundError, lambda: client.batches.retrieve("batch_none"))
