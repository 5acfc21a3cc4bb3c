"""Any server that speaks an OpenAI-like wire over HTTP: vLLM, SGLang, Ollama, OpenRouter and their like.

The transport is here; what the bytes mean is the wire's business.
"""

import asyncio
import io
from collections.abc import Mapping
from dataclasses import dataclass, replace

import aiohttp

from router.errors import Broken, Denied, TimedOut, Truncated, Unreachable, UpstreamError
from router.seams import Burst, Clock, Decoder, Stream, Wire
from router.types import Delta, Ending, Endpoint, Model, Request
from router.upstreams.redaction import redact
from router.upstreams.waits import seconds

MAX_ERROR = 64 << 10
"""Bytes read of an answer that is not 200."""

LARGE = 1 << 20

JSON = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """Seconds. Only deltas count: comments and single bytes keep no request alive.

    `first_token` and `idle` hold for streams; a plain answer, which comes all at once, has `total` alone.
    """

    connect: float = 5.0
    first_token: float = 60.0
    idle: float = 60.0
    total: float = 600.0


class OpenAICompatible:
    """One base URL, reached through a session that is shared by all upstreams."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        base_url: str,
        wires: Mapping[Endpoint, Wire],
        clock: Clock,
        api_key: str | None = None,
        headers: Mapping[str, str] | None = None,
        deadlines: Deadlines = Deadlines(),
        proxy_url: str | None = None,
    ) -> None:
        self._session, self._wires, self._clock, self._deadlines = session, wires, clock, deadlines
        base = base_url.rstrip("/")
        self._urls = {endpoint: base + wire.path for endpoint, wire in wires.items()}
        self._proxy = proxy_url
        self._secrets = (api_key,) if api_key else ()
        # Identity: an inflated answer could be a thousand times what was sent.
        self._headers = {"Content-Type": JSON, "Accept-Encoding": "identity", **(headers or {})}
        if api_key:
            self._headers["Authorization"] = f"Bearer {api_key}"
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=deadlines.connect)

    async def send(self, request: Request, model: Model, /) -> Stream:
        """Stream one reply; closing the iterator closes the connection, which ends the generation."""
        watch = _Watch(self._clock, self._deadlines, stream=request.stream)
        answers = False
        try:
            async with await self._post(request, model, watch) as response:
                decoder = await self._decoder(response, request, watch)
                answers = True
                # NEAR AI says here what an alias of it stands for.
                resolved = response.headers.get("x-model-alias-resolved")
                async for item in _items(response, decoder, watch):
                    before = self._clock.monotonic()
                    yield _renamed(item, resolved) if resolved else item
                    # A caller who reads slowly is not the upstream's fault.
                    watch.excuse(self._clock.monotonic() - before)
        except UpstreamError as error:
            error.message = redact(error.message, self._secrets)
            error.args = (error.message,)
            # An error within an answer that had begun well may come after work that is billed.
            error.refused = error.refused and not answers
            raise
        except TimeoutError:
            raise TimedOut(watch.passed()) from None
        except aiohttp.ClientPayloadError:
            raise Truncated from None
        except aiohttp.ClientResponseError as error:
            raise Broken(f"The upstream's answer is not HTTP: {redact(error.message[:200])}") from None
        except (aiohttp.ClientError, OSError) as error:
            unreachable = Unreachable(f"The upstream could not be reached: {_reason(error)}.")
            unreachable.refused = isinstance(error, aiohttp.ClientConnectorError)
            raise unreachable from None

    async def close(self) -> None:
        """Nothing of its own: the session belongs to the app."""

    async def _post(self, request: Request, model: Model, watch: "_Watch") -> aiohttp.ClientResponse:
        body = self._wires[request.endpoint].encode(request, model)
        async with asyncio.timeout(watch.left()):
            return await self._session.post(
                self._urls[request.endpoint],
                # aiohttp writes bytes in one go, which for megabytes would hold up everyone else.
                data=body if len(body) < LARGE else io.BytesIO(body),
                headers=self._headers,
                timeout=self._timeout,
                proxy=self._proxy,
                # A redirect would carry the prompt to a host that nobody configured.
                allow_redirects=False,
            )

    async def _decoder(self, response: aiohttp.ClientResponse, request: Request, watch: "_Watch") -> Decoder:
        wire = self._wires[request.endpoint]
        if response.status != 200:
            async with asyncio.timeout(watch.left()):
                body = await response.content.read(MAX_ERROR)
            if 300 <= response.status < 400:
                raise Denied("The upstream redirects, which is not followed.", status=response.status)
            raise wire.failure(response.status, body, retry_after=_retry_after(response.headers))
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise Broken("The upstream compresses its answer although it was told not to.")
        # Some upstreams answer a streaming request with one object: it is read as what it is.
        whole = not request.stream or response.content_type == JSON
        return wire.decoder(request, stream=not whole)


class _Watch:
    """The four deadlines of one call, as what is left of the nearest."""

    def __init__(self, clock: Clock, deadlines: Deadlines, *, stream: bool) -> None:
        self._clock, self._deadlines, self._stream = clock, deadlines, stream
        start = clock.monotonic()
        self._end = start + deadlines.total
        self._next = start + deadlines.first_token if stream else self._end
        self._phase = "first token" if stream else "whole answer"

    def left(self) -> float:
        return min(self._next, self._end) - self._clock.monotonic()

    def progress(self) -> None:
        if self._stream:
            self._phase = "next token"
            self._next = self._clock.monotonic() + self._deadlines.idle

    def excuse(self, seconds: float) -> None:
        self._next += seconds
        self._end += seconds

    def passed(self) -> str:
        phase = "whole answer" if self._end <= self._next else self._phase
        return f"The upstream did not send the {phase} in time."


async def _items(response: aiohttp.ClientResponse, decoder: Decoder, watch: _Watch) -> Stream:
    content = response.content
    while True:
        async with asyncio.timeout(watch.left()):
            data = await content.readany()
        if not data:
            break
        burst: list[Delta] = []
        try:
            burst.extend(decoder.feed(data))
        finally:
            # What was good before the fault has been paid for, and is passed on.
            if burst:
                watch.progress()
                yield tuple(burst)
    deltas, ending = decoder.end()
    if deltas:
        yield tuple(deltas)
    yield ending


def _renamed(item: Burst | Ending, served: str) -> Burst | Ending:
    if isinstance(item, Ending):
        return replace(item, served_model=served)
    return tuple(replace(delta, served_model=served) for delta in item)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Read `retry-after-ms` or `Retry-After` in seconds; a date is left to the caller's own patience."""
    if "retry-after-ms" in headers:
        return seconds(headers["retry-after-ms"], unit=0.001)
    return seconds(headers.get("Retry-After", ""))


def _reason(error: Exception) -> str:
    return redact(str(error) or type(error).__name__)[:200]
