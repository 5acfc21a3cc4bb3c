"""The chat-completions dialect: what OpenAI's clients send, and what they expect back."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import orjson

from router.dialects.bodies import flag, integer, mapping, object_of, optional_list, string
from router.dialects.failure import error_body
from router.dialects.render import ChatRenderer
from router.dialects.signals import signals_of
from router.errors import BadRequest
from router.seams import Renderer
from router.types import NOTHING, AnswerForm, Capability, Lane, Limits, Principal, Request, Tool, Turn

PARTS = MappingProxyType(
    {
        "image_url": Capability.VISION,
        "input_audio": Capability.AUDIO,
        "file": Capability.FILES,
    }
)
"""What a content part asks of a model; parts of other types are passed on and ask nothing."""


class ChatDialect:
    """`POST /v1/chat/completions`."""

    name, path = "chat", "/chat/completions"

    def parse(self, body: bytes, *, request_id: str, principal: Principal) -> Request:
        """Make a `Request` of a body; raise `BadRequest` naming the field that is wrong."""
        wire = object_of(body)
        messages = wire.get("messages")
        if not isinstance(messages, list) or not messages:
            raise BadRequest("`messages` must be a list with at least one message.", param="messages")
        needs: set[Capability] = set()
        turns = tuple(_turn(message, position, needs) for position, message in enumerate(messages))
        answer = _answer_form(wire, needs)
        tools = _tools(wire, needs)
        if flag(wire, "logprobs"):
            needs.add(Capability.LOGPROBS)
        mapping(wire, "stream_options")
        return Request(
            id=request_id,
            asked=string(wire, "model"),
            dialect=self.name,
            principal=principal,
            turns=turns,
            body=wire,
            stream=flag(wire, "stream"),
            needs=frozenset(needs),
            tools=tools,
            answer=answer,
            limits=_limits(wire),
            lane=Lane.BACKGROUND if wire.get("service_tier") == "flex" else Lane.INTERACTIVE,
            signals=signals_of(messages, turns, principal),
            repeatable=wire.get("seed") is not None or wire.get("temperature") == 0,
        )

    def renderer(self, request: Request, *, created: int) -> Renderer:
        options = request.body.get("stream_options") or NOTHING
        return ChatRenderer(
            id=f"chatcmpl-{request.id}",
            created=created,
            shows_usage=options.get("include_usage") is True,
            shows_logprobs=request.body.get("logprobs") is True,
        )

    def error(self, status: int, error: Exception, /) -> bytes:
        return orjson.dumps(error_body(status, error))


def _turn(message: object, position: int, needs: set[Capability]) -> Turn:
    where = f"messages[{position}]"
    if not isinstance(message, dict):
        raise BadRequest(f"`{where}` must be an object.", param=where)
    role, content = message.get("role"), message.get("content")
    if not isinstance(role, str) or not role:
        raise BadRequest(f"`{where}.role` must be a string.", param=f"{where}.role")
    if isinstance(content, str):
        return Turn(role=role, text=content)
    if content is None:
        if role in {"user", "system", "developer"}:
            raise BadRequest(f"`{where}.content` is missing.", param=f"{where}.content")
        return Turn(role=role, text="")
    if not isinstance(content, list):
        raise BadRequest(f"`{where}.content` must be a string or a list of parts.", param=f"{where}.content")
    return Turn(role=role, text="\n".join(_part(part, where, needs) for part in content))


def _part(part: object, where: str, needs: set[Capability]) -> str:
    if not isinstance(part, dict) or not isinstance(part.get("type"), str):
        raise BadRequest(f"`{where}.content` has a part without a type.", param=f"{where}.content")
    if part["type"] in PARTS:
        needs.add(PARTS[part["type"]])
    text = part.get("text", "")
    if not isinstance(text, str):
        raise BadRequest(f"`{where}.content` has a part whose text is no string.", param=f"{where}.content")
    return text


def _answer_form(wire: Mapping[str, Any], needs: set[Capability]) -> AnswerForm | None:
    wanted = mapping(wire, "response_format")
    kind = wanted.get("type", "text")
    if kind == "json_object":
        needs.add(Capability.JSON_OBJECT)
        return AnswerForm()
    if kind == "json_schema":
        named = wanted.get("json_schema")
        schema = named.get("schema") if isinstance(named, dict) else None
        if not isinstance(schema, dict | None) or not isinstance(named, dict):
            raise BadRequest(
                "`response_format.json_schema` must be an object with a `schema`.", param="response_format"
            )
        needs.add(Capability.JSON_SCHEMA)
        return AnswerForm(schema=schema)
    return None


def _tools(wire: Mapping[str, Any], needs: set[Capability]) -> tuple[Tool, ...]:
    declared = [_tool(tool, "tools") for tool in optional_list(wire, "tools")]
    declared += [_function(function, "functions") for function in optional_list(wire, "functions")]
    if declared:
        needs.add(Capability.TOOLS)
    return tuple(tool for tool in declared if tool is not None)


def _tool(tool: object, param: str) -> Tool | None:
    if not isinstance(tool, dict):
        raise BadRequest(f"`{param}` must be a list of objects.", param=param)
    if tool.get("type", "function") != "function":
        return None  # tools of other types are the upstream's own: passed on, not checked
    return _function(tool.get("function"), param)


def _function(function: object, param: str) -> Tool:
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise BadRequest(f"`{param}` has a function without a name.", param=param)
    parameters = function.get("parameters")
    if not isinstance(parameters, dict | None):
        raise BadRequest(f"`{param}`: the parameters of a function are a JSON Schema.", param=param)
    return Tool(name=function["name"], parameters=parameters)


def _limits(wire: Mapping[str, Any]) -> Limits:
    newer = integer(wire, "max_completion_tokens", least=1)
    older = integer(wire, "max_tokens", least=1)
    choices = integer(wire, "n", least=1, most=128)
    return Limits(output_tokens=newer if newer is not None else older, choices=choices or 1)
