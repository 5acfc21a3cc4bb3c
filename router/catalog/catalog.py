"""The models a running Farthing serves."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from router.errors import ConfigError
from router.types import Model


class Catalog:
    """Models by name, in the order they were given; it never changes."""

    __slots__ = ("_by_name", "models")

    def __init__(self, models: Sequence[Model]) -> None:
        self.models = tuple(models)
        self._by_name: Mapping[str, Model] = MappingProxyType({model.name: model for model in self.models})
        if len(self._by_name) < len(self.models):
            names = [model.name for model in self.models]
            twice = next(name for name in names if names.count(name) > 1)
            raise ConfigError(f"Two models are named {twice!r}.")

    def get(self, name: str) -> Model | None:
        """Return the model of that name, or `None`."""
        return self._by_name.get(name)

    def nearest(self, name: str) -> str | None:
        """Return the name that someone who wrote `name` may have meant, or `None`."""
        lowered = {known.lower(): known for known in self._by_name}
        near = difflib.get_close_matches(name.lower(), lowered, n=1)
        return lowered[near[0]] if near else None

    def __iter__(self) -> Iterator[Model]:
        return iter(self.models)

    def __len__(self) -> int:
        return len(self.models)

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __repr__(self) -> str:
        return f"Catalog({', '.join(self._by_name)})"
