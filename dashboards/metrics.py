"""Prometheus metrics: base units, labels bounded by the configuration.

Keys, users and tags are no labels: they come from the ledger.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector

from router.entry import LedgerEntry
from router.types import DOLLAR, Grade, Status

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)


BASELINE = "What the strongest model alone would have cost, in US dollars: computed."


class Backlog:
    """Tells what waits in a spool's folder, when it is asked."""

    def __init__(self, spool: Path, clock: Callable[[], float] = time.time) -> None:  # noqa: TID251 - files have it
        self._spool, self._clock = spool, clock

    def collect(self) -> Iterator[GaugeMetricFamily]:
        size, oldest = 0, self._clock()
        for path in self._spool.glob("*.jsonl"):
            try:
                told = path.stat()
            except FileNotFoundError:
                continue  # the drainer was quicker
            size, oldest = size + told.st_size, min(oldest, told.st_mtime)
        yield GaugeMetricFamily("farthing_spool_bytes", "Sealed, and not yet in the ledger.", size)
        age = max(0.0, self._clock() - oldest)
        yield GaugeMetricFamily("farthing_spool_age_seconds", "Of the oldest sealed segment.", age)


class Metrics:
    """A sink that counts.

    `shared` is true where several workers write into one folder of mapped files; `spool` is what is watched.
    """

    def __init__(self, *, shared: bool = False, spool: Path | None = None) -> None:
        self._shared = shared
        self._backlog = Backlog(spool) if spool is not None else None
        self._registry = registry = CollectorRegistry()
        labels = ("policy", "model")
        count = partial(Counter, registry=registry)
        times = partial(Histogram, registry=registry, buckets=SECONDS)
        self._requests = count("farthing_requests", "Requests.", (*labels, "status"))
        self._attempts = count("farthing_attempts", "Upstream calls.", ("model", "status"))
        self._cost = count("farthing_cost_usd", "Spent, in US dollars.", labels)
        self._baseline = count("farthing_baseline_cost_usd", BASELINE, ("policy",))
        self._tokens = count("farthing_tokens", "Tokens.", ("model", "kind"))
        self._escalations = count("farthing_escalations", "Answers rejected by a check.", labels)
        self._graded = count(
            "farthing_attempts_by_grade", "Upstream calls by how their cost is known.", ("grade",)
        )
        self._broken = Gauge(
            "farthing_promise_broken",
            "1 while audits find more failures than the policy promised.",
            ("policy",),
            registry=registry,
            multiprocess_mode="max",
        )
        self._substituted = count(
            "farthing_substitutions", "Answers of another model than asked.", ("model",)
        )
        self._duration = times("farthing_attempt_duration_seconds", "Upstream calls.", ("model",))
        self._first = times("farthing_first_token_seconds", "Until the first token.", ("model",))

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
        gathered = self._registry
        if self._shared:
            gathered = CollectorRegistry()
            MultiProcessCollector(gathered)  # type: ignore[no-untyped-call] # untyped there
        # Labels come from the configuration; what no text format can carry is spelt out by the library.
        told = generate_latest(gathered)
        if self._backlog is None:
            return told
        watched = CollectorRegistry()
        watched.register(self._backlog)
        return told + generate_latest(watched)

    def _attempt(self, entry: LedgerEntry) -> None:
        model = entry.model
        self._attempts.labels(model, entry.status).inc()
        self._graded.labels(entry.cost_grade).inc()
        self._duration.labels(model).observe(entry.duration_ms / 1000)
        if entry.first_token_ms is not None:
            self._first.labels(model).observe(entry.first_token_ms / 1000)
        if entry.cost_grade != Grade.UNPRICED and entry.cost:
            self._cost.labels(entry.policy, model).inc(entry.cost / DOLLAR)
        if entry.baseline_cost and entry.final:
            self._baseline.labels(entry.policy).inc(entry.baseline_cost / DOLLAR)
        if entry.input_tokens:
            self._tokens.labels(model, "input").inc(entry.input_tokens)
        if entry.output_tokens:
            self._tokens.labels(model, "output").inc(entry.output_tokens)
        if entry.status == Status.REJECTED:
            self._escalations.labels(entry.policy, model).inc()
        if entry.substituted:
            self._substituted.labels(model).inc()
