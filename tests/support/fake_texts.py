"""Text completions and vectors as a well-behaved upstream answers them."""

import base64
import re
import struct
from collections.abc import Iterator, Sequence
from typing import Any

from tests.support.fake_answers import CREATED, NOTHING, SPOKEN_BACK, Answer, Body

TEXT_ID = "cmpl-fake"


def text_completion(body: Body, answer: Answer) -> dict[str, Any]:
    """Write the answer as one `text_completion` object."""
    said = _said(body, answer)
    choices = [_choice(body, index, pieces, finish) for index, (pieces, finish) in enumerate(said)]
    written: dict[str, Any] = {**_envelope(body, answer), "choices": choices}
    if answer.usage != "none":
        written["usage"] = _usage(body, [pieces for pieces, _ in said])
    return written


def text_chunks(body: Body, answer: Answer) -> Iterator[dict[str, Any]]:
    """Write the answer as a stream of `text_completion` objects; usage comes last, if it was asked for."""
    envelope, said = _envelope(body, answer), _said(body, answer)
    for index, (pieces, finish) in enumerate(said):
        for piece in pieces:
            yield {**envelope, "choices": [_choice(body, index, [piece], None)]}
        yield {**envelope, "choices": [_choice(body, index, [], finish)]}
    if (body.get("stream_options") or NOTHING).get("include_usage") is True and answer.usage != "none":
        yield {**envelope, "choices": [], "usage": _usage(body, [pieces for pieces, _ in said])}


def embeddings(body: Body, answer: Answer) -> dict[str, Any]:
    """Write vectors of the texts' lengths; usage counts a token for every four characters."""
    texts, width = _texts(body.get("input")), body.get("dimensions") or 4
    rows = [[len(text) / 8, 0.1 + 0.2, *[-0.5] * (width - 2)] for text in texts]
    coded = body.get("encoding_format") == "base64"
    data = [
        {"object": "embedding", "index": i, "embedding": _coded(row) if coded else row}
        for i, row in enumerate(rows)
    ]
    written: dict[str, Any] = {"object": "list", "data": data, "model": _model(body, answer)}
    if answer.usage != "none":
        tokens = sum(max(1, len(text) // 4) for text in texts)
        written["usage"] = {"prompt_tokens": tokens, "total_tokens": tokens}
    return written | dict(answer.envelope)


def _coded(row: Sequence[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(row)}f", *row)).decode()


def _said(body: Body, answer: Answer) -> list[tuple[list[str], str]]:
    """Settle the pieces of every choice, and why it ends."""
    each = [text for text in _texts(body.get("prompt")) for _ in range(body.get("n") or 1)]
    return [_continued(body, answer, text) for text in each]


def _continued(body: Body, answer: Answer, prompt: str) -> tuple[list[str], str]:
    text = answer.text if answer.text is not None else f" and {body.get('model')} goes on: {prompt}"
    for stop in [body["stop"]] if isinstance(body.get("stop"), str) else body.get("stop") or ():
        text = text.partition(stop)[0]
    pieces, finish = re.findall(r"\s*\S+", text[: SPOKEN_BACK + 40]), "stop"
    most = body.get("max_tokens")
    if most is not None and len(pieces) > most:
        pieces, finish = pieces[:most], "length"
    return [prompt, *pieces] if body.get("echo") else pieces, finish


def _choice(body: Body, index: int, pieces: Sequence[str], finish: str | None) -> dict[str, Any]:
    logprobs = None
    if body.get("logprobs") is not None:
        logprobs = {
            "tokens": list(pieces),
            "token_logprobs": [-0.05] * len(pieces),
            "top_logprobs": [{piece: -0.05} for piece in pieces],
            "text_offset": [0] * len(pieces),
        }
    return {"index": index, "text": "".join(pieces), "logprobs": logprobs, "finish_reason": finish}


def _usage(body: Body, said: Sequence[Sequence[str]]) -> dict[str, Any]:
    prompt = sum(max(1, len(text) // 4) for text in _texts(body.get("prompt")))
    spoken = sum(len(pieces) - bool(body.get("echo")) for pieces in said)
    return {"prompt_tokens": prompt, "completion_tokens": spoken, "total_tokens": prompt + spoken}


def _envelope(body: Body, answer: Answer) -> dict[str, Any]:
    envelope = {"id": TEXT_ID, "object": "text_completion", "created": CREATED}
    return {**envelope, "model": _model(body, answer), **answer.envelope}


def _model(body: Body, answer: Answer) -> Any:
    return answer.served_model or body.get("model")


def _texts(value: Any) -> list[str]:
    """Give every text; a list of tokens is a text of as many letters."""
    if isinstance(value, str):
        return [value]
    if all(isinstance(one, int) for one in value):
        return ["t" * len(value)]
    return [one if isinstance(one, str) else "t" * len(one) for one in value]
