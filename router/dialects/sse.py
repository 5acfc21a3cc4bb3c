"""Server-sent events: bytes in, event data out (WHATWG HTML, section 9.2).

Line ends may be LF, CR or CRLF and may fall anywhere in the stream of reads.
Event names, ids and comments are dropped: the chat-completions wire puts everything into `data`.
"""

from router.errors import Broken


class EventReader:
    """Splits a stream of bytes into the data of its events.

    `max_event` bounds in bytes what is kept of an event that does not end.
    """

    def __init__(self, *, max_event: int = 8 << 20) -> None:
        self._max_event = max_event
        self._rest = b""
        self._data: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes, /) -> list[bytes]:
        """Return the data of every event that `data` completes."""
        data = self._rest + data if self._rest else data
        if b"\r" in data:
            # A CR at the very end may be half of a CRLF: it waits for the next read.
            held = b"\r" if data.endswith(b"\r") else b""
            data = data[: len(data) - len(held)].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        else:
            held = b""
        lines = data.split(b"\n")
        self._rest = lines.pop() + held
        if len(self._rest) + self._size > self._max_event:
            raise Broken("The upstream sent an event that is too large.")
        return self._events(lines)

    def end(self) -> list[bytes]:
        """Return what a last event without its blank line held."""
        return self._events([*self._rest.replace(b"\r", b"\n").split(b"\n"), b""])

    def _events(self, lines: list[bytes]) -> list[bytes]:
        events = []
        for line in lines:
            if not line:
                if self._data:
                    events.append(b"\n".join(self._data))
                    self._data, self._size = [], 0
            elif line.startswith(b"data:"):
                value = line[6:] if line[5:6] == b" " else line[5:]
                self._data.append(value)
                self._size += len(value)
                if self._size > self._max_event:
                    raise Broken("The upstream sent an event that is too large.")
        return events
