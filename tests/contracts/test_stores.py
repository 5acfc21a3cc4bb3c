"""What every store of batches promises."""

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from batch.jobs import Batch, Claim, File, Line, Move, Problem, Result, Room, State
from batch.postgres import PostgresStore
from batch.seams import Store
from batch.sqlite import SQLiteStore
from router.types import Lane, Principal
from tests.support.postgres_server import PostgresServer, postgres

CANCEL = Move(before=(State.IN_PROGRESS,), state=State.CANCELLING, at=7)
PROBLEM = Problem(code="batch_cancelled", message="The batch was cancelled.")


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.service)])
def store(request, tmp_path) -> Iterator[Store]:
    if request.param == "sqlite":
        yield SQLiteStore(tmp_path)
        return
    made = PostgresStore(request.getfixturevalue("server").database())
    yield made
    made.close()


def batch(batch_id: str = "batch_1", **fields) -> Batch:
    return Batch(
        id=batch_id,
        principal=Principal(key="k", tags=("a",)),
        endpoint="/v1/chat/completions",
        input_file="file-1",
        window=3600,
        created=1000,
        **fields,
    )


def lines(count: int, **fields) -> list[Line]:
    return [
        Line(number=n, custom_id=f"c{n}", offset=n * 10, length=10, model="auto", place=n, **fields)
        for n in range(1, count + 1)
    ]


def begun(store: Store, count: int = 3, batch_id: str = "batch_1") -> None:
    store.add_batch(batch(batch_id))
    assert store.begin(batch_id, lines(count), at=1001)


def good(cost: int | None = 5) -> Result:
    return Result(status=200, body=b'{"a":1}', request_id="r", model="small", attempts=1, cost=cost)


def test_a_batch_comes_back_as_it_was_given(store):
    given = batch(metadata={"a": "b"}, max_cost=10**12)

    store.add_batch(given)

    assert store.batch("batch_1") == given
    assert store.batch("batch_2") is None


def test_batches_are_listed_from_the_newest_and_only_to_their_owner(store):
    for number in range(5):
        store.add_batch(batch(f"batch_{number}"))

    assert [b.id for b in store.batches("k", after=None, limit=2)] == ["batch_4", "batch_3"]
    assert [b.id for b in store.batches("k", after="batch_3", limit=9)] == ["batch_2", "batch_1", "batch_0"]
    assert store.batches("other", after=None, limit=9) == []
    assert store.batches(None, after=None, limit=9) == []


def test_files_are_listed_by_purpose_and_can_be_dropped_once(store):
    store.add_file(File(id="file-1", purpose="batch", name="a", size=1, created=1, owner="k"))
    store.add_file(
        File(id="file-2", purpose="batch_output", name="b", size=1, created=2, owner="k", expires=9)
    )

    assert [f.id for f in store.files("k", purpose=None, after=None, limit=9)] == ["file-2", "file-1"]
    assert [f.id for f in store.files("k", purpose="batch", after=None, limit=9)] == ["file-1"]
    assert [f.id for f in store.files("k", purpose=None, after="file-2", limit=9)] == ["file-1"]
    assert [f.id for f in store.expired_files(now=9)] == ["file-2"]
    assert store.drop_file("file-1")
    assert not store.drop_file("file-1")
    assert store.file("file-1") is None


def test_lines_are_claimed_in_the_order_of_their_places_each_by_one_worker(store):
    begun(store, 3)

    first = store.claim("w1", 2)
    second = store.claim("w2", 9)

    assert [claim.line.number for claim in first] == [1, 2]
    assert [claim.line.number for claim in second] == [3]
    assert store.claim("w3", 9) == []


def test_lines_that_ask_for_what_is_away_are_passed_over_and_come_when_it_is_back(store):
    store.add_batch(batch())
    away = [replace(line, model="away") for line in lines(4)]
    there = [replace(line, number=line.number + 4, place=line.place + 4) for line in lines(2)]
    assert store.begin("batch_1", [*away, *there], at=1001)

    passing = [claim for _ in range(6) for claim in store.claim("w", 2, but=("away", "gone"))]

    assert [claim.line.number for claim in passing] == [5, 6]
    assert {claim.tries for claim in passing} == {1}
    assert _until(lambda: store.claim("w", 9), count=4) == [1, 2, 3, 4]


