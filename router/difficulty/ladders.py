"""The ladders of models that routing is measured on, and predictions laid out for them."""

from dataclasses import dataclass

import numpy as np

from router.difficulty.corpus import Corpus, Labels, Places
from router.difficulty.hierarchy import Doubles


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """Models of rising price, on the prompts that one source (or one data set of it) has for all of them."""

    name: str
    source: str
    rungs: tuple[str, ...]
    dataset: str | None = None


MIXTRAL, GPT4 = "mixtral-8x7b-instruct-v0.1", "gpt-4-1106-preview"
QWEN = ("qwen2.5-7b-instruct", "qwen2.5-72b-instruct")
LLAMA = ("llama-3.1-8b-instruct", "llama-3.1-70b-instruct")

LADDERS = (
    Ladder(name="Mixtral / GPT-4, MMLU", source="routellm", rungs=(MIXTRAL, GPT4), dataset="mmlu"),
    Ladder(name="Mixtral / GPT-4, GSM8K", source="routellm", rungs=(MIXTRAL, GPT4), dataset="gsm8k"),
    Ladder(name="Qwen2.5 7B / 72B", source="zeroeval", rungs=QWEN),
    Ladder(name="Llama 8B / 70B / 405B", source="zeroeval", rungs=(*LLAMA, "llama-3.1-405b-instruct")),
    Ladder(name="Llama 8B / 70B / gpt-4o, MMLU-Pro", source="mmlu_pro", rungs=(*LLAMA, "gpt-4o-2024-05-13")),
    Ladder(
        name="Mistral 7B / Nemotron 49B",
        source="llmrouter",
        rungs=("mistral-7b-instruct-v0.3", "llama-3.3-nemotron-super-49b-v1"),
    ),
    Ladder(name="Mixtral / GPT-4, RouterBench", source="routerbench", rungs=(MIXTRAL, GPT4)),
    Ladder(
        name="Mixtral 8x22B / gpt-4o, HELM", source="mmlu_helm", rungs=("mixtral-8x22b", "gpt-4o-2024-05-13")
    ),
    Ladder(
        name="Haiku / Opus, ZeroEval",
        source="zeroeval",
        rungs=("claude-3-haiku-20240307", "claude-3-opus-20240229"),
    ),
    Ladder(name="Mixtral / GPT-4, chat", source="arena_bench", rungs=(MIXTRAL, GPT4)),
    Ladder(
        name="Llama 8B / Qwen2.5 72B, EvalPerf", source="evalperf", rungs=(LLAMA[0], "qwen2.5-72b-instruct")
    ),
    Ladder(
        name="Llama 2 70B / Opus, exams",
        source="self_reflection",
        rungs=("llama-2-70b-chat", "claude-3-opus-20240229"),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Climb:
    """A ladder's prompts (n) with the score of every rung (n, rungs) and the rungs' costs, in any unit."""

    prompts: Places
    score: Doubles
    cost: Doubles
    group: Labels


def climb(ladder: Ladder, corpus: Corpus) -> Climb:
    """Return the prompts of a corpus that every rung has answered; a rung costs its list price for output."""
    names = [subject.name for subject in corpus.subjects]
    at = [names.index(rung) for rung in ladder.rungs]
    prices = [corpus.subjects[one].facts.price for one in at]
    if None in prices:
        missing = ladder.rungs[prices.index(None)]
        message = f"no price is known for {missing}"
        raise ValueError(message)
    table = np.full((len(corpus.texts), len(at)), np.nan)
    of_source = corpus.source == ladder.source
    for column, one in enumerate(at):
        cells = of_source & (corpus.subject == one)
        table[corpus.prompt[cells], column] = corpus.score[cells]
    complete = ~np.isnan(table).any(1)
    if ladder.dataset is not None:
        complete &= corpus.dataset == ladder.dataset
    prompts = np.flatnonzero(complete)
    return Climb(
        prompts=prompts,
        score=table[prompts],
        cost=np.array(prices, float),
        group=corpus.group[prompts],
    )
