"""An interval is wide enough if files that had no part in it lie inside."""

import numpy as np
import pytest

from batch.coverage import File, crossed, fitted

COMMON, MODEL, ANSWER = 0.8, 0.4, 0.5


def files(sources=30, models=4, lines=30, seed=3):
    """Files whose errors are known: one of the source, one of the model, one of each answer."""
    random = np.random.default_rng(seed)
    expected = np.full(lines, 100.0)
    made = []
    for source in range(sources):
        common = random.normal(0, COMMON)
        for name in range(models):
            longer = common + random.normal(0, MODEL)
            noise = random.normal(-(ANSWER**2) / 2, ANSWER, lines)
            made.append(
                File(
                    source=str(source),
                    dataset=str(source),
                    model=str(name),
                    read=np.zeros(lines),
                    expected=expected,
                    written=expected * np.exp(longer + noise),
                    prices=(1.0, 1.0),
                )
            )
    return made


def test_what_files_have_in_common_is_told_from_what_they_have_not():
    errors = fitted(files(sources=200))
    assert errors.common == pytest.approx((COMMON**2 + MODEL**2 / 4) ** 0.5, rel=0.1)
    assert errors.model == pytest.approx(MODEL * (3 / 4) ** 0.5, rel=0.1)
    assert errors.answer == pytest.approx(ANSWER, rel=0.05)


def test_nine_in_ten_files_lie_in_an_interval_that_they_had_no_part_in():
    found = list(crossed(files()))
    assert np.mean([one.covered for one in found]) == pytest.approx(0.9, abs=0.07)
