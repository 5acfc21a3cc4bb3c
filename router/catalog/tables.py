"""Reads the tables that lie beside this file."""

from importlib import resources
from typing import Any

import yaml

# libyaml's is ten times as fast; PyYAML is sometimes built without it.
_LOADER: type[yaml.SafeLoader | yaml.CSafeLoader] = (
    yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
)


def read_table(name: str) -> dict[str, Any]:
    """Read one of this package's YAML files."""
    text = resources.files(__package__).joinpath(name).read_bytes()
    table: dict[str, Any] = yaml.load(text, Loader=_LOADER)  # noqa: S506 - both of them are safe loaders
    return table
