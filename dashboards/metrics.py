"""Prometheus metrics: base units, labels bounded by the configuration.

Keys, users and tags are no labels: they come from the ledger.
"""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from router.entry import LedgerEntry
from router.types import DOLLAR, Grade, Status

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)


class Metrics:
    """A sink that counts; `shared` is true where several workers write into one folder of mapped files."""

    def __init__(self, *, shared: bool = False) -> None:
        self._shared = shared
        self._registry = registry = CollectorRegistry()
        labels = ("policy", "model")
        self._requests = Counter("farthing_requests", "Requests.", (*labels, "status"), registry=registry)
        self._attempts = Counter(
            "farthing_attempts", "Upstream calls.", ("model", "status"), registry=registry
        )
        self._cost = Counter("farthing_cost_usd", "Spent, in US dollars.", labels, registry=registry)
        self._tokens = Counter("farthing_tokens", "Tokens.", ("model", "kind"), registry=registry)
        self._escalations = Counter(
            "farthing_escalations", "Answers rejected by a check.", labels, registry=registry
        )
        self._graded = Counter(
            "farthing_attempts_by_grade",
            "Upstream calls by how their cost is known.",
            ("grade",),
            registry=registry,
        )
        self._broken = Gauge(
            "farthing_promise_broken",
            "1 while audits find more failures than the policy promised.",
            ("policy",),
            registry=registry,
            multiprocess_mode="max",
        )
        self._substituted = Counter(
            "farthing_substitutions", "Answers of another model than asked.", ("model",), registry=registry
        )
        self._duration = Histogram(
            "farthing_attempt_duration_seconds",
            "Upstream calls.",
            ("model",),
            registry=registry,
            buckets=SECONDS,
        )
        self._first = Histogram(
            "farthing_first_token_seconds",
            "Until the first token.",
            ("model",),
            registry=registry,
            buckets=SECONDS,
        )

    def write(self, entries: Iterable[LedgerEntry], /) -> None:
        for entry in entries:
            self._attempt(entry)
            if entry.final:
                self._requests.labels(entry.policy, entry.model, entry.status).inc()

    def alarm(self, policy: str, broken: bool) -> None:
        """Show that a policy's promise does not hold, or that it holds again."""
        self._broken.labels(policy).set(broken)

    def expose(self) -> bytes:
        """Write everything in Prometheus' text format."""
        if not self._shared:
            return generate_latest(self._registry)
        gathered = CollectorRegistry()
        MultiProcessCollector(gathered)  # type: ignore[no-untyped-call] # untyped there
        return generate_latest(gathered)

    def _attempt(self, entry: LedgerEntry) -> None:
        model = entry.model
        self._attempts.labels(model, entry.status).inc()
        self._graded.labels(entry.cost_grade).inc()
        self._duration.labels(model).observe(entry.duration_ms / 1000)
        if entry.first_token_ms is not None:
            self._first.labels(model).observe(entry.first_token_ms / 1000)
        if entry.cost_grade != Grade.UNPRICED and entry.cost:
            self._cost.labels(entry.policy, model).inc(entry.cost / DOLLAR)
        if entry.input_tokens:
            self._tokens.labels(model, "input").inc(entry.input_tokens)
        if entry.output_tokens:
            self._tokens.labels(model, "output").inc(entry.output_tokens)
        if entry.status == Status.REJECTED:
            self._escalations.labels(entry.policy, model).inc()
        if entry.substituted:
            self._substituted.labels(model).inc()
