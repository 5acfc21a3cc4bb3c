"""OpenTelemetry: what happened as GenAI spans and metrics; the one door to its SDK (`farthing[otel]`).

The names are those of the semantic conventions, which still move: they stand in one table each.
No span holds text of a prompt or an answer.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import TypeAlias

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import Histogram, MeterProvider
from opentelemetry.sdk.metrics import MeterProvider as SdkMeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider as SdkTracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode, TracerProvider, set_span_in_context

from router.entry import LedgerEntry
from router.types import DOLLAR
from router.types import Status as Ended

Value: TypeAlias = str | int | float | bool

ATTRIBUTES: Mapping[str, str] = MappingProxyType(
    {
        "gen_ai.provider.name": "provider",
        "gen_ai.request.model": "model",
        "gen_ai.response.model": "served_model",
        "gen_ai.response.id": "served_id",
        "gen_ai.usage.input_tokens": "input_tokens",
        "gen_ai.usage.output_tokens": "output_tokens",
        "gen_ai.usage.cache_read.input_tokens": "cached_tokens",
        "gen_ai.usage.reasoning.output_tokens": "reasoning_tokens",
        "gen_ai.conversation.id": "session",
        "error.type": "error",
        "farthing.request.id": "request_id",
        "farthing.attempt": "attempt",
        "farthing.purpose": "purpose",
        "farthing.status": "status",
        "farthing.policy": "policy",
        "farthing.asked": "asked",
        "farthing.reason": "reason",
        "farthing.arm": "arm",
        "farthing.cost.grade": "cost_grade",
        "farthing.usage.grade": "usage_grade",
    }
)
"""Attribute of a span to column of the ledger; what is unknown is left out."""

AMOUNTS: Mapping[str, str] = MappingProxyType(
    {
        "farthing.cost.usd": "cost",
        "farthing.cost.bound_usd": "cost_bound",
        "farthing.cost.baseline_usd": "baseline_cost",
    }
)
"""The same for money, in US dollars: the conventions have no attribute for it."""

DURATION = "gen_ai.client.operation.duration"
FIRST_TOKEN = "gen_ai.client.operation.time_to_first_chunk"  # noqa: S105 - of a stream
TOKENS = "gen_ai.client.token.usage"
COST = "farthing.cost"

OPERATIONS: Mapping[str, str] = MappingProxyType(
    {"chat": "chat", "completions": "text_completion", "embeddings": "embeddings"}
)
"""Endpoint to the conventions' name of the operation."""


class Telemetry:
    """A sink that makes a span an attempt, in one trace a request, and counts what the conventions count."""

    def __init__(self, tracers: TracerProvider, meters: MeterProvider) -> None:
        self._tracer = tracers.get_tracer("farthing")
        meter = meters.get_meter("farthing")
        self._duration = meter.create_histogram(DURATION, unit="s")
        self._first = meter.create_histogram(FIRST_TOKEN, unit="s")
        self._tokens = meter.create_histogram(TOKENS, unit="{token}")
        self._cost = meter.create_counter(COST, unit="USD")

    def write(self, entries: Iterable[LedgerEntry], /) -> None:
        """Make spans of attempts of one request; they are sent by another thread."""
        rows = list(entries)
        if not rows:
            return
        last = rows[-1]
        end = max(_nanoseconds(row, after_ms=row.duration_ms) for row in rows)
        operation = OPERATIONS[last.endpoint]
        start = _nanoseconds(rows[0])
        whole = self._tracer.start_span(f"{operation} {last.asked}", kind=SpanKind.SERVER, start_time=start)
        whole.set_attributes({"farthing.request.id": last.request_id, "farthing.policy": last.policy})
        context = set_span_in_context(whole)
        for row in rows:
            span = self._tracer.start_span(
                f"{operation} {row.model}",
                context=context,
                kind=SpanKind.CLIENT,
                start_time=_nanoseconds(row),
                attributes=_attributes(row),
            )
            if row.status == Ended.FAILED:
                span.set_status(Status(StatusCode.ERROR, row.error))
            span.end(_nanoseconds(row, after_ms=row.duration_ms))
            self._measure(row)
        whole.end(end)

    def _measure(self, row: LedgerEntry) -> None:
        labels: dict[str, Value] = {
            "gen_ai.operation.name": OPERATIONS[row.endpoint],
            "gen_ai.request.model": row.model,
        }
        if row.provider is not None:
            labels["gen_ai.provider.name"] = row.provider
        failed: dict[str, Value] = {"error.type": row.error} if row.error else {}
        self._duration.record(row.duration_ms / 1000, {**labels, **failed})
        if row.first_token_ms is not None:
            self._first.record(row.first_token_ms / 1000, labels)
        _count(self._tokens, row.input_tokens, {**labels, "gen_ai.token.type": "input"})
        _count(self._tokens, row.output_tokens, {**labels, "gen_ai.token.type": "output"})
        if row.cost:
            self._cost.add(row.cost / DOLLAR, labels)


def telemetry() -> Telemetry:
    """Send by OTLP over HTTP, to where the usual variables (`OTEL_EXPORTER_OTLP_ENDPOINT` …) say."""
    resource = Resource.create({"service.name": "farthing"})
    tracers = SdkTracerProvider(resource=resource)
    tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    reader = PeriodicExportingMetricReader(OTLPMetricExporter())
    return Telemetry(tracers, SdkMeterProvider([reader], resource=resource))


def _attributes(row: LedgerEntry) -> dict[str, Value]:
    told = {name: getattr(row, column) for name, column in ATTRIBUTES.items()}
    amounts = {name: getattr(row, column) for name, column in AMOUNTS.items()}
    paid = {name: amount / DOLLAR for name, amount in amounts.items() if amount is not None}
    known = {name: value for name, value in told.items() if value is not None}
    return {"gen_ai.operation.name": OPERATIONS[row.endpoint], **known, **paid}


def _nanoseconds(row: LedgerEntry, *, after_ms: float = 0.0) -> int:
    return int((row.time + timedelta(milliseconds=after_ms)).timestamp() * 1e9)


def _count(histogram: Histogram, tokens: int | None, labels: Mapping[str, Value]) -> None:
    if tokens is not None:
        histogram.record(tokens, labels)
