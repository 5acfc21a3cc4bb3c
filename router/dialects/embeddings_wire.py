"""The embeddings wire towards upstreams. Vectors are handed on as they were written, and not parsed.

A thousand vectors are some twenty megabytes of JSON: to read and write them again would hold up everybody
else, and could change their last digits.
So the answer is cut around its `data`, of which the vectors are only counted.
"""

import re
from typing import Any

import orjson

from router.dialects.decoding import ENVELOPE_KNOWN, Gathering, around_in, failure_of, object_in, others
from router.dialects.usage import usage_in
from router.errors import Broken, UpstreamError
from router.seams import Decoder
from router.types import Delta, Ending, Model, Request

OPENS = re.compile(rb'"data"\s*:\s*\[')
KNOWN = ENVELOPE_KNOWN | {"data"}


class EmbeddingsWire:
    """Vectors of texts; `max_answer` bounds an answer in bytes."""

    path = "/embeddings"

    def __init__(self, *, max_answer: int = 64 << 20) -> None:
        self._max_answer = max_answer

    def encode(self, request: Request, model: Model, /) -> bytes:
        return orjson.dumps({**request.body, "model": model.upstream_name})

    def decoder(self, request: Request, /, *, stream: bool) -> Decoder:  # noqa: ARG002 - it never is one
        return VectorsDecoder(self._max_answer, len(request.turns))

    def failure(self, status: int, body: bytes, *, retry_after: float | None) -> UpstreamError:
        return failure_of(status, body, retry_after)


class VectorsDecoder(Gathering):
    """Reads what stands around the vectors, and sees that there are as many as texts were sent."""

    def __init__(self, max_answer: int, texts: int) -> None:
        super().__init__(max_answer)
        self._texts = texts

    def end(self) -> tuple[list[Delta], Ending]:
        body, vectors = _cut(self.gathered(), self._texts)
        (served, served_id, _), usage = around_in(body), body.get("usage")
        delta = Delta(served_model=served, served_id=served_id)
        # An upstream need not say that vectors are no output.
        told = {**body, "usage": {**usage, "completion_tokens": 0}} if isinstance(usage, dict) else body
        envelope = {**others(body, KNOWN), "data": vectors}
        return [delta], Ending(usage=usage_in(told), served_model=served, envelope=envelope)


def _cut(data: bytes, texts: int) -> tuple[dict[str, Any], bytes]:
    """Give what stands around the vectors, and the vectors as they are; raises `Broken` for too few.

    What does not look as expected is parsed after all.
    """
    opened, closed = OPENS.search(data), data.rfind(b"]")
    if opened is not None and closed > opened.end():
        inner, around = data[opened.end() : closed], data[: opened.end()] + data[closed:]
        if inner.count(b"{") == texts and _is_object(around):
            return object_in(around), b"[%b]" % inner
    body = object_in(data)
    vectors = body.get("data")
    if not isinstance(vectors, list) or len(vectors) != texts:
        count = len(vectors) if isinstance(vectors, list) else 0
        raise Broken(f"The upstream gave {count} vectors for {texts} texts.")
    return body, orjson.dumps(vectors)


def _is_object(data: bytes) -> bool:
    try:
        return isinstance(orjson.loads(data), dict)
    except orjson.JSONDecodeError:
        return False
