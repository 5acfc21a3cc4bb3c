"""Providers with a protocol of their own (Bedrock, Vertex, Anthropic, Gemini, Cohere …), through litellm.

The one door to litellm, opened only when the catalogue names such a provider: importing it takes seconds.
litellm is used for its translations alone: its retries, fallbacks, callbacks and token guesses stay off.
"""

import asyncio
import os
import re
from collections.abc import Awaitable, Iterator, Mapping
from copy import deepcopy
from typing import Any, TypeVar

import aiohttp

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # noqa: TID251 - else importing litellm fetches a price list
os.environ["LITELLM_MODE"] = "PRODUCTION"  # noqa: TID251 - else it loads any .env above it into our environment

import litellm
from litellm.llms.custom_httpx.async_client_cleanup import close_litellm_async_clients

from router.errors import (
    Broken,
    CallerFault,
    ConfigError,
    Denied,
    RateLimited,
    TimedOut,
    Truncated,
    Unreachable,
    UpstreamError,
)
from router.seams import Stream
from router.types import Ending, Endpoint, Model, Request
from router.upstreams.hosted_reading import deltas, plain, usage_of
from router.upstreams.openai_compatible import Deadlines
from router.upstreams.redaction import redact
from router.upstreams.waits import seconds

litellm.telemetry = False
litellm.suppress_debug_info = True
litellm.drop_params = False
# Where a provider reports no usage litellm would count tokens itself and present the guess as usage.
litellm.disable_token_counter = True

OPTIONS = frozenset(
    {
        "audio",
        "frequency_penalty",
        "function_call",
        "functions",
        "logit_bias",
        "logprobs",
        "max_completion_tokens",
        "max_tokens",
        "messages",
        "modalities",
        "n",
        "parallel_tool_calls",
        "prediction",
        "presence_penalty",
        "prompt_cache_key",
        "reasoning_effort",
        "response_format",
        "safety_identifier",
        "seed",
        "service_tier",
        "stop",
        "store",
        "temperature",
        "thinking",
        "tool_choice",
        "tools",
        "top_k",
        "top_logprobs",
        "top_p",
        "user",
        "verbosity",
        "web_search_options",
    }
)
"""What a caller may say.

A closed list, because litellm takes its own settings by the same way:
a caller who could say `api_base` would have our key sent wherever they like.
"""

OURS = frozenset({"model", "stream", "stream_options"})
"""What a caller says to Farthing, and Farthing to the provider in its own way."""

QUIET: Mapping[str, Any] = {
    "num_retries": 0,
    "max_retries": 0,
    "no-log": True,
    # With it, any tool makes litellm import its MCP gateway, which is not installed with it.
    "_skip_mcp_handler": True,
}
"""What litellm would do beside the call, and is told not to."""

ELSEWHERE = (litellm.UnsupportedParamsError, litellm.ContextWindowExceededError)
"""Faults that lie between this request and this model: another model may do better."""

CAUSES: tuple[tuple[tuple[type[BaseException], ...], type[UpstreamError]], ...] = (
    (ELSEWHERE, CallerFault),
    ((TimeoutError, litellm.Timeout), TimedOut),
    ((aiohttp.ClientPayloadError,), Truncated),
    ((OSError, aiohttp.ClientConnectionError), Unreachable),
)

STATUSES: tuple[tuple[frozenset[int], type[UpstreamError]], ...] = (
    (frozenset({429, 529}), RateLimited),
    (frozenset({401, 402, 403, 404, 407, 451}), Denied),
    (frozenset({408, 504}), TimedOut),
    (frozenset({400, 409, 413, 415, 422}), CallerFault),
)

SECRET = re.compile("key|secret|token|password|credential", re.IGNORECASE)

T = TypeVar("T")