def _until(claim, count: int) -> list[int]:
    """Claim until so many came: a queue may look at what it passed over only some time later."""
    found, end = [], time.monotonic() + 60
    while len(found) < count and time.monotonic() < end:
        found += [each.line.number for each in claim()]
        time.sleep(0.05)
    return sorted(found)


def test_the_older_batch_comes_first(store):
    begun(store, 2, "batch_1")
    begun(store, 2, "batch_2")

    assert [claim.batch for claim in store.claim("w", 3)] == ["batch_1", "batch_1", "batch_2"]


def test_a_single_request_comes_before_older_files(store):
    begun(store, 1, "batch_1")
    store.add_batch(batch("bg_2", lane=Lane.BACKGROUND))
    store.begin("bg_2", lines(1), at=1001)

    assert [claim.batch for claim in store.claim("w", 2)] == ["bg_2", "batch_1"]


def test_the_answer_to_a_single_request_is_in_its_file_alone(store):
    for name, lane in (("batch_1", Lane.BATCH), ("bg_2", Lane.BACKGROUND)):
        store.add_batch(batch(name, lane=lane))
        store.begin(name, lines(1), at=1001)
    for claim in store.claim("w", 2):
        store.complete([(claim, good())])
    written = [next(store.results(name, good=True))[1].body for name in ("batch_1", "bg_2")]
    for name in ("batch_1", "bg_2"):
        store.move(name, Move(before=(State.IN_PROGRESS,), state=State.COMPLETED, at=1002))
    after = [[result.body for _, result in store.results(name, good=True)] for name in ("batch_1", "bg_2")]

    assert written == [b'{"a":1}', b'{"a":1}']
    assert after == [[b'{"a":1}'], []]


def test_a_line_is_recorded_once_and_what_it_cost_always(store):
    begun(store, 1)
    (old,) = store.claim("w1", 1)
    ((taken, _),) = store.take_over("w2")
    store.give_back(taken)
    (new,) = store.claim("w2", 1)

    assert store.complete([(new, good())]) == [True]
    assert store.complete([(old, good())]) == [False]
    assert store.complete([(new, good(None))]) == [False]

    counts = store.batch("batch_1").counts
    assert (counts.completed, counts.left, counts.spent) == (1, 0, 10)
    assert new.tries == 2


def test_many_lines_are_recorded_at_once_and_of_each_it_is_told_whether_it_was(store):
    begun(store, 4, "batch_1")
    begun(store, 1, "batch_2")
    claims = store.claim("w1", 9)
    failed = Result(status=502, body=b"\\x00 {}", request_id="r", attempts=2)
    store.give_back(claims[1])

    told = store.complete([(claim, failed if claim is claims[2] else good()) for claim in claims])

    assert told == [True, False, True, True, True]
    counts = store.batch("batch_1").counts
    assert (counts.completed, counts.failed, counts.left, counts.spent) == (2, 1, 1, 15)
    assert store.batch("batch_2").counts.completed == 1
    assert [result for _, result in store.results("batch_1", good=False)] == [failed]
    (again,) = store.claim("w2", 9)
    assert (again.line.number, again.tries) == (2, 2)


def test_what_is_noted_for_many_lines_at_once_is_noted_for_those_that_are_held(store):
    begun(store, 2)
    first, second = store.claim("w1", 2)
    store.give_back(second)

    store.sent([(first, "small"), (second, "small"), (first, "large")])

    store.claim("w1", 1)
    assert sorted(list(models) for _, models in store.take_over("w2")) == [[], ["small", "large"]]


def test_what_is_taken_over_comes_with_the_models_that_were_asked(store):
    begun(store, 2)
    first, second = store.claim("w1", 2)
    store.sent([(first, "small"), (first, "large")])

    assert store.take_over("w2", silent=3600) == []
    assert store.take_over("w2", worker="w3") == []
    taken = store.take_over("w2", worker="w1")

    assert sorted((claim.line.number, claim.tries, list(models)) for claim, models in taken) == [
        (1, 1, ["small", "large"]),
        (2, 1, []),
    ]
    assert {claim.worker for claim, _ in taken} == {"w2"}
    assert store.complete([(second, good())]) == [False]
    # Whoever takes over may be killed as well.
    assert sorted(list(models) for _, models in store.take_over("w3")) == [[], ["small", "large"]]


