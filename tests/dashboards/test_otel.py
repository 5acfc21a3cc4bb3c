"""What is told to OpenTelemetry, by its own exporters in memory."""

import pytest

pytest.importorskip("opentelemetry.sdk", reason="the extra `otel` is not installed")

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from dashboards.otel import AMOUNTS, ATTRIBUTES, COST, DURATION, TOKENS, Telemetry
from router.entry import LedgerEntry
from tests.support.world import row


def told(*rows):
    """The spans and the metrics of one request."""
    spans, reader = InMemorySpanExporter(), InMemoryMetricReader()
    tracers = TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(spans))
    Telemetry(tracers, MeterProvider([reader])).write(rows)
    data = reader.get_metrics_data()
    metrics = data.resource_metrics[0].scope_metrics[0].metrics if data else []
    return spans.get_finished_spans(), {metric.name: metric.data.data_points for metric in metrics}


def test_an_attempt_is_a_span_below_its_requests():
    rejected = row(final=False, status="rejected", model="small", cost=10**12)
    accepted = row(attempt=2, model="big", cost=3 * 10**12, input_tokens=7, output_tokens=5)
    spans, metrics = told(rejected, accepted)
    *attempts, whole = spans
    assert [span.name for span in attempts] == ["chat small", "chat big"]
    assert {span.parent.span_id for span in attempts} == {whole.context.span_id}
    assert attempts[1].attributes["gen_ai.usage.input_tokens"] == 7
    assert attempts[1].attributes["farthing.cost.usd"] == 3.0
    assert "gen_ai.usage.input_tokens" not in attempts[0].attributes, "unknown is not 0"
    assert sum(point.value for point in metrics[COST]) == 4.0
    assert {point.attributes["gen_ai.token.type"] for point in metrics[TOKENS]} == {"input", "output"}
    assert len(metrics[DURATION]) == 2


def test_a_failed_attempt_says_why():
    (span, _), _ = told(row(status="failed", error="TimedOut"))
    assert (span.status.status_code.name, span.attributes["error.type"]) == ("ERROR", "TimedOut")


def test_a_request_of_which_nothing_was_tried_says_nothing():
    assert told() == ((), {})


def test_every_column_is_one_and_no_caller_is_a_label():
    columns = LedgerEntry.__dataclass_fields__
    assert {*ATTRIBUTES.values(), *AMOUNTS.values()} <= columns.keys()
    _, metrics = told(row(key="secret-key", user="somebody", tags=("t-1",), session="s-1"))
    labels = str([point.attributes for points in metrics.values() for point in points])
    assert not any(word in labels for word in ("secret-key", "somebody", "t-1", "s-1"))
