"""Promises, on answers that had no part in them."""

import numpy as np
import pytest

from evaluators import promises as module
from evaluators.promises import promises
from evaluators.trials import Option, Trial
from tests.evaluators.recorded import PAIR


def world(seed, count, *, noise):
    random = np.random.default_rng(seed)
    right = (random.random(count) < 0.7).astype(float)
    signal = right + random.normal(size=count) * noise
    return Trial(
        pair=PAIR,
        prompts=tuple(f"p{i}" for i in range(count)),
        group=np.array([f"g{i}" for i in range(count)]),
        small=right,
        large=np.ones(count),
        small_cost=np.ones(count),
        large_cost=np.ones(count),
        options=(Option(name="check", cost=np.zeros(count), signals=signal[:, None]),),
    )


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(module, "RESAMPLINGS", 20)


def test_with_a_good_check_promises_are_made_and_kept():
    found = promises(world(1, 3000, noise=0.3), world(2, 3000, noise=0.3))
    assert len(found) == 6
    for one in found:
        assert one.made >= 0.6
        assert min(one.kept, one.redrawn) >= 0.95
        assert one.refuted == 0
        assert one.realised <= one.target
        assert one.accepted > 0.5


def test_with_a_worthless_check_nothing_is_promised():
    for one in promises(world(1, 2000, noise=1000), world(2, 500, noise=1000)):
        assert (one.made, one.kept, one.redrawn, one.accepted) == (0, 1, 1, None)
