"""What goes back to a caller: status, headers, and a stream written as it comes."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from policies.spilling import is_spilled
from router.catalog.money import usd_text
from router.http import status_of
from router.ids import shown_id
from router.seams import Renderer
from router.types import Arm, Attempt, Decision, Delta, Ending, Outcome, Purpose, Reply, Request


def headers_of(outcome: Outcome) -> dict[str, str]:
    """Everything that is known about an outcome, once it is over."""
    headers = _first_headers(outcome.request)
    shown = outcome.chosen or (outcome.attempts[-1] if outcome.attempts else None)
    if shown is not None:
        headers |= _decided_headers(shown.decision, _answers(outcome))
        if outcome.cost is not None:
            headers["x-farthing-cost-usd"] = usd_text(outcome.cost)
        if shown.substituted:
            headers["x-farthing-substituted"] = _safe(shown.reply.served_model if shown.reply else None)
    if _unchecked(outcome.chosen):
        headers["x-farthing-check"] = "failed"
    if outcome.over_budget is not None:
        headers["x-farthing-budget"] = _safe(f"exhausted: {outcome.over_budget.budget}")
    return headers


def note_of(outcome: Outcome) -> dict[str, Any]:
    """The same for the last chunk of a stream, whose headers went out before it was known."""
    chosen = outcome.chosen
    note: dict[str, Any] = {
        "asked": outcome.request.asked,
        "attempts": _answers(outcome),
        "cost_usd": usd_text(outcome.cost) if outcome.cost is not None else None,
    }
    if chosen is not None:
        note |= {"model": chosen.decision.model.name, "reason": chosen.decision.reason}
        note |= {"usage": str(chosen.usage.grade), "cost_grade": str(chosen.charge.grade)}
        if chosen.substituted and chosen.reply is not None:
            note["substituted"] = chosen.reply.served_model
        if is_spilled(chosen.decision.reason, outcome.request.labels):
            note["spilled"] = True
    if _unchecked(chosen):
        note["check"] = "failed"
    if outcome.over_budget is not None:
        note["budget"] = f"exhausted: {outcome.over_budget.budget}"
    return note


def _first_headers(request: Request) -> dict[str, str]:
    return {"x-request-id": shown_id(request.id), "x-farthing-asked": _safe(request.asked)}


def _decided_headers(decision: Decision, attempts: int) -> dict[str, str]:
    return {
        "x-farthing-model": _safe(decision.model.name),
        "x-farthing-reason": _safe(decision.reason),
        "x-farthing-attempts": str(attempts),
        **({"x-farthing-arm": decision.arm} if decision.arm is Arm.CONTROL else {}),
    }


def _answers(outcome: Outcome) -> int:
    return sum(attempt.purpose is Purpose.ANSWER for attempt in outcome.attempts)


def _unchecked(chosen: Attempt | None) -> bool:
    return chosen is not None and any(not verdict.passed for verdict in chosen.verdicts)


def _safe(text: str | None) -> str:
    """Make a header value of anything: visible ASCII, bounded."""
    return "".join(c if " " <= c <= "~" else "?" for c in (text or "")[:300])


class StreamedAnswer:
    """A `Caller`: opens the response with the first byte it has for it.

    While there is none, comments keep the connection alive;
    the first of them fixes the headers before the model is known, which then stands in the last chunk alone.
    """

    def __init__(
        self,
        http: web.Request,
        request: Request,
        renderer: Renderer,
        *,
        keepalive: float,
        standing: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        """`standing` gives further headers, when they are sent."""
        self._http, self._request, self._renderer, self._every = http, request, renderer, keepalive
        self._standing = standing
        self._response: web.StreamResponse | None = None
        self._opening = asyncio.Lock()
        self._keeper: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._model = ""
        self._shown = False

    @property
    def begun(self) -> bool:
        return self._response is not None

    @property
    def response(self) -> web.StreamResponse | None:
        return self._response

    async def __aenter__(self) -> Self:
        # A timer, not a task: almost every answer begins before it fires.
        self._timer = asyncio.get_running_loop().call_later(self._every, self._start_keeper)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop_keeper()

    async def send(self, deltas: Sequence[Delta], decision: Decision, attempt: int, /) -> None:
        self._stop_keeper()
        self._model, self._shown = decision.model.name, True
        response = await self._open(_decided_headers(decision, attempt))
        # One write for all that has come: a write per event would cost a system call each.
        data = b"".join(self._renderer.chunk(delta, self._model) for delta in deltas)
        if data:
            await response.write(data)

    async def finish(self, outcome: Outcome) -> web.StreamResponse:
        """Write what is left: the end of what was sent, an answer whose checks failed, or an error."""
        self._stop_keeper()
        response = await self._open({})
        failure = outcome.failure
        if failure is not None:
            await response.write(self._renderer.failure(status_of(failure), failure))
        elif outcome.chosen is not None and outcome.chosen.reply is not None:
            chosen, reply = outcome.chosen, outcome.chosen.reply
            model = chosen.decision.model.name
            unsent = b"" if self._shown else self._whole(reply, model)
            ending = Ending(usage=chosen.usage, envelope=reply.envelope)
            await response.write(unsent + self._renderer.ending(ending, model, note_of(outcome)))
        await response.write_eof()
        return response

    def _whole(self, reply: Reply, model: str) -> bytes:
        return b"".join(
            self._renderer.chunk(
                Delta(
                    choice=choice.index,
                    text=choice.text,
                    refusal=choice.refusal,
                    tool_calls=choice.tool_calls,
                    finish_reason=choice.finish_reason,
                    logprobs=choice.logprobs,
                    extra=choice.extra,
                    choice_extra=choice.choice_extra,
                ),
                model,
            )
            for choice in reply.choices
        )

    async def _open(self, decided: Mapping[str, str]) -> web.StreamResponse:
        async with self._opening:
            if self._response is None:
                headers = {
                    "Content-Type": "text/event-stream; charset=utf-8",
                    "Cache-Control": "no-cache",
                    "X-Accel-Buffering": "no",
                    **_first_headers(self._request),
                    **decided,
                    **self._standing(),
                }
                response = web.StreamResponse(headers=headers)
                await response.prepare(self._http)
                self._response = response
            return self._response

    def _start_keeper(self) -> None:
        # Held by `self`, so that the loop's weak reference is not the only one.
        self._keeper = asyncio.get_running_loop().create_task(self._keep())

    async def _keep(self) -> None:
        with suppress(ConnectionError):  # a caller who has left is noticed elsewhere
            while True:
                response = await self._open({})
                await response.write(self._renderer.keepalive())
                await asyncio.sleep(self._every)

    def _stop_keeper(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._keeper is not None:
            self._keeper.cancel()
            self._keeper = None
