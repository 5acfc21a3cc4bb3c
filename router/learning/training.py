"""Fits the models' side of the classifier anew on own traffic: rows and lengths; what reads text stays.

The ledger holds vectors and outcomes, no text, and that is enough for it.
The newest quarter is held back, and nothing of a session or a prompt is on both sides;
the candidate replaces what is in force only if it serves that quarter better beyond chance.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from router.difficulty import Difficulty
from router.difficulty.facts import thinks
from router.difficulty.hierarchy import Belief, Doubles, posterior
from router.difficulty.names import match
from router.difficulty.reader import STRANGE
from router.errors import FarthingError
from router.learning.adapted import Adapted
from router.learning.evidence import Evidence, Flags, Forgetting
from router.learning.gather import Gathered
from router.learning.job import learn
from router.learning.local import Local
from router.learning.standing import Found
from router.types import Model

LEAST = 200
"""Outcomes without which there is no use in trying."""

LEAST_HELD = 50
LEAST_OF_A_MODEL = 20
HELD = 0.25
DRAWS = 1_000


class TooLittle(FarthingError):
    """The ledger holds too little to train on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """How the candidate did on the outcomes held back: mean log losses, their difference and its interval.

    A difference below zero is in the candidate's favour.
    """

    trained_on: int
    held_back: int
    before: float
    after: float
    difference: float
    low: float
    high: float

    @property
    def better(self) -> bool:
        return self.high < 0.0


def train(
    found: Found, gathered: Gathered, models: Mapping[str, Model], *, now: datetime, seed: int
) -> tuple[Difficulty, Compared]:
    """Return a classifier fitted on all outcomes, and how one fitted on the older ones did on the newest.

    Raises `TooLittle`.
    """
    told = gathered.evidence.told
    if int(told.sum()) < LEAST:
        raise TooLittle(
            f"The ledger holds {int(told.sum())} outcomes that tell something here; training needs {LEAST}. "
            "Until then predictions follow them by themselves (`farthing difficulty status`)."
        )
    older, newer = split(gathered)
    if int((told & newer).sum()) < LEAST_HELD or not (told & older).any():
        raise TooLittle(
            f"Only {int((told & newer).sum())} outcomes could be held back without a session or a prompt "
            f"being on both sides; {LEAST_HELD} are needed to compare."
        )
    candidate = refitted(found.base, gathered.evidence.at(told & older), models)
    compared = _compare(found, candidate, gathered, models, older, newer, now, seed)
    return refitted(found.base, gathered.evidence.at(told), models), compared


def split(gathered: Gathered) -> tuple[Flags, Flags]:
    """Return which evidence is older and which is held back; what would be on both sides is on neither."""
    evidence = gathered.evidence
    count = len(evidence)
    cut = int(count * (1.0 - HELD))
    newest = np.arange(count) >= cut
    _, session = np.unique(np.array(gathered.groups), return_inverse=True)
    _, prompt = np.unique(evidence.vectors, axis=0, return_inverse=True)
    older, newer = ~newest, newest.copy()
    for group in (session, prompt.ravel()):
        size = int(group.max(initial=0)) + 1
        early = np.bincount(group, ~newest, size) > 0
        late = np.bincount(group, newest, size) > 0
        both = (early & late)[group]
        # A session goes on: its older part is left out, so that much is held back.
        older &= ~both
    return older, newer


