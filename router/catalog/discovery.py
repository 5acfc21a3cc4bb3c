"""Finds engines on this machine, and keys in the environment.

Whatever listens on an engine's usual port is only asked for its list of models, and may answer anything:
what is no such list is no engine.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from router.catalog.asking import RefusedError, ask, chat_models, count, mapping, objects, texts
from router.catalog.providers import Provider
from router.types import Capability

_CHATS = frozenset({"completion", "tools", "vision", "thinking"})
_OF_WEIGHTS = frozenset({Capability.TOOLS, Capability.VISION, Capability.AUDIO})


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundModel:
    """A model an engine has; `None` is what the engine did not tell."""

    upstream_name: str
    context_window: int | None = None
    capabilities: frozenset[Capability] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An engine that answered; `provider` is the row it was recognised as, if it was."""

    base_url: str
    provider: Provider | None
    models: tuple[FoundModel, ...]

    @property
    def name(self) -> str:
        """What people call it."""
        return self.provider.name if self.provider else "An OpenAI-compatible server"


async def local_engines(
    session: aiohttp.ClientSession, rows: Sequence[Provider], *, within: float = 0.5
) -> list[Found]:
    """Ask every engine's usual address at once, each answer for at most `within` seconds.

    Models that do not chat are left out, and so are those that an engine only passes on to its maker's cloud.
    Another Farthing is left out too: routing to it would go round.
    """
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(_engine(session, row, rows, within)) for row in rows]
    return [found for task in asked if (found := task.result()) is not None]


def hosted_providers(environ: Mapping[str, str], rows: Sequence[Provider]) -> list[Provider]:
    """Return the providers whose key the environment has."""
    return [row for row in rows if row.key is not None and environ.get(row.key, "").strip()]


async def _engine(
    session: aiohttp.ClientSession, row: Provider, rows: Sequence[Provider], within: float
) -> Found | None:
    entries = chat_models(await _quietly(session, f"{row.base_url}/models", within))
    if entries is None or any("farthing" in entry for entry in entries):
        return None
    here = [entry for entry in entries if not entry["id"].endswith(("-cloud", ":cloud"))]
    engine = _recognised(row, entries, rows)
    if engine is not None and engine.id == "ollama":
        models = await _shown(session, row, [entry["id"] for entry in here], within)
    else:
        models = tuple(FoundModel(upstream_name=entry["id"], context_window=_window(entry)) for entry in here)
    return Found(base_url=row.base_url, provider=engine, models=models)


def _recognised(
    row: Provider, entries: Sequence[Mapping[str, Any]], rows: Sequence[Provider]
) -> Provider | None:
    owners = set(texts([entry.get("owned_by") for entry in entries]))
    marked = (other for other in rows if owners & set(other.owned_by))
    return next(marked, row if row.alone else None)


def _window(entry: Mapping[str, Any]) -> int | None:
    """Return the window it was started with: `max_model_len` at vLLM and SGLang, `n_ctx` at llama.cpp."""
    return count(entry.get("max_model_len")) or count(mapping(entry.get("meta")).get("n_ctx"))


async def _shown(
    session: aiohttp.ClientSession, row: Provider, names: Sequence[str], within: float
) -> tuple[FoundModel, ...]:
    """Ask Ollama what each model can, and how much it was given to read; its OpenAI face does not tell."""
    root = row.base_url.removesuffix("/v1")
    async with asyncio.TaskGroup() as group:
        running = group.create_task(_quietly(session, f"{root}/api/ps", within))
        asked = [
            group.create_task(_quietly(session, f"{root}/api/show", within, {"model": name}))
            for name in names
        ]
    loaded = {
        one["model"]: count(one.get("context_length"))
        for one in objects(mapping(running.result()).get("models"))
        if isinstance(one.get("model"), str)
    }
    models = []
    for name, task in zip(names, asked, strict=True):
        show = mapping(task.result())
        can = set(texts(show.get("capabilities")))
        if can and not can & _CHATS:
            continue
        capabilities = frozenset(one for one in row.can if one not in _OF_WEIGHTS or one in can)
        models.append(
            FoundModel(
                upstream_name=name,
                context_window=loaded.get(name) or _num_ctx(show.get("parameters")) or row.window,
                capabilities=capabilities if can else None,
            )
        )
    return tuple(models)


def _num_ctx(parameters: object) -> int | None:
    found = (
        re.search(r"^num_ctx\s+(\d{1,9})$", parameters, re.MULTILINE) if isinstance(parameters, str) else None
    )
    return int(found[1]) if found else None


async def _quietly(
    session: aiohttp.ClientSession, url: str, within: float, body: Mapping[str, Any] | None = None
) -> object | None:
    """Ask a server of one's own; one that wants a key is none we could use without being told of it."""
    try:
        return await ask(session, url, within=within, body=body)
    except RefusedError:
        return None