class Hosted:
    """One account at one provider.

    `provider` is litellm's name for it; `options` are litellm's settings for it
    (`api_key`, `api_base`, `aws_region_name`, `vertex_project` …).
    What is left out of them litellm takes from the provider's customary environment variables.
    litellm connects by itself, within the deadline of the first token.
    Vertex AI needs the package `google-auth` beside litellm.
    """

    def __init__(
        self,
        provider: str,
        options: Mapping[str, Any],
        *,
        deadlines: Deadlines = Deadlines(),  # noqa: B008 - frozen
    ) -> None:
        if provider not in {str(known.value) for known in litellm.LlmProviders}:
            raise ConfigError(f"litellm knows no provider {provider!r}")
        self._provider, self._options = provider, dict(options)
        self._deadlines = deadlines
        self._secrets = tuple(
            value
            for name, value in options.items()
            if SECRET.search(name) and isinstance(value, str) and value
        )

    def __repr__(self) -> str:
        return f"Hosted({self._provider!r})"

    async def send(self, request: Request, model: Model, /) -> Stream:
        """Stream the reply's deltas, then its one `Ending`; raise `UpstreamError` if the provider fails."""
        if request.endpoint is not Endpoint.CHAT:
            raise Denied(f"{self._provider} is only reached for chats.")
        call = self._call(request, model)
        now = asyncio.get_running_loop().time
        end = now() + self._deadlines.total
        if not request.stream:
            whole = plain(await self._by(end, litellm.acompletion(**call)))
            if not whole.get("choices"):
                raise Broken(f"{self._provider}: the answer has no choices.")
            if burst := tuple(deltas(whole, "message")):
                yield burst
            yield Ending(usage=usage_of(whole.get("usage")), served_model=whole.get("model"))
            return
        stream = await self._by(min(end, now() + self._deadlines.first_token), litellm.acompletion(**call))
        try:
            wait, usage = self._deadlines.first_token, None
            while (chunk := await self._by(min(end, now() + wait), anext(stream, None))) is not None:
                wait, said = self._deadlines.idle, plain(chunk)
                usage = said.get("usage") or usage
                # litellm ends every stream with a finish reason, of its own invention if none arrived.
                arrived = stream.received_finish_reason or stream.intermittent_finish_reason
                if not arrived and any(choice.get("finish_reason") for choice in said["choices"]):
                    raise Truncated
                if burst := tuple(deltas(said, "delta")):
                    before = now()
                    yield burst
                    # A caller who reads slowly is not the provider's fault.
                    end += now() - before
            # In a stream litellm writes the model that was asked for, whoever answered: so it is unknown.
            yield Ending(usage=usage_of(usage))
        finally:
            await stream.aclose()

    async def close(self) -> None:
        """Close litellm's connections, which all instances share: for the end of the process."""
        await close_litellm_async_clients()
        litellm.in_memory_llm_clients_cache.flush_cache()
        # The client it streams with is not among those; closed as a whole, it could not be used again.
        await litellm.module_level_aclient.client._transport.aclose()  # noqa: SLF001 - there is no other way in

    def _call(self, request: Request, model: Model) -> dict[str, Any]:
        # A copy all the way down: litellm edits messages and tools in place, and another model may be next.
        said = deepcopy(
            {name: value for name, value in request.body.items() if name not in OURS and value is not None}
        )
        for name in said:
            if name not in OPTIONS:
                fault = CallerFault(f"{self._provider} cannot be told {name!r}.", param=name)
                fault.retryable = True
                raise fault
        streaming = {"stream": True, "stream_options": {"include_usage": True}} if request.stream else {}
        name = f"{self._provider}/{model.upstream_name}"
        return {
            **said,
            **streaming,
            **QUIET,
            "timeout": self._deadlines.total,
            **self._options,
            "model": name,
        }

    async def _by(self, deadline: float, answer: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout_at(deadline):
                return await answer
        except Exception as error:  # noqa: BLE001 - litellm raises what it likes; all of it is an upstream failing
            # The cause is left behind: what litellm raises can hold the request's headers, and so our key.
            raise self._translated(error) from None

    def _translated(self, error: Exception) -> UpstreamError:
        chain = tuple(_chain(error))
        statuses = tuple(_statuses(chain))
        retry_after = _retry_after(chain)
        kind = _kind(chain, statuses, waits=retry_after is not None)
        # The innermost status is the provider's own; litellm folds several into 400 or 500.
        failure = kind(f"{self._provider}: {self._told(error)}", status=statuses[-1] if statuses else None)
        failure.retry_after = retry_after
        if isinstance(error, ELSEWHERE):
            failure.retryable = True
        return failure

    def _told(self, error: Exception) -> str:
        text = re.sub(r"^(litellm\.\w+: )+", "", str(error).partition(" Handle with `litellm.")[0]).strip()
        return redact((text.splitlines() or [type(error).__name__])[0], self._secrets)[:500]


def _kind(chain: tuple[BaseException, ...], statuses: tuple[int, ...], *, waits: bool) -> type[UpstreamError]:
    for types, kind in CAUSES:
        if any(isinstance(error, types) for error in chain):
            return kind
    if waits and 503 in statuses:
        return RateLimited
    for among, kind in STATUSES:
        if among.intersection(statuses):
            return kind
    return Broken


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield the error and what it came of, outermost first."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = getattr(error, "original_exception", None) or error.__cause__ or error.__context__


def _statuses(chain: tuple[BaseException, ...]) -> Iterator[int]:
    for error in chain:
        status = getattr(error, "status_code", None)
        if isinstance(status, int):
            yield status


def _retry_after(chain: tuple[BaseException, ...]) -> float | None:
    for error in chain:
        for headers in (
            getattr(error, "litellm_response_headers", None),
            getattr(getattr(error, "response", None), "headers", None),
        ):
            told = seconds(str((headers or {}).get("retry-after", "")))
            if told is not None:
                return told
    return None
