"""Runs checks one by one and says how each went, in the words of TAP; needs only openai.

A check is a public function of a check module: its name is a sentence, it takes the `World`, it asserts.
"""

import json
import sys
import time
import traceback
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any, TypeAlias

from openai import OpenAI

Check: TypeAlias = Callable[["World"], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An HTTP answer as it is."""

    status: int
    headers: dict[str, str]
    text: str

    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Where the server and the fake upstream are. `base` and `fake` are root URLs."""

    base: str
    key: str
    upstream_key: str
    fake: str

    def client(self, **options: Any) -> Any:  # Any: the checks look at what comes, whatever its type says
        """A client as a user makes it; it does not retry by itself unless told to."""
        settings: dict[str, Any] = {"api_key": self.key, "max_retries": 0, "timeout": 20}
        settings["base_url"] = f"{self.base}/v1"
        return OpenAI(**(settings | options))

    def received(self, model: str, *, state: str | None = None, within: float = 5) -> list[dict[str, Any]]:
        """What the fake upstream was asked for `model` (its name there), waiting for one in `state`."""
        query = f"?model={model}" + (f"&state={state}&within={within}" if state else "")
        found: list[dict[str, Any]] = self.http(f"{self.fake}/_requests{query}").json()
        return found

    def script(self, model: str, *scripts: dict[str, Any]) -> None:
        """Tell the fake upstream what `model` does next."""
        self.http(f"{self.fake}/_script", json.dumps({"model": model, "scripts": scripts}).encode())

    def forget(self) -> None:
        """Clear requests and scripts at the fake upstream."""
        self.http(f"{self.fake}/_requests", method="DELETE")

    def post(self, body: object, path: str = "/v1/chat/completions", **headers: str) -> Answered:
        """Send a body past the client, which would not send it."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http(self.base + path, data, {"Authorization": f"Bearer {self.key}"} | named)

    def http(
        self,
        url: str,
        data: bytes | None = None,
        headers: dict[str, str] | None = None,
        method: str | None = None,
    ) -> Answered:
        """Make one HTTP request; errors are answers too."""
        request = urllib.request.Request(url, data, {"Content-Type": "application/json"} | (headers or {}))
        request.method = method or request.get_method()
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                text = answer.read().decode()
                return Answered(status=answer.status, headers=_lower(answer.headers.items()), text=text)
        except urllib.error.HTTPError as error:
            with error:
                return Answered(
                    status=error.code, headers=_lower(error.headers.items()), text=error.read().decode()
                )


def asking(words: str = "Hello there", /, **options: Any) -> dict[str, Any]:
    """The arguments of a call, with one message of the user."""
    return {"model": "small", "messages": [{"role": "user", "content": words}], **options}


def raises(kind: type[BaseException], call: Callable[[], object]) -> Any:
    """The error that `call` raises, which must be a `kind`."""
    try:
        answer = call()
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}, but {answer!r}")


def checks(modules: list[ModuleType]) -> Iterator[tuple[str, Check]]:
    """Find the checks of these modules, in the order they are written."""
    for module in modules:
        for name, item in vars(module).items():
            written_here = getattr(item, "__module__", None) == module.__name__
            if callable(item) and written_here and not name.startswith("_") and not isinstance(item, type):
                yield name.replace("_", " "), item


def run(modules: list[ModuleType], world: World, say: Callable[[str], object] = sys.stdout.write) -> int:
    """Run every check, say a line for each, and return how many failed."""
    failed, found = 0, list(checks(modules))
    say(f"1..{len(found)}\n")
    for number, (name, check) in enumerate(found, start=1):
        began = time.monotonic()
        reason = _failure(check, world)
        failed += reason is not None
        took = f"{time.monotonic() - began:.2f} s"
        say(f"not ok {number} - {name} # {reason}\n" if reason else f"ok {number} - {name} # {took}\n")
    return failed


def _failure(check: Check, world: World) -> str | None:
    try:
        world.forget()
        check(world)
    except Exception as error:  # noqa: BLE001 - whatever a client raises is a failed check
        frames = traceback.extract_tb(error.__traceback__)
        line = next(frame for frame in reversed(frames) if "dropin" in frame.filename)
        place = f"{line.filename.rsplit('/', 1)[-1]}:{line.lineno}: {line.line}"
        return f"{place} | {type(error).__name__}: {error}".replace("\n", " ")[:800]
    return None


def _lower(items: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in items}
