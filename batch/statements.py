"""The statements of a store, by name, as they stand in its `queries.sql` under `-- name: …`."""

import re
from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType


def statements(package: str) -> Mapping[str, str]:
    """Read the statements of the store in `package`."""
    text = files(package).joinpath("queries.sql").read_text()
    parts = re.split(r"^-- name: (\w+)$", text, flags=re.MULTILINE)[1:]
    return MappingProxyType(dict(zip(parts[::2], map(str.strip, parts[1::2]), strict=True)))
