"""The text-completions dialect: a text is continued as it stands, without a chat template."""

import orjson

from router.dialects.bodies import flag, integer, mapping, object_of, string
from router.dialects.failure import error_body
from router.dialects.prompts import ONE_VOCABULARY, prompts
from router.dialects.render import TextRenderer
from router.errors import BadRequest
from router.seams import Renderer
from router.types import NOTHING, Endpoint, Lane, Limits, Principal, Request

MOST_CHOICES = 128


class CompletionsDialect:
    """`POST /v1/completions`."""

    name, path = "completions", "/completions"

    def parse(self, body: bytes, *, request_id: str, principal: Principal) -> Request:
        """Make a `Request` of a body; raise `BadRequest` naming the field that is wrong."""
        wire = object_of(body)
        told = prompts(wire, "prompt")
        integer(wire, "logprobs", least=0, most=100)
        mapping(wire, "stream_options")
        flag(wire, "echo")
        each = integer(wire, "n", least=1, most=MOST_CHOICES) or 1
        # Those that are not shown are written, and billed, too.
        tried = integer(wire, "best_of", least=1, most=MOST_CHOICES) or each
        if tried < each:
            raise BadRequest("`best_of` must be at least `n`.", param="best_of")
        return Request(
            id=request_id,
            asked=string(wire, "model"),
            dialect=self.name,
            endpoint=Endpoint.COMPLETIONS,
            principal=principal,
            turns=told.turns,
            body=wire,
            stream=flag(wire, "stream"),
            limits=Limits(
                output_tokens=integer(wire, "max_tokens", least=0), choices=tried * len(told.turns)
            ),
            lane=Lane.BACKGROUND if wire.get("service_tier") == "flex" else Lane.INTERACTIVE,
            repeatable=wire.get("seed") is not None or wire.get("temperature") == 0,
            apart=len(told.turns) > 1,
            token_counts=told.token_counts,
            incomparable=ONE_VOCABULARY if told.token_counts else "",
        )

    def renderer(self, request: Request, *, created: int) -> Renderer:
        options = request.body.get("stream_options") or NOTHING
        return TextRenderer(
            id=f"cmpl-{request.id}",
            created=created,
            shows_usage=options.get("include_usage") is True,
            shows_logprobs=request.body.get("logprobs") is not None,
        )

    def error(self, status: int, error: Exception, /) -> bytes:
        return orjson.dumps(error_body(status, error))
