"""Speaking to a running server as any client would."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec
from urllib.parse import quote

import aiohttp
import click
import orjson

from router.config import environment
from router.errors import FarthingError

P = ParamSpec("P")

DEFAULT = "http://127.0.0.1:9600/v1"


class ServerSaid(FarthingError):
    """The server refused, in its own words."""


class NoServer(FarthingError):
    """Nobody answers, or nobody who speaks as Farthing does."""


class Client:
    """The routes that batches need; a refusal is a `ServerSaid`, a silent server a `NoServer`."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session, self._url = session, url.rstrip("/")

    async def call(self, method: str, path: str, **given: Any) -> Any:
        """Call a route and return its JSON."""
        body = await self.fetch(method, path, **given)
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:
            raise NoServer(f"What answers at {self._url} is no Farthing: its answer is not JSON.") from None

    async def fetch(self, method: str, path: str, **given: Any) -> bytes:
        try:
            async with self._session.request(method, self._url + path, **given) as response:
                body = await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise NoServer(f"No server answers at {self._url}: {str(error) or 'it is silent'}.") from None
        if response.status >= 400:
            raise ServerSaid(_message(body) or f"{self._url}{path} answered {response.status}.")
        return body


def path_of(batch_id: str) -> str:
    """Write the path of a batch, whatever was given for an id."""
    return f"/batches/{quote(batch_id, safe='')}"


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
        # As long as it takes: files are large.
        patience = aiohttp.ClientTimeout(total=None, sock_connect=10.0, sock_read=120.0)
        async with aiohttp.ClientSession(headers=headers, timeout=patience) as session:
            await action(Client(session, url), *args, **kwargs)

    @click.option("--url", default=DEFAULT, show_default=True, help="Where the server answers.")
    @click.option("--key", help="What to call with; left out, the variable FARTHING_API_KEY.")
    @wraps(action)
    def command(url: str, key: str | None, *args: P.args, **kwargs: P.kwargs) -> None:
        asyncio.run(run(url, key, *args, **kwargs))

    return command
