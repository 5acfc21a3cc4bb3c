"""The ledger's row: one attempt, flat, and how an outcome becomes rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from router.types import Attempt, Outcome, Picodollars


@dataclass(frozen=True, kw_only=True)
class LedgerEntry:
    """One attempt as a flat row: the columns of the ledger, in their order.

    `verdicts` maps check to "pass" or the reason it failed; `predictions` the candidates' chances of success;
    `lengths` the tokens expected of them, `vector` the classifier's numbers, and `scale` says what they mean.
    From `decided` on stands what a decision was made of, digit for digit, so that it can be made again:
    what was needed and allowed, the labels that policies asked for, and the moment (see `Features`).
    No field holds text of a prompt or an answer.
    `committed` is true if the caller saw this attempt, `variant` names how the request was amended for it.
    `overturned` is true if the answer accepted in the end says the same as this rejected one.
    `final` is true on exactly one row of every request: the last.
    `cost` is booked: `cost_reported`, what the provider said, or `cost_computed`, what its prices make of it.
    `served_id` is the upstream's own name for the answer; `usage_flaw` why its usage was not believed.
    It has no slots: orjson writes it twice as fast without.
    """

    time: datetime
    request_id: str
    attempt: int
    purpose: str
    final: bool
    status: str
    error: str | None
    key: str | None
    team: str | None
    user: str | None
    tags: tuple[str, ...]
    session: str | None
    run: str | None
    dialect: str
    stream: bool
    policy: str
    config: str
    asked: str
    model: str
    upstream: str
    provider: str | None
    served_model: str | None
    substituted: bool
    reason: str
    release: str
    finish_reason: str | None
    input_tokens: int | None
    cached_tokens: int | None
    cache_write_tokens: int | None
    output_tokens: int | None
    reasoning_tokens: int | None
    usage_grade: str
    cost: Picodollars | None
    cost_bound: Picodollars | None
    cost_grade: str
    cost_reported: Picodollars | None
    expected_cost: Picodollars | None
    baseline_model: str | None
    baseline_cost: Picodollars | None
    duration_ms: float
    first_token_ms: float | None
    prompt_tokens: int
    predictions: Mapping[str, float] = field(default_factory=dict)
    vector: tuple[float, ...] = ()
    verdicts: Mapping[str, str] = field(default_factory=dict)
    simulated: bool = False
    lane: str = "interactive"
    batch: str | None = None
    kind: str = ""
    scale: str = ""
    served_id: str | None = None
    service_tier: str | None = None
    usage_flaw: str | None = None
    input_audio_tokens: int | None = None
    input_image_tokens: int | None = None
    output_audio_tokens: int | None = None
    output_image_tokens: int | None = None
    cost_computed: Picodollars | None = None
    price_source: str | None = None
    committed: bool = False
    variant: str = ""
    verdict_ms: Mapping[str, float] = field(default_factory=dict)
    verdict_cost: Mapping[str, int] = field(default_factory=dict)
    verdict_scores: Mapping[str, float] = field(default_factory=dict)
    overturned: bool | None = None
    decided: datetime | None = None
    images: int = 0
    needs: tuple[str, ...] = ()
    output_limit: int | None = None
    choices: int = 1
    cost_limit: Picodollars | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    lengths: Mapping[str, float] = field(default_factory=dict)
    moment: Mapping[str, float] = field(default_factory=dict)


def entries_of(outcome: Outcome) -> tuple[LedgerEntry, ...]:
    """One row an attempt; the counterfactual stands on the last row alone, so that sums count it once."""
    last = len(outcome.attempts)
    return tuple(_entry(outcome, attempt, final=attempt.number == last) for attempt in outcome.attempts)


def _entry(outcome: Outcome, attempt: Attempt, *, final: bool) -> LedgerEntry:
    request, decision, usage = outcome.request, attempt.decision, attempt.usage
    who, model = request.principal, decision.model
    reply = attempt.reply
    baseline = outcome.counterfactual if final else None
    return LedgerEntry(
        time=attempt.started,
        request_id=request.id,
        attempt=attempt.number,
        purpose=attempt.purpose,
        final=final,
        status=attempt.status,
        error=type(attempt.error).__name__ if attempt.error else None,
        key=who.key,
        team=who.team,
        user=who.user,
        tags=who.tags,
        session=who.session,
        run=who.run,
        dialect=request.dialect,
        stream=request.stream,
        policy=outcome.policy,
        config=outcome.config,
        asked=request.asked,
        model=model.name,
        upstream=model.upstream,
        provider=model.provider,
        served_model=reply.served_model if reply else None,
        substituted=attempt.substituted,
        reason=decision.reason,
        release=decision.release,
        finish_reason=reply.choices[0].finish_reason if reply and reply.choices else None,
        input_tokens=usage.input,
        cached_tokens=usage.cached,
        cache_write_tokens=usage.cache_write,
        output_tokens=usage.output,
        reasoning_tokens=usage.reasoning,
        usage_grade=usage.grade,
        cost=attempt.charge.amount,
        cost_bound=attempt.charge.bound,
        cost_grade=attempt.charge.grade,
        cost_reported=attempt.charge.reported,
        expected_cost=decision.expected_cost,
        baseline_model=baseline.model if baseline else None,
        baseline_cost=baseline.cost if baseline else None,
        duration_ms=attempt.duration_ms,
        first_token_ms=attempt.first_token_ms,
        prompt_tokens=outcome.features.prompt_tokens,
        predictions={name: p.success for name, p in outcome.features.predictions.items()},
        vector=outcome.features.vector,
        verdicts={v.check: "pass" if v.passed else v.reason for v in attempt.verdicts},
        simulated=model.simulated,
        lane=request.lane,
        batch=who.batch,
        kind=outcome.features.kind,
        scale=outcome.features.scale,
        served_id=attempt.served_id,
        service_tier=usage.tier,
        usage_flaw=usage.flaw,
        input_audio_tokens=usage.audio_input,
        input_image_tokens=usage.image_input,
        output_audio_tokens=usage.audio_output,
        output_image_tokens=usage.image_output,
        cost_computed=attempt.charge.computed,
        price_source=model.prices.source if model.prices else None,
        committed=attempt.committed,
        variant=decision.variant,
        verdict_ms={v.check: v.duration_ms for v in attempt.verdicts if v.duration_ms is not None},
        verdict_cost={v.check: v.cost for v in attempt.verdicts if v.cost},
        verdict_scores={v.check: v.score for v in attempt.verdicts if v.score is not None},
        overturned=attempt.overturned,
        decided=outcome.features.at,
        images=outcome.features.images,
        needs=tuple(sorted(request.needs)),
        output_limit=request.limits.output_tokens,
        choices=request.limits.choices,
        cost_limit=request.limits.cost,
        labels=request.labels,
        lengths={name: p.output_tokens for name, p in outcome.features.predictions.items()},
        moment=decision.moment,
    )
