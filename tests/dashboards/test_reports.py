# ruff: noqa: E501 - tables of cases
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random

import pytest

from dashboards import reports
from dashboards.periods import instant
from dashboards.reports import available, load, run
from dashboards.scope import DIMENSIONS
from dashboards.tables import BadReport, Column, Unit
from router.ledger.drain import drain
from router.ledger.spool import Spool
from router.ledger.store import Ledger
from tests.support.entries import NOW, entry

DOLLAR = 10**12


def write(data, *rows):
    """Write rows into a ledger and return its folder."""
    spool = Spool(Ledger(data).spool, "w")
    spool.write(rows)
    spool.close()
    drain(Ledger(data))
    return data


@pytest.fixture
def book(tmp_path):
    return partial(write, tmp_path)


@pytest.fixture(scope="module")
def two_requests(tmp_path_factory):
    return write(tmp_path_factory.mktemp("data"), entry(cost=DOLLAR, tags=("one",)), *escalated())


def records(table):
    """Rows as dictionaries from column to cell, the unit's suffix included where names repeat."""
    names = [f"{column.name}_{column.unit}".rstrip("_") for column in table.columns]
    return [dict(zip(names, row, strict=True)) for row in table.rows]


def only(table):
    (record,) = records(table)
    return record


def escalated(request_id="e", *, cheap=1 * DOLLAR, dear=4 * DOLLAR, alone=4 * DOLLAR, **given):
    """A request whose cheap answer was rejected and whose dear one was not."""
    return (
        entry(
            request_id=request_id, attempt=1, final=False, status="rejected", cost=cheap,
            baseline_model=None, baseline_cost=None, verdicts={"shape": "pass", "refusal": "refused"},
            **given,
        ),
        entry(
            request_id=request_id, attempt=2, model="big", cost=dear, baseline_cost=alone,
            verdicts={"shape": "pass", "refusal": "pass"}, **given,
        ),
    )  # fmt: skip


def test_every_report_runs_on_a_ledger_nobody_wrote_to(tmp_path):
    for report in available():
        table = run(tmp_path, report.name)
        assert table.title.startswith(report.title)
        assert table.columns


@pytest.mark.parametrize("name", ["overview", "spend", "savings", "models", "escalations", "checks"])
def test_the_reports_that_people_are_promised_are_there(name):
    assert name in {report.name for report in available()}


@pytest.mark.parametrize("by", DIMENSIONS)
@pytest.mark.parametrize("name", ["spend", "savings"])
def test_money_adds_up_whatever_it_is_grouped_by(two_requests, name, by):
    rows = records(run(two_requests, name, by=by))

    assert sum(row["spend_picodollars"] for row in rows) == 6 * DOLLAR
    assert set(rows[0]) >= {by, "requests", "spend_picodollars"}


def test_the_overview_of_nothing_is_zeros_and_unknowns(tmp_path):
    record = only(run(tmp_path, "overview"))

    assert (record["requests"], record["spend_picodollars"]) == (0, 0)
    assert record["saving_picodollars"] is None
    assert record["failed_share"] is None


def test_what_was_saved_is_net_of_rejected_attempts(book):
    data = book(entry(cost=1 * DOLLAR, baseline_cost=4 * DOLLAR), *escalated())

    record = only(run(data, "overview"))

    assert record["spend_picodollars"] == 6 * DOLLAR
    assert record["spend_on_rejected_picodollars"] == 1 * DOLLAR
    assert record["strongest_alone_picodollars"] == 8 * DOLLAR
    assert record["saving_picodollars"] == 2 * DOLLAR
    assert record["saving_share"] == 0.25
    assert (record["requests"], record["attempts"], record["escalated"]) == (2, 3, 1)


def test_a_request_that_failed_saved_nothing_and_cost_what_it_cost(book):
    failed = entry(request_id="f", status="failed", error="Truncated", cost=DOLLAR, baseline_cost=9 * DOLLAR)

    record = only(run(book(entry(cost=DOLLAR, baseline_cost=4 * DOLLAR), failed), "overview"))

    assert record["saving_picodollars"] == 2 * DOLLAR
    assert (record["failed"], record["failed_share"]) == (1, 0.5)


