"""One reckoning: from the ledger's newest evidence to what corrects the classifier.

It is done anew each time from a bounded window and keeps no state of its own: an outcome that comes late
counts once, a kill loses nothing, and the same ledger always gives the same result.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import duckdb
import numpy as np

from router.difficulty import Difficulty
from router.difficulty.hierarchy import Doubles
from router.difficulty.model import Pool
from router.learning import effects, watching
from router.learning.effects import Effects
from router.learning.evidence import Evidence, Forgetting
from router.learning.folder import Folder, Unusable, read, write
from router.learning.gather import Forgotten, Gathered, gather
from router.learning.local import Alarm, Cell, Local
from router.learning.standing import Found, find
from router.ledger.store import Ledger, reading
from router.types import Model

STEADY = 10.0
"""Answers of the expected length that stand beside those seen."""

AT_ONCE = 500
MOST_CELLS = 500


def reckon(
    folder: Folder,
    models: Mapping[str, Model],
    *,
    now: datetime,
    forgetting: Forgetting | None = None,
    found: Found | None = None,
) -> Local:
    """Learn from the ledger beside `folder` and write what was learnt; raises `FarthingError`."""
    found = found if found is not None else find(folder)
    forgotten = read_forgotten(folder)
    try:
        with reading(Ledger(folder.data)) as connection:
            gathered = gather(
                connection,
                models=tuple(models),
                scale=found.base.scale,
                now=now,
                forgotten=forgotten,
            )
    except duckdb.Error as error:
        raise Unusable(f"The ledger cannot be learnt from: {str(error).partition(chr(10))[0]}") from error
    local = learn(found, gathered, models, now=now, forgetting=forgetting or Forgetting())
    write(folder.local, local.content())
    write(folder.examples, {"policies": examples(gathered)})
    return local


def examples(gathered: Gathered) -> dict[str, list[list[float]]]:
    """The outcomes of each policy that somebody told: time, predicted chance of success, failed or not."""
    evidence = gathered.evidence
    policies: dict[str, list[list[float]]] = {}
    for at in np.flatnonzero(evidence.told & np.isfinite(evidence.promised)).tolist():
        policy = evidence.segments[evidence.segment[at]].policy
        row = [gathered.times[at].timestamp(), float(evidence.promised[at]), float(evidence.result[at] < 0.5)]
        policies.setdefault(policy, []).append(row)
    return policies


def read_forgotten(folder: Folder) -> Forgotten:
    try:
        return Forgotten.of(read(folder.forgotten))
    except (ValueError, TypeError, AttributeError) as error:
        raise Unusable(f"{folder.forgotten} makes no sense ({error}).") from None


def learn(
    found: Found, gathered: Gathered, models: Mapping[str, Model], *, now: datetime, forgetting: Forgetting
) -> Local:
    """Find how far chances and lengths are off, and whether promises hold."""
    evidence = gathered.evidence
    if not len(evidence):
        return Local(base=found.key, made=now, ignored=gathered.ignored)
    pool = found.base.place(models[name] for name in evidence.models)
    logits = _logits(found.base, evidence, pool)
    doubts = pool.spreads[:, 0]
    learnt = effects.fit(evidence, logits, doubts=doubts, forgetting=forgetting)
    expected = found.base.tokens(evidence.vectors, pool)[np.arange(len(evidence)), evidence.model]
    return Local(
        base=found.key,
        made=now,
        effects={
            name: (float(learnt.means[at]), float(np.sqrt(max(learnt.spread[at, at], 0.0))))
            for name, at in learnt.names.items()
        },
        lengths=_lengths(evidence, expected),
        cells=tuple(_cells(evidence, learnt)),
        alarms=tuple(_alarms(evidence, gathered.times)),
        ignored=gathered.ignored,
    )


def _logits(base: Difficulty, evidence: Evidence, pool: Pool) -> Doubles:
    """Return what was believed before, some at a time: it takes much room for each."""
    logits = np.empty(len(evidence))
    for start in range(0, len(evidence), AT_ONCE):
        here = slice(start, start + AT_ONCE)
        chances = base.chances(evidence.vectors[here], pool)
        own = chances[np.arange(len(chances)), evidence.model[here]]
        logits[here] = np.log(own / (1.0 - own))
    return logits


def _lengths(evidence: Evidence, expected: Doubles) -> dict[str, float]:
    longer = {}
    for at, model in enumerate(evidence.models):
        mine = (evidence.model == at) & np.isfinite(evidence.tokens)
        if mine.any():
            steady = STEADY * float(expected[mine].mean())
            ratio = (float(evidence.tokens[mine].sum()) + steady) / (float(expected[mine].sum()) + steady)
            longer[model] = min(max(ratio, 0.05), 20.0)
    return longer


def _cells(evidence: Evidence, learnt: Effects) -> Iterator[Cell]:
    cell = evidence.segment * len(evidence.models) + evidence.model
    counts = np.bincount(cell)
    for at in np.argsort(-counts, kind="stable")[:MOST_CELLS]:
        if not counts[at]:
            return
        here = evidence.at(cell == at)
        segment, model = (
            evidence.segments[at // len(evidence.models)],
            evidence.models[at % len(evidence.models)],
        )
        told = here.at(here.told & np.isfinite(here.promised))
        mean = float(told.result.mean()) if len(told) else None
        low, high = watching.wilson(mean, len(told)) if mean is not None else (None, None)
        shift, doubt = learnt.shift(model, segment)
        yield Cell(
            policy=segment.policy,
            kind=segment.kind,
            model=model,
            outcomes=int(here.told.sum()),
            checked=int((~here.told).sum()),
            rejected=int((~here.told & (here.result < 0.5)).sum()),
            promised=float(told.promised.mean()) if len(told) else None,
            found=mean,
            low=low,
            high=high,
            shift=shift,
            doubt=doubt,
        )


def _alarms(evidence: Evidence, times: Sequence[datetime]) -> Iterator[Alarm]:
    """Watch all outcomes together, and those of each model and each policy."""
    told = np.flatnonzero(evidence.told & np.isfinite(evidence.promised))
    policies = [segment.policy for segment in evidence.segments]
    streams: dict[tuple[str, str], list[int]] = {("everything", ""): told.tolist()}
    for at in told.tolist():
        streams.setdefault(("model", evidence.models[evidence.model[at]]), []).append(at)
        streams.setdefault(("policy", policies[evidence.segment[at]]), []).append(at)
    for (scope, name), places in streams.items():
        outcomes = ((times[at], float(evidence.promised[at]), float(evidence.result[at])) for at in places)
        for side, strength, since in watching.alarms(outcomes):
            yield Alarm(scope=scope, name=name, side=side, evidence=strength, since=since)
