"""Ladders of two models: what their answers cost, and what can be told of the cheap one's answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evaluators.evidence import agreement, of_text, votes
from evaluators.records import Doubles, Records, costs

SAMPLES = 10
"""Answers behind a recorded vote; each is a call, and is booked as one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A cheap model and a stronger one on one source; `peers` are cheap models to compare answers with.

    `votes`: the cheap one's answer is the majority of ten, and all ten are paid.
    `prices` are USD a million tokens (in, out), where the records have none.
    """

    source: str
    small: str
    large: str
    peers: tuple[str, ...] = ()
    votes: bool = False
    prices: Mapping[str, tuple[float, float]] | None = None

    @property
    def name(self) -> str:
        return f"{self.small} / {self.large}, {self.source}"


LLAMA_405B, QWEN_7B = "llama-3.1-405b-instruct", "qwen2-7b-instruct"
LLAMA_8B, OLD_LLAMA_8B, LLAMA_70B = "llama-3.1-8b-instruct", "llama-3-8b-instruct", "llama-3.1-70b-instruct"
GPT_4O, GPT_4, MIXTRAL = "gpt-4o-2024-05-13", "gpt-4-1106-preview", "mixtral-8x7b-instruct-v0.1"
OF_2023: Mapping[str, tuple[float, float]] = {"gpt-3.5-turbo-0613": (1.5, 2.0), "gpt-4-0613": (30.0, 60.0)}
"""List prices of their time, which the records leave out."""

PAIRS = (
    Pair(source="mmlu_pro", small=LLAMA_8B, large=LLAMA_70B, peers=(OLD_LLAMA_8B,)),
    Pair(source="mmlu_pro", small=LLAMA_8B, large=GPT_4O, peers=(OLD_LLAMA_8B, "mistral-7b-instruct-v0.2")),
    Pair(source="mmlu_pro", small=LLAMA_70B, large=GPT_4O, peers=(LLAMA_8B, MIXTRAL)),
    Pair(source="mmlu_pro", small="deepseek-coder-v2-0614", large=GPT_4O, peers=(LLAMA_8B, LLAMA_70B)),
    Pair(
        source="zeroeval",
        small=LLAMA_8B,
        large=LLAMA_405B,
        peers=(OLD_LLAMA_8B, QWEN_7B),
    ),
    Pair(source="zeroeval", small=LLAMA_8B, large=GPT_4O, peers=(OLD_LLAMA_8B, QWEN_7B)),
    Pair(source="zeroeval", small=LLAMA_70B, large=GPT_4O, peers=(LLAMA_8B, QWEN_7B)),
    Pair(source="zeroeval", small="qwen2.5-7b-instruct", large="qwen2.5-72b-instruct", peers=(OLD_LLAMA_8B,)),
    Pair(source="routerbench", small=MIXTRAL, large=GPT_4, peers=("mistral-7b-instruct-v0.1", "yi-34b-chat")),
    Pair(source="routellm", small=MIXTRAL, large=GPT_4),
    Pair(
        source="self_reflection",
        small="llama-2-70b-chat",
        large="claude-3-opus-20240229",
        peers=("llama-2-7b-chat",),
    ),
    Pair(
        source="concise_cot/chain_of_thought",
        small="gpt-3.5-turbo-0613",
        large="gpt-4-0613",
        votes=True,
        prices=OF_2023,
    ),
)
"""Every ladder for which the public records have the cheap model's texts or votes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """A way to look at the cheap answer: its cost beside the answer's (n), and what is seen (n, signals)."""

    name: str
    cost: Doubles
    signals: Doubles


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """Prompts of a ladder (n): scores and costs (USD) of both rungs, and ways to check the cheap one.

    `majority` is the cheap rung's score if its answer is that of the vote.
    """

    pair: Pair
    prompts: tuple[str, ...]
    group: NDArray[np.str_]
    small: Doubles
    large: Doubles
    small_cost: Doubles
    large_cost: Doubles
    options: tuple[Option, ...]
    majority: Doubles | None = None


async def trial(pair: Pair, records: Records, split: str = "validation") -> Trial:
    """Lay out a ladder; raises `KeyError` for models the records lack."""
    small, large = records.answers[pair.source, pair.small], records.answers[pair.source, pair.large]
    prompts = _shared(pair, records, split)
    prices = {**records.prices, **(pair.prices or {})}
    small_cost = costs(small, prompts, prices[pair.small])
    majority, options = None, []
    if pair.votes:
        seen = votes(records, pair.source, pair.small, prompts)
        options.append(Option(name=f"{SAMPLES} samples", cost=(SAMPLES - 1) * small_cost, signals=seen.table))
        noted = records.signs["vote_majority_score"]
        majority = np.array([noted[pair.source, pair.small, one] for one in prompts], float)
    else:
        text = (await of_text(records, pair.source, pair.small, prompts)).table
        options.append(Option(name="free checks", cost=np.zeros(len(prompts)), signals=text))
        extra = np.zeros(len(prompts))
        for count, peer in enumerate(pair.peers, start=1):
            answers = records.answers[pair.source, peer]
            extra = extra + costs(answers, prompts, prices[peer])
            shared = agreement(records, pair.source, pair.small, pair.peers[:count], prompts).table
            signals = np.column_stack([text, shared])
            options.append(Option(name=f"and agreement with {count}", cost=extra, signals=signals))
    return Trial(
        pair=pair,
        prompts=tuple(prompts),
        group=np.array([records.prompts[one].group for one in prompts]),
        small=np.array([small[one].score for one in prompts]),
        large=np.array([large[one].score for one in prompts]),
        small_cost=small_cost,
        large_cost=costs(large, prompts, prices[pair.large]),
        options=tuple(options),
        majority=majority,
    )


def _shared(pair: Pair, records: Records, split: str) -> Sequence[str]:
    """The split's prompts that everyone has answered, with a text (or a vote) of the cheap models."""
    chosen = {one for one, prompt in records.prompts.items() if prompt.split == split}
    chosen &= records.answers[pair.source, pair.large].keys()
    for model in (pair.small, *pair.peers):
        answers = records.answers[pair.source, model]
        chosen &= {one for one, answer in answers.items() if pair.votes or answer.text is not None}
    if pair.votes:
        noted = records.signs["vote_agreement"]
        chosen = {one for one in chosen if (pair.source, pair.small, one) in noted}
    return sorted(chosen)