def test_vectors_and_texts_are_compared_with_no_model_of_chats(book):
    vectors = entry(request_id="v", endpoint="embeddings", cost=DOLLAR, baseline_cost=None, output_tokens=0)

    record = only(run(book(entry(cost=DOLLAR, baseline_cost=4 * DOLLAR), vectors), "overview"))

    assert (record["spend_picodollars"], record["saving_picodollars"]) == (2 * DOLLAR, 3 * DOLLAR)
    assert record["requests_without_known_saving"] == 1


def test_where_a_price_is_unknown_so_is_the_saving(book):
    unpriced = entry(request_id="u", cost=None, cost_bound=None, cost_grade="unpriced")
    no_baseline = entry(request_id="b", cost=DOLLAR, baseline_model=None, baseline_cost=None)

    record = only(run(book(unpriced, no_baseline), "overview"))

    assert record["requests_without_known_saving"] == 2
    assert record["saving_picodollars"] is None
    assert record["unpriced_attempts"] == 1
    assert record["spend_picodollars"] == DOLLAR


def test_a_caller_who_left_before_an_answer_saved_nothing(book):
    left = entry(status="cancelled", output_tokens=0, cost=DOLLAR, baseline_model=None, baseline_cost=None)

    record = only(run(book(left), "overview"))

    assert record["saving_picodollars"] == -DOLLAR
    assert (record["cancelled"], record["failed"]) == (1, 0)


def test_calls_made_to_check_an_answer_are_paid_for_and_are_no_answers(book):
    judge = entry(attempt=1, final=False, purpose="check", model="judge", cost=DOLLAR, baseline_cost=None)
    answer = entry(attempt=2, status="failed", output_tokens=0, cost=0, baseline_cost=None)

    data = book(judge, answer)

    assert only(run(data, "overview"))["failed"] == 1
    models = {record["model"]: record for record in records(run(data, "models"))}
    assert (models["judge"]["attempts"], models["judge"]["calls_to_check"]) == (0, 1)
    assert models["judge"]["spend_picodollars"] == DOLLAR


def test_latency_runs_from_the_first_attempt_to_the_end_of_the_last(book):
    rejected, accepted = escalated()
    later = entry(
        request_id="e",
        attempt=2,
        time=NOW + timedelta(milliseconds=150),
        duration_ms=300.0,
        first_token_ms=50.0,
    )

    record = only(run(book(rejected, later), "overview"))

    assert accepted.request_id == "e"
    assert record["latency_p50_ms"] == record["latency_p95_ms"] == 450.0
    assert record["first_token_p50_ms"] == 200.0


def test_rows_that_are_estimated_or_simulated_are_shares_of_all_rows(book):
    rows = (entry(request_id="a", usage_grade="estimated"), entry(request_id="b", simulated=True))

    record = only(run(book(*rows), "overview"))

    assert (record["estimated_share"], record["simulated_share"]) == (0.5, 0.5)


@pytest.mark.parametrize("name", ["overview", "spend", "savings", "models"])
def test_what_the_demo_asks_to_compare_with_counts_only_when_asked_for(book, name):
    data = book(entry(cost=DOLLAR), entry(request_id="c", cost=DOLLAR, tags=("x", "farthing-baseline")))

    assert sum(r["spend_picodollars"] for r in records(run(data, name))) == DOLLAR
    assert sum(r["spend_picodollars"] for r in records(run(data, name, comparison=True))) == 2 * DOLLAR


def test_spend_has_a_row_a_label_the_dearest_first(book):
    data = book(
        entry(cost=DOLLAR), entry(request_id="b", model="big", cost=3 * DOLLAR), entry(request_id="n")
    )

    rows = records(run(data, "spend", by="model"))

    assert [(row["model"], row["requests"]) for row in rows] == [("big", 1), ("small", 2)]
    assert rows[0]["spend_share"] == pytest.approx(0.75, abs=1e-5)


def test_days_come_in_their_order(book):
    rows = [entry(request_id=str(d), time=NOW - timedelta(days=d), cost=d * DOLLAR) for d in (2, 0, 1)]
    data = book(*rows)

    assert [row[0] for row in run(data, "spend", by="day").rows] == ["2026-11-21", "2026-11-22", "2026-11-23"]
    assert [row[0] for row in run(data, "spend", by="week").rows] == ["2026-W47", "2026-W48"]
    assert [row[0] for row in run(data, "savings", by="month").rows] == ["2026-11"]


