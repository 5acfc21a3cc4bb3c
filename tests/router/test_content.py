import orjson
import pytest

from router.content import ContentStore, Kept, redacted
from router.types import Attempt, Charge, Choice, Decision, Grade, Outcome, Reply, Status, Usage
from tests.support.world import FakeClock, features, model, request

TEXT = "Write to ada@example.org about DE89 3704 0044 0532 0130 00, please."


def outcome(text=TEXT, answer="I will, at +49 30 1234567.", policy="default"):
    attempt = Attempt(
        number=1,
        decision=Decision(model=model("m"), reason="cheapest"),
        status=Status.ACCEPTED,
        started=FakeClock().now(),
        duration_ms=1.0,
        reply=Reply(choices=(Choice(text=answer),)),
        usage=Usage(input=1, output=1),
        charge=Charge(amount=1, bound=1, grade=Grade.COMPUTED),
    )
    return Outcome(
        request=request(text),
        features=features({"m": 0.9}),
        policy=policy,
        config="c",
        refused={},
        attempts=(attempt,),
    )


@pytest.fixture
def store(tmp_path):
    return ContentStore(tmp_path, "w", clock=FakeClock(), days=7)


def lines(folder):
    return [
        orjson.loads(line)
        for path in sorted((folder / "content").glob("*.jsonl"))
        for line in path.read_bytes().splitlines()
    ]


def test_full_keeps_the_texts_for_their_owner_alone(tmp_path, store):
    store.keep(outcome(), "full")
    (line,) = lines(tmp_path)
    assert (line["request_id"], line["content"]) == ("r1", "full")
    assert line["prompt"] == [{"role": "user", "text": TEXT}]
    assert line["answer"] == ["I will, at +49 30 1234567."]
    (path,) = (tmp_path / "content").glob("*.jsonl")
    assert path.stat().st_mode & 0o777 == 0o600


def test_redacted_masks_what_has_a_form(tmp_path, store):
    store.keep(outcome(), "redacted")
    (line,) = lines(tmp_path)
    assert line["prompt"][0]["text"] == "Write to [email] about [iban], please."
    assert line["answer"] == ["I will, at [phone]."]


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("key sk-abcdefghijklmnop1234 end", "key [secret] end"),
        ("card 4111 1111 1111 1111", "card [card]"),
        ("host 192.168.0.1", "host [address]"),
        ("in 2026 there were 12 of 300", "in 2026 there were 12 of 300"),
    ],
)
def test_what_is_masked_and_what_is_not(text, masked):
    assert redacted(text) == masked


def test_hashed_tells_equal_texts_and_nothing_else(tmp_path, store):
    for text in ("same", "same", "other"):
        store.keep(outcome(text), "hashed")
    one, two, three = (line["prompt"][0]["text"] for line in lines(tmp_path))
    assert one == two != three
    kept = b"".join(path.read_bytes() for path in (tmp_path / "content").glob("*.jsonl"))
    assert b"same" not in kept


def test_workers_of_one_folder_hash_alike_and_other_folders_do_not(tmp_path, store):
    other = ContentStore(tmp_path, "x", clock=FakeClock(), days=7)
    apart = ContentStore(tmp_path / "apart", "w", clock=FakeClock(), days=7)
    for each in (store, other, apart):
        each.keep(outcome("same"), "hashed")
    one, two = (line["prompt"][0]["text"] for line in lines(tmp_path))
    (three,) = (line["prompt"][0]["text"] for line in lines(tmp_path / "apart"))
    assert one == two != three
    assert (tmp_path / "content" / "key").stat().st_mode & 0o777 == 0o600


def test_old_days_are_deleted_when_a_new_one_begins(tmp_path, store):
    folder = tmp_path / "content"
    folder.mkdir()
    today = FakeClock().now().date()
    for name in ("2020-01-01.w.jsonl", f"{today}.v.jsonl", "key"):
        (folder / name).touch()
    store.keep(outcome(), "full")
    assert sorted(path.name for path in folder.iterdir()) == [f"{today}.v.jsonl", f"{today}.w.jsonl", "key"]


def test_only_policies_that_ask_for_it_have_anything_kept(tmp_path, store):
    kept = Kept(store, {"default": "none", "debug": "full"}, otherwise="none")
    for policy in ("default", "debug", "pinned"):
        kept.follow(outcome(policy=policy))
    assert [line["policy"] for line in lines(tmp_path)] == ["debug"]


def test_a_folder_that_takes_nothing_fails_nobody_and_tells_no_text(tmp_path, caplog):
    (tmp_path / "content").touch()
    ContentStore(tmp_path, "w", clock=FakeClock(), days=7).keep(outcome(), "full")
    assert "could not be kept" in caplog.text
    assert "ada@" not in caplog.text
