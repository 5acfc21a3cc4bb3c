"""The embeddings dialect: vectors of texts, in the encoding that the caller asks for."""

import orjson

from router.dialects.bodies import flag, integer, object_of, string
from router.dialects.failure import error_body
from router.dialects.prompts import prompts
from router.dialects.render import VectorsRenderer
from router.errors import BadRequest
from router.seams import Writer
from router.types import ONE_SPACE, Endpoint, Lane, Limits, Principal, Request


class EmbeddingsDialect:
    """`POST /v1/embeddings`."""

    name, path = "embeddings", "/embeddings"

    def parse(self, body: bytes, *, request_id: str, principal: Principal) -> Request:
        """Make a `Request` of a body; raise `BadRequest` naming the field that is wrong."""
        wire = object_of(body)
        told = prompts(wire, "input")
        integer(wire, "dimensions", least=1, most=1 << 20)
        if wire.get("encoding_format") not in (None, "float", "base64"):
            raise BadRequest("`encoding_format` must be `float` or `base64`.", param="encoding_format")
        if flag(wire, "stream"):
            raise BadRequest("Vectors cannot be streamed.", param="stream")
        return Request(
            id=request_id,
            asked=string(wire, "model"),
            dialect=self.name,
            endpoint=Endpoint.EMBEDDINGS,
            principal=principal,
            turns=told.turns,
            body=wire,
            limits=Limits(output_tokens=0),
            lane=Lane.BACKGROUND if wire.get("service_tier") == "flex" else Lane.INTERACTIVE,
            repeatable=True,
            apart=len(told.turns) > 1,
            token_counts=told.token_counts,
            incomparable=ONE_SPACE,
        )

    def renderer(self, request: Request, *, created: int) -> Writer:  # noqa: ARG002 - the seam
        return VectorsRenderer()

    def error(self, status: int, error: Exception, /) -> bytes:
        return orjson.dumps(error_body(status, error))