def test_a_renewed_claim_does_not_lapse(store):
    begun(store, 2)
    (alive,) = store.claim("w", 1)
    (silent,) = store.claim("w", 1)
    time.sleep(0.4)  # the store has a clock of its own
    store.renew([alive])

    ((taken, _),) = store.take_over("w3", silent=0.2)
    assert taken.line == silent.line


def test_what_somebody_held_who_has_resigned_can_be_taken_over_at_once(store):
    begun(store, 2)
    (left,) = store.claim("w1", 1)
    store.claim("w2", 1)

    store.resign("w1")

    ((taken, _),) = store.take_over("w3", silent=3600)
    assert taken.line == left.line


def test_a_line_that_is_given_back_waits_its_time_and_is_then_another_try(store):
    begun(store, 2)
    first, second = store.claim("w1", 2)
    store.sent([(first, "small")])

    store.give_back(first, cost=7)
    store.give_back(second, wait=3600)

    (again,) = store.claim("w2", 9)
    assert (again.line.number, again.tries) == (1, 2)
    assert store.batch("batch_1").counts.spent == 7
    assert [list(models) for _, models in store.take_over("w3")] == [[]]
    assert store.complete([(first, good())]) == [False]


def test_a_line_that_waits_its_time_can_be_given_up(store):
    begun(store, 1)
    (claim,) = store.claim("w1", 1)
    store.give_back(claim, wait=3600)

    assert store.drop_waiting("batch_1", PROBLEM) == 1


def test_what_nobody_has_begun_can_be_dropped(store):
    begun(store, 3)
    (claim,) = store.claim("w", 1)

    assert store.drop_waiting("batch_1", PROBLEM) == 2
    assert store.complete([(claim, good())]) == [True]

    counts = store.batch("batch_1").counts
    assert (counts.total, counts.completed, counts.dropped, counts.left) == (3, 1, 2, 0)
    assert [(line.custom_id, result) for line, result in store.results("batch_1", good=False)] == [
        ("c2", PROBLEM),
        ("c3", PROBLEM),
    ]


def test_results_come_in_the_order_of_the_file(store):
    begun(store, 3)
    claims = store.claim("w", 3)
    for claim in reversed(claims):
        store.complete([(claim, good())])

    assert [line.number for line, _ in store.results("batch_1", good=True)] == [1, 2, 3]
    assert next(store.results("batch_1", good=True))[1] == good()


@pytest.mark.parametrize("which", ["output", "errors"])
def test_what_a_dropped_file_said_is_forgotten_and_nothing_else(store, which):
    ids = ("batch_1", "batch_2")
    for one in ids:
        begun(store, 3, batch_id=one)
    bad = replace(good(), status=500)
    store.complete([(claim, bad if claim.line.number == 2 else good()) for claim in store.claim("w", 6)])
    for one in ids:
        files = {
            name: File(id=f"file-{one}-{name}", purpose="batch_output", name="o", size=1, created=7)
            for name in ("output", "errors")
        }
        store.move(one, Move(before=(State.IN_PROGRESS,), state=State.COMPLETED, at=7, **files))

    assert store.drop_file(f"file-batch_1-{which}")
    store.purge()

    left = {one: [len(list(store.results(one, good=good))) for good in (True, False)] for one in ids}
    assert left == {"batch_1": [0, 1] if which == "output" else [2, 0], "batch_2": [2, 1]}
    assert not store.drop_file(f"file-batch_1-{which}")
    assert store.batch("batch_1").counts == store.batch("batch_2").counts


def test_a_state_changes_only_from_where_it_may(store):
    begun(store, 1)

    assert not store.move("batch_1", Move(before=(State.VALIDATING,), state=State.FAILED, at=5))
    assert store.move("batch_1", CANCEL)
    assert store.batch("batch_1").stamps == {"in_progress_at": 1001, "cancelling_at": 7}
    assert not store.move("nothing", CANCEL)
    assert [b.state for b in store.under_way()] == [State.CANCELLING]


def test_a_file_is_known_only_once_its_batch_has_moved(store):
    begun(store, 1)
    output = File(id="file-9", purpose="batch_output", name="o", size=1, created=7, owner="k")

    moved = store.move(
        "batch_1", Move(before=(State.FINALIZING,), state=State.COMPLETED, at=7, output=output)
    )

    assert (moved, store.file("file-9")) == (False, None)


