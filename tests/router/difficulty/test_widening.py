"""Doubt is learnt where predictions go wrong on strange text, and not where they do not."""

import numpy as np

from router.difficulty.widening import Sighting, choose


def sightings(*, fails: bool) -> tuple[Sighting, Sighting]:
    random = np.random.default_rng(4)
    tilt = random.normal(0.0, 2.0, 2_000)
    right = (random.random(2_000) < 1 / (1 + np.exp(-tilt))).astype(float)
    wrong = (random.random(2_000) < 0.5).astype(float)
    level = np.zeros(2_000)
    known = Sighting(strange=np.zeros((2_000, 1)), level=level, tilt=tilt, score=right)
    odd = Sighting(strange=np.ones((2_000, 1)), level=level, tilt=tilt, score=wrong if fails else right)
    return known, odd


def test_where_strange_text_is_misread_it_is_doubted_and_known_text_is_not() -> None:
    known, odd = sightings(fails=True)
    doubt = choose(np.array([-4.0, 8.0]), known, known, odd)
    assert doubt.strangeness(odd.strange)[0] > 0.8
    assert doubt.strangeness(known.strange)[0] < 0.1
    assert doubt.shift == 3.0


def test_where_strange_text_is_read_well_little_is_doubted() -> None:
    known, odd = sightings(fails=False)
    doubt = choose(np.array([-4.0, 8.0]), known, known, odd)
    assert doubt.shift * doubt.strangeness(odd.strange)[0] < 0.2
