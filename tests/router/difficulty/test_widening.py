"""Strange is what turned out badly where it was left out, as far as known text can afford it."""

import numpy as np

from router.difficulty.widening import PRICE, Sighting, choose

AXIS = [np.array([1.0])]


def sightings(*, misread: bool) -> tuple[Sighting, Sighting]:
    """Known text lies about 0, left-out text about 8; there, the near logits are right or upside down."""
    random = np.random.default_rng(4)
    logits = random.normal(0.0, 2.0, 2_000)
    score = (random.random(2_000) < 1 / (1 + np.exp(-logits))).astype(float)
    near = -logits if misread else logits
    known, odd = random.uniform(-1.0, 1.0, (2_000, 1)), random.normal(8.0, 1.0, (2_000, 1))
    return (
        Sighting(strange=known, near=logits, far=0.8 * logits, score=score),
        Sighting(strange=odd, near=near, far=0.8 * logits, score=score),
    )


def test_where_left_out_text_is_misread_it_is_strange_and_known_text_less() -> None:
    known, odd = sightings(misread=True)
    doubt = choose(AXIS, known, [odd])
    assert doubt.strangeness(odd.strange).mean() > 0.9
    assert doubt.strangeness(known.strange).mean() < 0.6


def test_known_text_never_pays_more_than_the_price() -> None:
    known, odd = sightings(misread=True)
    never = choose(AXIS, known, [known])
    assert known.loss(choose(AXIS, known, [odd])) <= known.loss(never) + PRICE + 1e-3


def test_where_left_out_text_is_read_well_nothing_is_strange() -> None:
    known, odd = sightings(misread=False)
    assert choose(AXIS, known, [odd]).strangeness(odd.strange).mean() < 0.01
