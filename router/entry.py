"""The ledger's row: one attempt, flat, and how an outcome becomes rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from router.predictions import Predictions
from router.types import Attempt, Grade, Outcome, Picodollars, Prediction, Purpose, Status

MILLISECOND = timedelta(milliseconds=1)

ENDINGS = (Status.ACCEPTED, Status.CANCELLED, Status.REJECTED)
"""How a request ended, by the best that came of any attempt to answer it; else it failed."""


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
    `refused` (model to reason), what its request came to (`ended`, `total_cost` and so on) and the chances of
    success `predicted` stand on the last row alone: so that reports need not put requests together.
    `endpoint` says what was asked for, `longest_tokens` how long the longest of several texts was.
    `whole` is true if the answer came to its end (`None`: none came), `repeatable` if the caller fixed it.
    `attempts` is how many its request took, `handed_to` the model that was asked for an answer next.
    `final` is true on exactly one row of every request: the last.
    `cost` is booked: `cost_reported`, what the provider said, or `cost_computed`, what its prices make of it.
    `served_id` is the upstream's own name for the answer; `usage_flaw` why its usage was not believed.
    `machine_ms` is how long one's own machine worked for it, by the speeds `machine_prefill` and
    `machine_decode`; `machine_hour` is what an hour of it costs, `machine_energy` what one of work adds.
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
    arm: str | None = None
    propensity: float | None = None
    refused: Mapping[str, str] = field(default_factory=dict)
    predicted: float | None = None
    baseline_predicted: float | None = None
    cheapest_model: str | None = None
    cheapest_cost: Picodollars | None = None
    cheapest_predicted: float | None = None
    attempts: int | None = None
    handed_to: str | None = None
    ended: str | None = None
    escalated: bool | None = None
    total_cost: Picodollars | None = None
    total_bound: Picodollars | None = None
    rejected_cost: Picodollars | None = None
    unpriced_attempts: int | None = None
    estimated_attempts: int | None = None
    total_output_tokens: int | None = None
    total_ms: float | None = None
    answered_ms: float | None = None
    machine_ms: float | None = None
    machine_hour: Picodollars | None = None
    machine_energy: Picodollars | None = None
    machine_prefill: float | None = None
    machine_decode: float | None = None
    repeatable: bool = False
    whole: bool | None = None
    endpoint: str = "chat"
    longest_tokens: int | None = None


def entries_of(outcome: Outcome, *, beside: bool = False) -> tuple[LedgerEntry, ...]:
    """One row an attempt; the counterfactual stands on the last row alone, so that sums count it once.

    What was done `beside` a request has no last row: its request has ended without it.
    """
    last = outcome.attempts[-1] if outcome.attempts and not beside else None
    rows = [_entry(outcome, attempt, final=attempt is last) for attempt in outcome.attempts]
    answers = [attempt for attempt in outcome.attempts if attempt.purpose is Purpose.ANSWER]
    for given_up, taken in pairwise(answers):
        index = outcome.attempts.index(given_up)
        rows[index] = replace(rows[index], handed_to=taken.decision.model.name)
    return tuple(rows)


def _entry(outcome: Outcome, attempt: Attempt, *, final: bool) -> LedgerEntry:
    request, decision, usage = outcome.request, attempt.decision, attempt.usage
    who, model = request.principal, decision.model
    machine = model.prices.machine if model.prices else None
    reply = attempt.reply
    baseline = outcome.counterfactual if final else None
    chances = outcome.features.predictions if final else {}
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
        predictions=Predictions.of(outcome.features.predictions).chances(),
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
        machine_ms=attempt.charge.machine_ms,
        machine_hour=machine.hour if machine else None,
        machine_energy=machine.energy if machine else None,
        machine_prefill=machine.prefill if machine else None,
        machine_decode=machine.decode if machine else None,
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
        lengths=Predictions.of(outcome.features.predictions).lengths(),
        moment=decision.moment,
        arm=decision.arm,
        propensity=decision.propensity,
        refused={name: told.reason for name, told in outcome.refused.items()} if final else {},
        predicted=_chance(chances, model.name),
        baseline_predicted=_chance(chances, baseline.model) if baseline else None,
        cheapest_model=baseline.cheapest if baseline else None,
        cheapest_cost=baseline.cheapest_cost if baseline else None,
        cheapest_predicted=_chance(chances, baseline.cheapest) if baseline else None,
        attempts=len(outcome.attempts),
        repeatable=request.repeatable,
        whole=reply.complete if reply else None,
        endpoint=request.endpoint,
        longest_tokens=outcome.features.longest,
        **(_summary(outcome.attempts) if final else {}),
    )


def _summary(attempts: Sequence[Attempt]) -> dict[str, Any]:
    """What a request came to; money is the sum of what is known, times run from the first attempt's start."""
    answers = [attempt for attempt in attempts if attempt.purpose is Purpose.ANSWER]
    statuses = [attempt.status for attempt in answers]
    charges = [attempt.charge for attempt in attempts]
    start = attempts[0].started
    given = next((a for a in answers if a.accepted and a.first_token_ms is not None), None)
    return {
        "ended": next((status for status in ENDINGS if status in statuses), Status.FAILED),
        "escalated": Status.REJECTED in statuses[:-1],
        "total_cost": sum(charge.amount or 0 for charge in charges),
        "total_bound": sum(charge.bound or charge.amount or 0 for charge in charges),
        "rejected_cost": sum(a.charge.amount or 0 for a in attempts if a.status is Status.REJECTED),
        "unpriced_attempts": sum(charge.amount is None for charge in charges),
        "estimated_attempts": sum(attempt.usage.grade is Grade.ESTIMATED for attempt in attempts),
        "total_output_tokens": sum(attempt.usage.output or 0 for attempt in answers),
        "total_ms": max((a.started - start) / MILLISECOND + a.duration_ms for a in attempts),
        "answered_ms": (given.started - start) / MILLISECOND + given.first_token_ms
        if given and given.first_token_ms is not None
        else None,
    }


def _chance(chances: Mapping[str, Prediction], model: str | None) -> float | None:
    chance = chances.get(model) if model is not None else None
    return round(chance.success, 4) if chance is not None else None
