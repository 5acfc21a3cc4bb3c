"""The door to sqlglot, which is there if `farthing[sql]` was asked for."""

import importlib
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

MOST = 3_000
"""Characters of a block that are parsed: the parser is a program in Python, 3 ms for a thousand."""


@lru_cache(maxsize=1)
def parser() -> Any:
    """Load the library (a third of a second); `None` if it is not installed."""
    return importlib.import_module("sqlglot") if find_spec("sqlglot") else None


def parses(code: str) -> bool:
    """Tell whether `code` is SQL of some dialect; what cannot be told passes."""
    library = parser()
    if library is None or len(code) > MOST or "..." in code:
        return True
    try:
        library.parse(code)
    except library.errors.SqlglotError:
        return False
    except (RecursionError, ValueError, TypeError, AttributeError, KeyError, IndexError):
        return True
    return True
