"""Vectors of a simulated embedding model: the same for the same text, of length one, without any meaning."""

import base64
import hashlib
import random
from array import array
from collections.abc import Mapping
from typing import Any

import orjson

from router.types import Request

DIMENSIONS = 64


def vectors(request: Request, name: str) -> list[Mapping[str, Any]]:
    """Write a vector for each text, in the encoding that was asked for."""
    body = request.body
    texts, dimensions = body["input"], body.get("dimensions") or DIMENSIONS
    each = texts if isinstance(texts, list) and len(texts) == len(request.turns) else [texts]
    as_text = body.get("encoding_format") == "base64"
    return [
        {
            "object": "embedding",
            "index": index,
            "embedding": _encoded(vector) if as_text else vector,
        }
        for index, vector in enumerate(_vector(name, text, dimensions) for text in each)
    ]


def _vector(name: str, text: object, dimensions: int) -> list[float]:
    digest = hashlib.blake2b(orjson.dumps([name, text]), digest_size=8).digest()
    dice = random.Random(int.from_bytes(digest))  # noqa: S311 - nothing is kept secret by it
    drawn = [dice.gauss(0.0, 1.0) for _ in range(dimensions)]
    length = sum(value * value for value in drawn) ** 0.5 or 1.0
    return list(array("f", (value / length for value in drawn)))


def _encoded(vector: list[float]) -> str:
    return base64.b64encode(array("f", vector).tobytes()).decode()
