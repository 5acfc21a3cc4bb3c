"""Predictions for every prompt and model of evaluation records, as a file for others to measure."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from router.difficulty.measuring import CHUNK, Bench, placed

SCHEMA = pa.schema(
    [
        ("prompt_id", pa.string()),
        ("model", pa.string()),
        ("p_success", pa.float32()),
        ("tokens_out", pa.float32()),
    ]
)


def write(on: Bench, path: Path, *, split: str | None) -> int:
    """Write the predictions for all prompts of the measured split and all models; return how many."""
    pool = placed(on.fitted, on.corpus)
    models = [subject.name for subject in on.corpus.subjects]
    prompts = np.flatnonzero(on.corpus.split == split) if split else np.unique(on.held.prompt)
    with pq.ParquetWriter(path, SCHEMA, compression="zstd") as file:
        for part in np.array_split(prompts, len(prompts) // CHUNK + 1):
            vectors = on.vectors[part]
            ids = np.repeat(np.array(on.corpus.ids, object)[part], len(models))
            columns = (
                pa.array(ids, pa.string()),
                pa.array(models * len(part), pa.string()),
                pa.array(on.fitted.chances(vectors, pool).ravel().astype(np.float32)),
                pa.array(on.fitted.tokens(vectors, pool).ravel().astype(np.float32)),
            )
            file.write_table(pa.Table.from_arrays(list(columns), schema=SCHEMA))
    return len(prompts) * len(models)
