"""How often each free check fires on right and on wrong answers, on recorded ones."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from evaluators.calibration import upper_bound
from evaluators.evidence import FREE, asked, fired, free_checks
from evaluators.records import Records

ANY = "any of them"


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """A check's record on one source (or all): shares of wrong answers caught and of right ones condemned.

    `condemned_at_most` is what the true share of condemned right answers is below, with 95 % confidence.
    """

    source: str
    check: str
    right: int
    wrong: int
    caught: float
    condemned: float
    condemned_at_most: float


async def firings(records: Records, sample: int, *, seed: int = 0) -> list[Firing]:
    """Run the free checks on `sample` answers with a text, drawn from all; a score of 0.5 is right."""
    checks, seen, hits = free_checks(), Counter[tuple[str, bool]](), Counter[tuple[str, str, bool]]()
    for source, prompt, text, right in _drawn(records, sample, seed):
        failed = await fired(checks, asked(records.prompts[prompt].text), text)
        for place in (source, "all"):
            seen[place, right] += 1
            for name in [*failed, *([ANY] if failed else [])]:
                hits[place, name, right] += 1
    places = sorted({place for place, _ in seen} - {"all"})
    return [_told(place, name, seen, hits) for place in ("all", *places) for name in (*FREE, ANY)]


def _told(
    place: str, name: str, seen: Counter[tuple[str, bool]], hits: Counter[tuple[str, str, bool]]
) -> Firing:
    right, wrong = seen[place, True], seen[place, False]
    condemned = hits[place, name, True]
    return Firing(
        source=place,
        check=name,
        right=right,
        wrong=wrong,
        caught=hits[place, name, False] / max(1, wrong),
        condemned=condemned / max(1, right),
        condemned_at_most=upper_bound(condemned, right, 0.95) if right else 1.0,
    )


def _drawn(records: Records, sample: int, seed: int) -> Iterator[tuple[str, str, str, bool]]:
    known: Sequence[tuple[str, str, str, bool]] = [
        (source, prompt, answer.text, answer.score >= 0.5)
        for (source, _), answers in sorted(records.answers.items())
        for prompt, answer in answers.items()
        if answer.text is not None
    ]
    count = min(sample, len(known))
    for at in np.random.default_rng(seed).choice(len(known), count, replace=False).tolist():
        yield known[at]