def test_a_row_with_two_tags_counts_under_both_and_once_in_the_share(book):
    data = book(entry(cost=DOLLAR, tags=("a", "b")), entry(request_id="n", cost=DOLLAR))

    rows = records(run(data, "spend", by="tag"))

    assert {row["tag"]: row["spend_share"] for row in rows} == {"a": 0.5, "b": 0.5, None: 0.5}


def test_models_are_counted_by_how_their_attempts_ended(book):
    models = {row["model"]: row for row in records(run(book(*escalated(), entry(cost=DOLLAR)), "models"))}

    small = models["small"]
    assert (small["attempts"], small["accepted"], small["rejected"], small["failed"]) == (2, 1, 1, 0)
    assert small["accepted_share"] == 0.5
    assert small["mean_cost_picodollars"] == DOLLAR
    assert models["big"]["spend_picodollars"] == 4 * DOLLAR


def test_escalations_say_from_where_to_where_and_why(book):
    failover = (
        entry(request_id="f", attempt=1, final=False, status="failed", error="TimedOut", cost=0),
        entry(request_id="f", attempt=2, model="big"),
    )
    data = book(*escalated(), *escalated("e2"), *failover, entry(request_id="plain"))

    assert [tuple(row) for row in run(data, "escalations").rows] == [
        ("escalation", "small", "big", "refusal", 2, 2 * DOLLAR),
        ("failover", "small", "big", "TimedOut", 1, 0),
    ]


def test_checks_say_how_often_each_ran_and_fired(book):
    checks = {row["check"]: row for row in records(run(book(*escalated()), "checks"))}

    assert (checks["refusal"]["ran"], checks["refusal"]["fired"]) == (2, 1)
    assert checks["refusal"]["commonest_reason"] == "refused"
    assert (checks["shape"]["fired"], checks["shape"]["commonest_reason"]) == (0, None)


def test_a_period_has_its_beginning_and_not_its_end(book):
    rows = [entry(request_id=str(hour), time=NOW + timedelta(hours=hour)) for hour in range(4)]

    table = run(book(*rows), "overview", since=NOW + timedelta(hours=1), until="2026-11-23T15:00")

    assert only(table)["requests"] == 2
    assert (table.since, table.until) == (NOW + timedelta(hours=1), datetime(2026, 11, 23, 15, tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("7d", NOW - timedelta(days=7)),
        ("12h", NOW - timedelta(hours=12)),
        ("30m", NOW - timedelta(minutes=30)),
        (" 2w ", NOW - timedelta(weeks=2)),
        ("2026-11-01", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01T08:30", datetime(2026, 11, 1, 8, 30, tzinfo=UTC)),
        ("2026-11-01T08:30+02:00", datetime(2026, 11, 1, 6, 30, tzinfo=UTC)),
    ],
)
def test_times_are_read_as_people_write_them(text, read):
    assert instant(text, NOW) == read


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "7",
        "d",
        "-7d",
        "1e3d",
        "999999w",
        "2026-13-01",
        "0001-01-01T00:00+14:00",
        "'; DROP",
        "٣d",
    ],
)
def test_what_is_no_time_is_refused_in_one_line(text):
    with pytest.raises(BadReport, match=r"is no time: write 12h") as caught:
        instant(text, NOW)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("profits", {}, "There is no report 'profits'; there is attempts, "),
        ("../views", {}, "There is no report"),
        ("spend", {"by": "mood"}, "'mood' is nothing to group by; there is model, "),
        ("spend", {"by": "model; DROP TABLE ledger"}, "is nothing to group by"),
        ("overview", {"by": "model"}, "is not grouped by anything"),
        ("overview", {"since": "1h", "until": "2h"}, "The period is empty"),
        ("overview", {"since": "soon"}, "is no time"),
    ],
)
def test_what_cannot_be_asked_for_is_a_sentence(tmp_path, name, given, words):
    with pytest.raises(BadReport, match=words):
        run(tmp_path, name, now=NOW, **given)