def test_a_batch_that_was_cancelled_while_it_was_read_does_not_begin(store):
    store.add_batch(batch())
    store.move("batch_1", Move(before=(State.VALIDATING,), state=State.CANCELLING, at=1))

    assert not store.begin("batch_1", lines(3), at=2)
    assert store.batch("batch_1").counts.total == 0


def test_failed_and_dropped_lines_can_be_tried_again_but_not_those_wrong_from_the_start(store):
    store.add_batch(batch())
    store.begin(
        "batch_1", [*lines(3), Line(number=4, custom_id=None, offset=0, length=1, problem=PROBLEM)], at=1
    )
    first, second = store.claim("w", 2)
    store.complete([(first, good())])
    store.complete([(second, Result(status=502, body=b"{}", request_id="r"))])
    store.drop_waiting("batch_1", PROBLEM)
    assert store.retry_failed("batch_1", at=8, deadline=9000) == 0
    output = File(id="file-9", purpose="batch_output", name="o", size=1, created=7)
    store.move("batch_1", Move(before=(State.IN_PROGRESS,), state=State.COMPLETED, at=7, output=output))
    assert store.file("file-9") == output

    assert store.retry_failed("batch_1", at=8, deadline=9000) == 2

    again = store.batch("batch_1")
    assert (again.state, again.deadline, again.output_file) == (State.IN_PROGRESS, 9000, None)
    assert again.window == 3600, "another try has as long as this one"
    assert again.stamps == {"in_progress_at": 8}
    assert (again.counts.completed, again.counts.failed, again.counts.left) == (1, 1, 2)
    assert sorted(claim.line.number for claim in store.claim("w", 9)) == [2, 3]


def capped(store: Store, count: int = 2) -> list[Claim]:
    store.add_batch(batch(max_cost=100))
    store.begin("batch_1", lines(count), at=1)
    return store.claim("w", count)


def test_what_a_call_can_cost_is_held_for_all_lines_together_and_settled_for_what_it_did(store):
    one, two = capped(store)

    assert store.reserve(one, 60, limit=100) is Room.HELD
    assert store.reserve(two, 60, limit=100) is Room.FULL
    store.settle(one, 60, 30)
    assert store.reserve(two, 60, limit=100) is Room.HELD
    assert store.batch("batch_1").counts.spent == 30
    assert store.reserve(one, 71, limit=100) is Room.SPENT


def test_what_a_line_is_recorded_to_have_cost_is_in_the_place_of_what_its_calls_were_taken_for(store):
    one, two = capped(store)
    store.reserve(one, 60, limit=100)
    store.settle(one, 60, 40)

    store.complete([(one, good(cost=25))])

    assert store.batch("batch_1").counts.spent == 25
    assert store.reserve(two, 75, limit=100) is Room.HELD


def test_a_call_that_was_lost_is_spent_in_full_and_one_that_was_not_sent_is_not(store):
    one, two = capped(store)
    store.reserve(one, 60, limit=100)
    store.reserve(two, 30, limit=100)

    for (claim, _), lost in zip(sorted(store.take_over("v"), key=number_of), (True, False), strict=True):
        store.give_back(claim, lost=lost)

    assert store.batch("batch_1").counts.spent == 60
    assert [store.reserve(claim, 41, limit=100) for claim in store.claim("w", 1)] == [Room.SPENT]


def test_what_a_lost_try_is_known_to_have_cost_is_spent_at_least(store):
    one, two = capped(store)
    store.reserve(one, 60, limit=100)
    store.settle(one, 60, 20)
    store.reserve(one, 10, limit=100)

    store.give_back(one, cost=15, lost=True)
    store.give_back(two, cost=3, lost=True)

    assert store.batch("batch_1").counts.spent == 33


def number_of(left):
    return left[0].line.number


def test_nothing_is_held_for_a_claim_that_is_held_no_longer(store):
    one, two = capped(store)
    store.take_over("v")

    assert store.reserve(one, 10, limit=100) is Room.SPENT
    store.settle(two, 10, 10)
    assert store.batch("batch_1").counts.spent == 0


def test_one_at_a_time_moves_a_batch_on(store):
    store.add_batch(batch())

    with store.alone("batch_1") as alone:
        assert alone
    with store.alone("batch_1") as alone:
        assert alone