def refitted(base: Difficulty, evidence: Evidence, models: Mapping[str, Model]) -> Difficulty:
    """Move the rows and lengths of models with enough outcomes; those that were not known become so."""
    names = list(base.models)
    beliefs, rows = list(base.beliefs), base.lengths.rows
    far = list(base.far)
    narrow = set(base.narrow)
    for at, name in enumerate(evidence.models):
        mine = evidence.at(evidence.model == at)
        if len(mine) < LEAST_OF_A_MODEL:
            continue
        model = models[name]
        prior = _prior(base, model)
        belief = posterior(prior, base.inputs(mine.vectors), mine.result)
        known = match((model.upstream_name,), {f"={key.lower()}": i for i, (key, _) in enumerate(names)})
        length = _length(model, mine, rows[known] if known is not None else base.lengths.usual)
        if known is None:
            names.append((model.upstream_name, True))
            beliefs.append(belief)
            far.append(belief.mean)
            rows = np.vstack((rows, length))
        else:
            beliefs[known] = belief
            far[known] = belief.mean
            rows = np.concatenate((rows[:known], length[None], rows[known + 1 :]))
            narrow.discard(names[known][0])
    return replace(
        base,
        models=tuple(names),
        beliefs=tuple(beliefs),
        # What own traffic says of a model holds on it, however strange the text.
        far=np.array(far),
        narrow=frozenset(narrow),
        lengths=replace(base.lengths, rows=rows),
        taught={},
    )


def _prior(base: Difficulty, model: Model) -> Belief:
    pool = base.place([model])
    size = pool.means.shape[1]
    return Belief(mean=pool.means[0], spread=pool.spreads[0].reshape(size, size))


def _length(model: Model, mine: Evidence, row: Doubles) -> Doubles:
    """Move the constant of a model's length by what its answers took, as if it had ten of the usual ones."""
    known = np.isfinite(mine.tokens) & (mine.tokens > 0)
    if not known.any():
        return row
    reached = row * (1.0, 1.0, float(thinks(model.upstream_name, model.name, *model.served_as)))
    usual = reached[0] + reached[1] * mine.vectors[known, len(STRANGE)] + reached[2]
    off = float((np.log(mine.tokens[known]) - usual).sum()) / (int(known.sum()) + 10.0)
    return np.asarray(row + np.array([off, 0.0, 0.0]))


def _compare(
    found: Found,
    candidate: Difficulty,
    gathered: Gathered,
    models: Mapping[str, Model],
    older: Flags,
    newer: Flags,
    now: datetime,
    seed: int,
) -> Compared:
    """Let both serve the newest outcomes as they would: with what was learnt of the older ones on top."""
    before = np.flatnonzero(older).tolist()
    past = replace(
        gathered,
        evidence=gathered.evidence.at(older),
        times=[gathered.times[at] for at in before],
        groups=[gathered.groups[at] for at in before],
    )
    held = np.flatnonzero(newer & gathered.evidence.told).tolist()
    losses = []
    for base in (found.base, candidate):
        local = learn(replace(found, base=base), past, models, now=now, forgetting=Forgetting())
        losses.append(_losses(base, local, gathered.evidence, held, models))
    one, other = losses
    low, high = interval(other - one, [gathered.groups[at] for at in held], seed)
    return Compared(
        trained_on=int((older & gathered.evidence.told).sum()),
        held_back=len(held),
        before=float(one.mean()),
        after=float(other.mean()),
        difference=float((other - one).mean()),
        low=low,
        high=high,
    )


def _losses(
    base: Difficulty, local: Local, evidence: Evidence, held: Sequence[int], models: Mapping[str, Model]
) -> Doubles:
    serving = Adapted(base, local)
    losses = []
    for at in held:
        model = models[evidence.models[evidence.model[at]]]
        segment = evidence.segments[evidence.segment[at]]
        chance = serving.predict(tuple(evidence.vectors[at].tolist()), (model,), segment)[model.name].success
        score = float(evidence.result[at])
        losses.append(-score * np.log(chance) - (1.0 - score) * np.log(1.0 - chance))
    return np.array(losses)


def interval(differences: Doubles, groups: Sequence[str], seed: int) -> tuple[float, float]:
    """Return a 95 % interval of the mean, whole sessions drawn at once."""
    random = np.random.default_rng(seed)
    _, group = np.unique(np.array(groups), return_inverse=True)
    sums, counts = np.bincount(group, differences), np.bincount(group)
    drawn = random.integers(0, len(sums), (DRAWS, len(sums)))
    means = sums[drawn].sum(1) / counts[drawn].sum(1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)
