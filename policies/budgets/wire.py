"""Questions to Redis and their answers, in order, on a connection that redis-py has opened.

redis-py knows URLs, TLS and passwords, but spends 27 us of CPU on each answer it reads; here it is a third.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import hiredis


@dataclass(slots=True)
class Question:
    """A command in the form of the protocol, and where its answer goes, if anybody waits for it.

    One that is `lasting` is asked again on the next connection if this one is lost.
    """

    packed: bytes
    lasting: bool = False
    answer: "asyncio.Future[Any] | None" = None

    def told(self, answer: object) -> None:
        if self.answer is not None and not self.answer.done():
            self.answer.set_result(answer)


def packed(*command: str | float | bytes) -> bytes:
    """Write a command in the form of the protocol."""
    # Its stub says a tuple of one.
    return bytes(hiredis.pack_command(command))  # type: ignore[arg-type]


class Wire(asyncio.Protocol):
    """One connection; `answered` takes each question with its answer (an error too, as a value).

    `lost` takes what was not answered, and why, once.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        answered: Callable[[Question, Any], None],
        lost: Callable[[deque[Question], Exception], None],
        *,
        patience: float,
    ) -> None:
        self._transport, self._answered, self._lost, self._patience = transport, answered, lost, patience
        self._before: Any = transport.get_protocol()  # redis-py's own, which wants to know of the end
        self._reader = hiredis.Reader()
        self._asked: deque[Question] = deque()
        self._heard = self._seen = 0
        self._timer: asyncio.TimerHandle | None = None
        transport.set_protocol(self)

    def ask(self, question: Question) -> None:
        self._asked.append(question)
        self._transport.write(question.packed)
        if self._timer is None:
            self._look_later()

    def data_received(self, data: bytes) -> None:
        reader, asked = self._reader, self._asked
        try:
            reader.feed(data)
            while (answer := reader.gets()) is not False:
                self._heard += 1
                self._answered(asked.popleft(), answer)
        except (hiredis.ProtocolError, IndexError) as error:
            self.end(error)

    def connection_lost(self, exc: Exception | None) -> None:
        self._before.connection_lost(exc)
        self.end(exc or ConnectionError("the connection was closed"))

    def pause_writing(self) -> None:
        self._before.pause_writing()

    def resume_writing(self) -> None:
        self._before.resume_writing()

    def end(self, error: Exception) -> None:
        """Ask nothing more here: what is still to come answers questions that nobody asks any more."""
        if self._timer is not None:
            self._timer.cancel()
        if not self._transport.is_closing():
            self._transport.abort()
        lost, self._lost = self._lost, _nobody
        left, self._asked = self._asked, deque()
        lost(left, error)

    def _look_later(self) -> None:
        self._seen = self._heard
        self._timer = asyncio.get_running_loop().call_later(self._patience, self._look)

    def _look(self) -> None:
        """End it where something is asked and nothing was heard since the last look."""
        self._timer = None
        if not self._asked:
            return
        if self._heard == self._seen:
            self.end(TimeoutError(f"no answer within {self._patience:g} s"))
        else:
            self._look_later()


def _nobody(_left: deque[Question], _error: Exception) -> None:
    """Who was told once is told no more."""
