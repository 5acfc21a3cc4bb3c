"""The text-completions wire towards upstreams: what vLLM, SGLang, llama.cpp and some providers speak."""

import orjson

from router.dialects.decoding import Around, StreamDecoder, WholeDecoder, failure_of, others
from router.dialects.wire import asked
from router.errors import Broken, UpstreamError
from router.seams import Decoder
from router.types import Delta, Model, Request

CHOICE_KNOWN = frozenset({"index", "text", "finish_reason", "logprobs"})


class CompletionsWire:
    """The text goes to the model as it is, without a chat template; `max_answer` is in bytes."""

    path = "/completions"

    def __init__(self, *, max_answer: int = 64 << 20) -> None:
        self._max_answer = max_answer

    def encode(self, request: Request, model: Model, /) -> bytes:
        return orjson.dumps(asked(request, model))

    def decoder(self, request: Request, /, *, stream: bool) -> Decoder:  # noqa: ARG002 - the seam
        return StreamDecoder(self._max_answer, _delta) if stream else WholeDecoder(self._max_answer, _delta)

    def failure(self, status: int, body: bytes, *, retry_after: float | None) -> UpstreamError:
        return failure_of(status, body, retry_after)


def _delta(choice: object, around: Around) -> Delta:
    if not isinstance(choice, dict):
        raise Broken("The upstream's choice is not an object.")
    index, finish, logprobs = choice.get("index", 0), choice.get("finish_reason"), choice.get("logprobs")
    text = choice.get("text")
    if not isinstance(index, int) or not isinstance(text, str | None):
        raise Broken("The upstream's choice has no text.")
    served, served_id, envelope = around
    return Delta(
        choice=index,
        text=text or "",
        finish_reason=finish if isinstance(finish, str) else None,
        logprobs=logprobs if isinstance(logprobs, dict) else None,
        served_model=served,
        served_id=served_id,
        choice_extra=others(choice, CHOICE_KNOWN),
        envelope=envelope,
    )
