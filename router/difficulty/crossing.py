"""Networks that are each blind to a part of the prompts, what they say of it, and one reader made of all."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from router.difficulty.corpus import Places
from router.difficulty.hierarchy import Doubles
from router.difficulty.network import Network
from router.difficulty.reader import Reader

TOGETHER = (
    ("knowledge",),
    ("math",),
    ("commonsense", "reading", "open_qa"),
    ("function_call", "generation"),
    ("reasoning", "code", "code_reasoning", "chat"),
)
"""Kinds of prompt that are left out together to learn how far strange text is to be trusted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossed:
    """A reader, and for every prompt the traits that networks blind to it read (P, T)."""

    reader: Reader
    traits: Doubles
    strange: Doubles


def parts(group: NDArray[np.str_], rows: Places, count: int, random: np.random.Generator) -> list[Places]:
    names, belongs = np.unique(group[rows], return_inverse=True)
    drawn = random.integers(0, count, len(names))[belongs]
    return [rows[drawn == fold] for fold in range(count)]


def left_out(task: NDArray[np.str_], rows: Places) -> list[Places]:
    folds = [rows[np.isin(task[rows], kinds)] for kinds in TOGETHER]
    return [fold for fold in folds if 0 < len(fold) < len(rows)]


def joined(bare: Reader, networks: list[Network], centre: Doubles) -> Reader:
    count = len(networks)
    return replace(
        bare,
        inner=np.concatenate([one.inner for one in networks], axis=1),
        threshold=np.concatenate([one.threshold for one in networks]),
        outer=np.asarray(np.concatenate([one.outer for one in networks]) / count, np.float32),
        straight=np.asarray(sum(one.straight for one in networks) / count, np.float32),
        traits_centre=np.asarray(centre, np.float32),
    )
