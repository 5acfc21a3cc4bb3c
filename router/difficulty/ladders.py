"""The ladders of models that routing is measured on, and predictions laid out for them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from router.difficulty.corpus import BadRecords, Corpus, Labels, Places
from router.difficulty.hierarchy import Doubles


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """Models of rising price, on prompts that all answered in a source (`None`: any) and data set."""

    name: str
    source: str | None
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
    rungs: Places
    score: Doubles
    cost: Doubles
    group: Labels


def climb(ladder: Ladder, corpus: Corpus) -> Climb:
    """Return the prompts of a corpus that every rung has answered; a rung costs its list price for output.

    Raises `BadRecords` for a rung without a price or one that is not among the models.
    """
    names = [subject.name for subject in corpus.subjects]
    for rung in ladder.rungs:
        if rung not in names:
            raise BadRecords(f"models.parquet has no {rung}.")
    at = [names.index(rung) for rung in ladder.rungs]
    prices = [corpus.subjects[one].facts.price for one in at]
    if None in prices:
        missing = ladder.rungs[prices.index(None)]
        raise BadRecords(f"no price is known for {missing} (usd_per_m_out in models.parquet).")
    table = np.full((len(corpus.texts), len(at)), np.nan)
    of_source = corpus.source == ladder.source if ladder.source is not None else np.True_
    for column, one in enumerate(at):
        cells = np.flatnonzero(of_source & (corpus.subject == one))
        table[corpus.prompt[cells], column] = corpus.score[cells]
    complete = ~np.isnan(table).any(1)
    if ladder.dataset is not None:
        complete &= corpus.dataset == ladder.dataset
    prompts = np.flatnonzero(complete)
    return Climb(
        prompts=prompts,
        rungs=np.array(at),
        score=table[prompts],
        cost=np.array(prices, float),
        group=corpus.group[prompts],
    )


def ladders(corpus: Corpus, wanted: Sequence[str] = ()) -> tuple[Ladder, ...]:
    """Return the shipped ladders whose models and source a corpus has, and those that are `wanted`.

    A wanted one is names of models, the cheapest first, with commas between.
    """
    names = {subject.name for subject in corpus.subjects}
    sources = set(np.unique(corpus.source).tolist())
    own = [Ladder(name=" / ".join(_split(one)), source=None, rungs=_split(one)) for one in wanted]
    known = [one for one in LADDERS if one.source in sources and names.issuperset(one.rungs)]
    return (*own, *([] if own else known))


def _split(wanted: str) -> tuple[str, ...]:
    rungs = tuple(part.strip() for part in wanted.split(",") if part.strip())
    if len(set(rungs)) < 2:
        raise BadRecords(f"a ladder has two models or more, with commas between, not {wanted[:100]!r}.")
    return rungs
