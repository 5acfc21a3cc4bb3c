"""The configuration as it may be seen: without its secrets."""

import hashlib
import json
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

import yaml
from pydantic import SecretStr

from router.config.settings import Config

MASK = "**********"

DECIDING = frozenset({"upstreams", "models", "policies"})
"""The sections that decide which model answers and what it costs."""


class _Dumper(yaml.SafeDumper):
    """Writes a decimal with every digit it has."""


def _decimal(dumper: yaml.SafeDumper, value: Decimal) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:float", format(value, "f"))


_Dumper.add_representer(Decimal, _decimal)


def shown(config: Config) -> str:
    """Write the configuration in force as YAML, defaults included, every secret masked."""
    return yaml.dump(
        _plain(config.model_dump(exclude_none=True)),
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=100,
    )


def fingerprint(config: Config) -> str:
    """Name a configuration in 12 hexadecimal digits: two of one name decide alike.

    Secrets, keys, addresses and folders have no part in it.
    """
    deciding = _plain(config.model_dump(include=set(DECIDING), exclude_defaults=True))
    text = json.dumps(deciding, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, AbstractSet):
        return sorted(_plain(each) for each in value)
    return _scalar(value)


def _scalar(value: Any) -> Any:
    match value:
        case SecretStr():
            return MASK
        case Decimal():
            return int(value) if value == int(value) else value.normalize()
        case float() if value.is_integer():
            return int(value)
        case Enum():
            return value.value
        case Path():
            return str(value)
        case _:
            return value
