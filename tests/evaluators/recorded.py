"""A small world of recorded answers: two models and a peer, on one source."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from evaluators.trials import Pair

PAIR = Pair(source="quiz", small="small", large="large", peers=("peer",))
PRICES = {"small": (0.1, 0.1), "large": (5.0, 5.0), "peer": (0.1, 0.1)}


def write(folder, *, prompts=400, seed=0):
    """Write the five files; the peer agrees with right answers, and with few wrong ones."""
    random = np.random.default_rng(seed)
    ids = [f"p{i}" for i in range(prompts)]
    right = random.random(prompts) < 0.6
    agrees = np.where(right, random.random(prompts) < 0.9, random.random(prompts) < 0.1)
    strong = random.random(prompts) < 0.95
    questions, outcomes, texts = [], [], []
    for i, one in enumerate(ids):
        split = "validation" if i % 2 else "train"
        questions.append((one, f"What is {i} + {i}?", "math", "quiz", split, f"g{i}"))
        said = 2 * i if right[i] else 2 * i + 1
        for model, score, answer in (
            ("small", right[i], said),
            ("large", strong[i], 2 * i),
            ("peer", right[i] == agrees[i], said if agrees[i] else said + 7),
        ):
            outcomes.append((one, model, "quiz", float(score), 20.0, 20.0))
            texts.append((one, model, "quiz", f"The answer is {answer}."))
    noted = [("p0", "small", "quiz", "no_answer_extracted", 1.0)]
    models = [(name, name, *price, prompts) for name, price in PRICES.items()]
    _table(
        folder / "prompts.parquet",
        questions,
        "prompt_id",
        "prompt_text",
        "task",
        "dataset",
        "split",
        "group_id",
    )
    _table(
        folder / "outcomes.parquet",
        outcomes,
        "prompt_id",
        "model",
        "source",
        "score",
        "tokens_in",
        "tokens_out",
    )
    _table(folder / "responses.parquet", texts, "prompt_id", "model", "source", "response_text")
    _table(folder / "selfcheck.parquet", noted, "prompt_id", "model", "source", "kind", "value")
    _table(folder / "models.parquet", models, "model", "family", "usd_per_m_in", "usd_per_m_out", "outcomes")
    return folder


def _table(file, rows, *names):
    columns = [list(column) for column in zip(*rows, strict=True)]
    pq.write_table(pa.table(dict(zip(names, columns, strict=True))), file)
