"""A ladder takes the prompts that all its rungs have answered."""

from dataclasses import replace

import pytest

from router.difficulty.corpus import BadRecords, Corpus
from router.difficulty.ladders import LADDERS, Ladder, climb, ladders

LADDER = Ladder(name="toy", source="made-up", rungs=("toy-1b-instruct", "toy-70b-instruct"))


def priced(corpus: Corpus) -> Corpus:
    subjects = tuple(
        replace(one, facts=replace(one.facts, price=one.facts.params_b)) for one in corpus.subjects
    )
    return replace(corpus, subjects=subjects)


def test_prompts_scores_and_prices_stand_side_by_side(corpus: Corpus) -> None:
    found = climb(LADDER, priced(corpus))
    assert found.score.shape == (200, 2)
    assert found.cost.tolist() == [1.0, 70.0]
    assert (
        len(climb(replace(LADDER, dataset="sums"), priced(corpus)).prompts)
        == (corpus.dataset == "sums").sum()
    )


def test_a_prompt_one_rung_lacks_is_left_out(corpus: Corpus) -> None:
    fewer = priced(corpus).where(~((corpus.prompt == 3) & (corpus.subject == 0)))
    assert 3 not in climb(LADDER, fewer).prompts


def test_a_rung_without_a_price_is_named(corpus: Corpus) -> None:
    with pytest.raises(BadRecords, match="no price is known for toy-1b-instruct"):
        climb(LADDER, corpus)


def test_shipped_ladders_rise() -> None:
    assert len({ladder.name for ladder in LADDERS}) == len(LADDERS)
    assert all(len(set(ladder.rungs)) == len(ladder.rungs) > 1 for ladder in LADDERS)


def test_own_ladders_are_named_by_their_models(corpus: Corpus) -> None:
    (own,) = ladders(corpus, ["toy-1b-instruct, toy-70b-instruct"])
    assert own.rungs == ("toy-1b-instruct", "toy-70b-instruct")
    assert len(climb(own, priced(corpus)).prompts) == 200
    assert ladders(corpus) == ()
    with pytest.raises(BadRecords, match="two models or more"):
        ladders(corpus, ["toy-1b-instruct"])


def test_a_rung_that_nobody_measured_is_named(corpus: Corpus) -> None:
    with pytest.raises(BadRecords, match=r"models.parquet has no zork"):
        climb(replace(LADDER, rungs=("zork", "toy-1b-instruct")), corpus)
