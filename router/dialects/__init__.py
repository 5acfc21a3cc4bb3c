"""What callers speak, and what is spoken to upstreams.

A *dialect* faces the caller: a body becomes a `Request`, a reply becomes bytes.
A *wire* faces an upstream: a `Request` becomes bytes, bytes become deltas.
Both are without I/O, and nothing outside this folder knows their JSON.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from router.dialects.chat import ChatDialect
from router.dialects.wire import ChatWire
from router.seams import Dialect, Wire

DIALECTS: Mapping[str, Dialect] = MappingProxyType({"chat": ChatDialect()})

WIRES: Mapping[str, Callable[..., Wire]] = MappingProxyType({"chat": ChatWire})