def test_a_file_of_sql_is_a_report_and_needs_nothing_else(book, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "slow.sql").write_text(
        "-- title: Slow\n-- question: What was slow?\n"
        "SELECT model, max(duration_ms) AS worst_ms FROM entries GROUP BY model\n"
    )

    table = run(book(entry()), "slow", folder=folder)

    assert (table.title, table.question) == ("Slow", "What was slow?")
    assert table.columns == (Column(name="model"), Column(name="worst", unit=Unit.MILLISECONDS))
    assert table.rows == (("small", 100.0),)


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELECT 1", "has no line `-- title: ...`"),
        ("-- title: T\nSELECT 1", "has no line `-- question: ...`"),
        ("-- title: T\n-- question: Q\n-- by: mood\nSELECT 1", "is nothing to group by"),
        ("-- title: T\n-- question: Q\nSELECT nonsense FROM entries", "The report 'mine' fails: "),
    ],
)
def test_a_report_that_is_wrong_says_where(tmp_path, sql, words):
    (tmp_path / "mine.sql").write_text(sql)

    with pytest.raises(BadReport, match=words):
        run(tmp_path / "data", "mine", folder=tmp_path)


def test_cells_of_other_types_become_text(tmp_path):
    (tmp_path / "mine.sql").write_text(
        "-- title: T\n-- question: Q\nSELECT DATE '2026-11-23', 'nan'::DOUBLE, [1], true, 1.5::DECIMAL(3, 1)"
    )

    assert run(tmp_path / "data", "mine", folder=tmp_path).rows == (("2026-11-23", None, "[1]", True, "1.5"),)


def test_a_report_reads_its_own_header():
    report = load(reports.FOLDER / "spend.sql")

    assert (report.name, report.title, report.by, report.layout) == ("spend", "Spend", "model", "table")


def test_a_last_row_says_what_putting_a_request_together_says(book, tmp_path):
    """The columns that `entries_of` fills, against the rows without them."""
    later = NOW + timedelta(milliseconds=150)
    rows = escalated()
    told = (
        replace(rows[0], attempts=2, handed_to="big"),
        replace(
            rows[1], time=later, attempts=2, ended="accepted", escalated=True, total_cost=5 * DOLLAR,
            total_bound=5 * DOLLAR + 5_000_000, rejected_cost=DOLLAR, unpriced_attempts=0, estimated_attempts=0,
            total_output_tokens=20, total_ms=250.0, answered_ms=170.0,
        ),
    )  # fmt: skip
    book(*told)
    plain = write(tmp_path / "plain", rows[0], replace(rows[1], time=later))
    for name in ("overview", "savings", "escalations", "quality", "latency"):
        shown, expected = run(tmp_path, name), run(plain, name)
        hidden = {"spend_at_most"}
        kept = [i for i, column in enumerate(shown.columns) if column.name not in hidden]
        assert [[row[i] for i in kept] for row in shown.rows] == [
            [row[i] for i in kept] for row in expected.rows
        ]


def test_an_interval_narrows_as_requests_grow(book):
    moments = [NOW + timedelta(milliseconds=number) for number in range(400)]
    rows = [
        entry(request_id=f"n{number}", time=moment, cost=(1 + number % 7) * DOLLAR, baseline_cost=10 * DOLLAR)
        for number, moment in enumerate(moments)
    ]
    data = book(*rows[:40])
    few = only(run(data, "overview"))
    many = only(run(book(*rows[40:]), "overview"))
    for record in (few, many):
        assert record["saving_low_share"] < record["saving_share"] < record["saving_high_share"]
    width = lambda record: record["saving_high_share"] - record["saving_low_share"]  # noqa: E731
    assert width(many) < width(few)


def test_the_interval_holds_the_truth_about_as_often_as_it_says(book):
    """Cost is a coin of 1 or 3 dollars beside 10: the saving is 0.8 in truth."""
    draw, rounds = Random(5), 20
    data = book(*(
        entry(
            request_id=f"{number}-{n}", policy=f"p{number}", time=NOW + timedelta(milliseconds=n),
            cost=draw.choice((1, 3)) * DOLLAR, baseline_cost=10 * DOLLAR,
        )
        for number in range(rounds) for n in range(200)
    ))  # fmt: skip
    told = [only(run(data, "overview", where=[f"policy=p{number}"])) for number in range(rounds)]
    held = sum(row["saving_low_share"] <= 0.8 <= row["saving_high_share"] for row in told)
    assert held >= rounds * 0.85


