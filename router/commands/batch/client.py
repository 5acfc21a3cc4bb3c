"""Speaking to a running server as any client would."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

import aiohttp
import click
import orjson

from router.config import environment
from router.errors import FarthingError

P = ParamSpec("P")

DEFAULT = "http://127.0.0.1:9600/v1"


class ServerSaid(FarthingError):
    """The server refused, in its own words."""


class Client:
    """The routes that batches need; every refusal is a `ServerSaid`, a silent server too."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session, self._url = session, url.rstrip("/")

    async def call(self, method: str, path: str, **given: Any) -> Any:
        """Call a route and return its JSON."""
        return orjson.loads(await self.fetch(method, path, **given))

    async def fetch(self, method: str, path: str, **given: Any) -> bytes:
        try:
            async with self._session.request(method, self._url + path, **given) as response:
                body = await response.read()
        except aiohttp.ClientError as error:
            raise ServerSaid(f"No server answers at {self._url}: {error}.") from None
        if response.status >= 400:
            raise ServerSaid(_message(body) or f"{self._url}{path} answered {response.status}.")
        return body


def _message(body: bytes) -> str | None:
    try:
        return str(orjson.loads(body)["error"]["message"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None


def speaking(
    action: Callable[Concatenate[Client, P], Awaitable[None]],
) -> Callable[..., None]:
    """Give a command `--url` and `--key`, and its action a client."""

    async def run(url: str, key: str | None, *args: P.args, **kwargs: P.kwargs) -> None:
        secret = key or environment().get("FARTHING_API_KEY")
        headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        async with aiohttp.ClientSession(headers=headers) as session:
            await action(Client(session, url), *args, **kwargs)

    @click.option("--url", default=DEFAULT, show_default=True, help="Where the server answers.")
    @click.option("--key", help="What to call with; left out, the variable FARTHING_API_KEY.")
    @wraps(action)
    def command(url: str, key: str | None, *args: P.args, **kwargs: P.kwargs) -> None:
        asyncio.run(run(url, key, *args, **kwargs))

    return command
