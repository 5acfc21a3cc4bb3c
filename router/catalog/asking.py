"""Asks a server for JSON, and takes whatever it answers for what it is: often something else."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp
import orjson

_LARGEST = 8 * 2**20
_NAME = re.compile(r"[A-Za-z0-9][\w./:@+-]{0,199}", re.ASCII)
_NO_CHAT = re.compile(
    r"embed|minilm|rerank|colbert|whisper|parakeet|moderation|guard|shieldgemma|stable-diffusion|ocr\b|"
    r"(^|[-_/.])(bge|e5|gte|tts|asr|clip|siglip|vae|flux|sdxl)([-_/.:]|$)"
)


class RefusedError(Exception):
    """The server does not take the key, or wants one."""


async def ask(
    session: aiohttp.ClientSession,
    url: str,
    *,
    within: float,
    key: str | None = None,
    body: Mapping[str, Any] | None = None,
) -> object | None:
    """Return the JSON that stands at `url`, or `None` if none comes within that many seconds.

    Redirects are not followed, endless answers are not read to their end.
    With a `body` the request is a POST. Raises `RefusedError` on status 401 and 403.
    """
    method = "GET" if body is None else "POST"
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    data = bytearray()
    try:
        async with (
            asyncio.timeout(within),
            session.request(method, url, headers=headers, json=body, allow_redirects=False) as response,
        ):
            if response.status in {401, 403}:
                raise RefusedError
            if response.status != 200:
                return None
            async for chunk in response.content.iter_chunked(2**16):
                data += chunk
                if len(data) > _LARGEST:
                    return None
        answer: object = orjson.loads(data)
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
        return None
    return answer


def chat_models(answer: object) -> list[Mapping[str, Any]] | None:
    """Return the entries of a list of models that chat; `None` if the answer is no such list.

    Both forms are read: `{"data": [...]}`, and the bare list some providers give.
    Left out are embeddings, rerankers and speech, and names no model has:
    a name ends up in a configuration, where `${...}` would be looked up.
    """
    if isinstance(answer, dict):
        if "data" not in answer:
            return None
        # Ollama without models says null.
        answer = answer["data"] or []
    if not isinstance(answer, list):
        return None
    return [entry for entry in objects(answer) if _chats(entry.get("id"))]


def _chats(name: object) -> bool:
    return isinstance(name, str) and bool(_NAME.fullmatch(name)) and not _NO_CHAT.search(name.lower())


def objects(value: object) -> list[Mapping[str, Any]]:
    """Return the objects of a list, and nothing of what is no list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def mapping(value: object) -> Mapping[str, Any]:
    """Return an object, an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def texts(value: object) -> Sequence[str]:
    """Return the texts of a list, and nothing of what is no list."""
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def count(value: object) -> int | None:
    """Return a positive whole number, `None` for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
