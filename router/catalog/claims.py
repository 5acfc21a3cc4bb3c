"""What is claimed of models where they are served: by their providers, our list of licences, their names."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from router.catalog.facts import ModelFacts
from router.catalog.tables import read_table
from router.types import Evidence, Fact, Model

LICENCES_READ = date(2026, 11, 1)
"""When the licences in `models.yaml` were looked up."""

QUANTISED = re.compile(
    r"[-.@:_](q[2-8](?:_[a-z0-9]+)*|iq[1-4]_\w+|awq|gptq|fp8|fp4|nvfp4|mxfp4|int[48]|bf16|fp16|[48]bit|"
    r"w\d+a\d+)\b",
    re.IGNORECASE,
)
"""How a model's name says that its weights are stored."""


@dataclass(frozen=True, slots=True)
class ProviderClaims:
    """What providers say of themselves, by provider and by the name of the fact."""

    by_provider: Mapping[str, Mapping[str, Fact]]

    @classmethod
    def load(cls) -> "ProviderClaims":
        """Read `claims.yaml`."""
        return cls.of(read_table("claims.yaml")["providers"])

    @classmethod
    def of(cls, rows: Sequence[Mapping[str, Any]]) -> "ProviderClaims":
        """Read rows as the file has them; later rows add to earlier ones of the same provider."""
        found: dict[str, dict[str, Fact]] = {}
        for row in rows:
            said = {name: value for name, value in row.items() if name not in {"id", "source", "as_of"}}
            found.setdefault(row["id"], {}).update(
                {name: _fact(value, row.get("source"), row.get("as_of")) for name, value in said.items()}
            )
        return cls(found)

    def facts(self, model: Model, weights: ModelFacts | None) -> Mapping[str, Fact]:
        """Give everything claimed of a model: its own facts win over what is known here."""
        known: dict[str, Fact] = dict(self.by_provider.get(model.provider or "", {}))
        if weights is not None and weights.licence is not None:
            known["licence"] = Fact(
                value=weights.licence, source="router/catalog/models.yaml", as_of=LICENCES_READ
            )
        if (said := QUANTISED.search(model.upstream_name)) is not None:
            known["quantisation"] = Fact(value=said[1].lower(), source="its name", evidence=Evidence.DECLARED)
        return {**known, **model.facts}


def _fact(value: Any, source: str | None, as_of: date | None) -> Fact:
    return Fact(value=tuple(value) if isinstance(value, list) else value, source=source, as_of=as_of)