def test_audits_cost_and_save_nothing(book):
    audit = entry(attempt=2, final=False, purpose="audit", cost=DOLLAR, baseline_cost=None, model="big")
    record = only(run(book(entry(cost=DOLLAR, baseline_cost=4 * DOLLAR), audit), "overview"))
    assert record["spend_picodollars"] == 2 * DOLLAR
    assert record["spend_on_audits_picodollars"] == DOLLAR
    assert record["saving_picodollars"] == 2 * DOLLAR


def test_against_itself_routing_changes_nothing(book):
    """An A/A test: both sides are drawn from the same requests."""
    draw = Random(11)
    rows = [
        entry(
            request_id=f"n{number}", time=NOW + timedelta(seconds=number), cost=draw.randint(1, 9) * DOLLAR,
            arm=draw.choice(("routed", "control")), duration_ms=draw.random() * 100,
        )
        for number in range(600)
    ]  # fmt: skip
    told = records(run(book(*rows), "prove"))
    assert {row["what"] for row in told} >= {"dollars a request", "milliseconds of waiting"}
    for row in told:
        assert row["difference_low"] <= 0 <= row["difference_high"]
        assert row["verdict"] == "cannot be told yet"


def test_a_difference_that_is_there_is_found(book):
    draw = Random(12)
    rows = [
        entry(
            request_id=f"n{number}", time=NOW + timedelta(seconds=number), arm=arm,
            cost=(draw.randint(1, 9) + (20 if arm == "control" else 0)) * DOLLAR,
        )
        for number in range(400) for arm in [draw.choice(("routed", "control"))]
    ]  # fmt: skip
    (dollars,) = [row for row in records(run(book(*rows), "prove")) if row["what"] == "dollars a request"]
    assert dollars["verdict"] == "differs"
    assert dollars["difference_high"] < 0


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("model=small", 1), ("model!=small", 1), ("model~BI", 1), ("cost>1.5", 1), ("cost<=$1", 1), ("team=", 0),
        ("team!=", 2), ("tag=a", 1), ("tag=", 1), ("simulated=false", 2), ("duration_ms>=100", 2),
        ("model='; DROP TABLE ledger; --", 0), ("model=small' OR 'a'='a", 0),
    ],
)  # fmt: skip
def test_conditions_choose_rows(book, condition, found):
    data = book(entry(cost=DOLLAR, tags=("a",)), entry(request_id="b", model="big", cost=2 * DOLLAR))
    assert only(run(data, "overview", where=[condition]))["requests"] == found


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ("model", "is no condition"), ("mood=good", "There is no column 'mood'; there is answered_ms, "),
        ("cost>much", "`cost` is a number"), ("cost>NaN", "`cost` is a number"), ("cost~1", "`~` looks into text"),
        ("simulated=maybe", "is true or false"), ("tag>a", "A tag is asked for"), ("cost>", "needs a value"),
        ("model) OR (1=1", "is no condition"),
    ],
)  # fmt: skip
def test_a_condition_that_cannot_be_read_is_a_sentence(tmp_path, condition, words):
    with pytest.raises(BadReport, match=re.escape(words)):
        run(tmp_path, "overview", where=[condition])


@pytest.mark.parametrize(
    "sql",
    ["FROM read_csv('/etc/passwd')", "COPY (SELECT 1) TO '/tmp/x.csv'", "SET enable_external_access = true"],
)
def test_a_report_that_somebody_sent_reads_the_ledger_and_nothing_else(tmp_path, sql):
    (tmp_path / "mine.sql").write_text(f"-- title: T\n-- question: Q\n{sql}\n")
    with pytest.raises(BadReport, match="The report 'mine' fails"):
        run(tmp_path / "data", "mine", folder=tmp_path)


def test_a_batch_is_told_by_who_answered_its_lines(book):
    lines = [row for n in range(3) for row in escalated(f"b-{n}", batch="batch_1")]
    data = book(*lines, entry(request_id="b-9", model="small", cost=DOLLAR, batch="batch_1"), entry())

    told = records(run(data, "batches"))

    assert [(row["batch"], row["model"], row["answered"], row["rejected"]) for row in told] == [
        ("batch_1", "big", 3, 0),
        ("batch_1", "small", 1, 3),
    ]
    assert [row["spend_picodollars"] for row in told] == [12 * DOLLAR, 4 * DOLLAR]
