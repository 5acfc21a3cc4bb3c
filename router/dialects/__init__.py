"""What callers speak, and what is spoken to upstreams.

A *dialect* faces the caller: a body becomes a `Request`, a reply becomes bytes.
A *wire* faces an upstream: a `Request` becomes bytes, bytes become deltas.
Both are without I/O, and nothing outside this folder knows their JSON.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from router.dialects.chat import ChatDialect
from router.dialects.completions import CompletionsDialect
from router.dialects.completions_wire import CompletionsWire
from router.dialects.embeddings import EmbeddingsDialect
from router.dialects.embeddings_wire import EmbeddingsWire
from router.dialects.wire import ChatWire
from router.seams import Dialect, Wire
from router.types import Endpoint

DIALECTS: Mapping[str, Dialect] = MappingProxyType(
    {"chat": ChatDialect(), "completions": CompletionsDialect(), "embeddings": EmbeddingsDialect()}
)

WIRES: Mapping[str, Callable[..., Wire]] = MappingProxyType(
    {"chat": ChatWire, "completions": CompletionsWire, "embeddings": EmbeddingsWire}
)

ROUTES: Mapping[Endpoint, str] = MappingProxyType(
    {Endpoint.COMPLETIONS: "completions", Endpoint.EMBEDDINGS: "embeddings"}
)
"""By which wire an upstream is asked for what is no chat."""
