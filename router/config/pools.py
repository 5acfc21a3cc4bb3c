"""The `pool` of an upstream: an engine of one's own, on which work that can wait may run."""

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, field_validator

from router.config.fields import Seconds, Settings
from router.windows import Window, known_zone


class Serve(Settings):
    """An engine that Farthing starts and keeps: `vllm serve`, at the upstream's `base_url`."""

    model: Annotated[str, Field(min_length=1, description="What vLLM is to load: a name or a folder.")]
    flags: Annotated[
        tuple[str, ...], Field(description="More words for `vllm serve`, such as `--max-num-seqs=64`.")
    ] = ()
    executable: Annotated[
        str | None,
        Field(min_length=1, description="The `vllm` to run; left out, that of Farthing's environment."),
    ] = None
    environment: Annotated[
        Mapping[str, str], Field(description="Variables set for it, such as `HF_HUB_OFFLINE`.")
    ] = {}
    idle_minutes: Annotated[
        float | None,
        Field(gt=0, description="Stopped when not wanted for so long; left out, it always runs."),
    ] = None
    start_seconds: Annotated[
        Seconds, Field(description="How long it may take to load before it is tried again.")
    ] = 600.0


class Pool(Settings):
    """A vLLM engine of one's own, and what work that can wait may take of it."""

    serve: Annotated[
        Serve | None, Field(description="Start and keep the engine; left out, it runs already.")
    ] = None
    most: Annotated[
        int, Field(ge=1, le=4096, description="Background calls at once, while nobody else is there.")
    ] = 256
    beside_interactive: Annotated[
        int, Field(ge=0, le=4096, description="Background calls at once while somebody waits for an answer.")
    ] = 0
    priority: Annotated[
        bool,
        Field(
            description="The engine goes by `priority` (vLLM's `--scheduling-policy=priority`), so work "
            "that can wait gives way. One that Farthing starts is told to, unless its flags say otherwise."
        ),
    ] = False
    windows: Annotated[
        tuple[str, ...],
        Field(description="When work that can wait may run, such as `22:00-06:00 Europe/Berlin`."),
    ] = ()

    @field_validator("windows")
    @classmethod
    def _windows(cls, windows: tuple[str, ...]) -> tuple[str, ...]:
        for text in windows:
            window_of(text)
        return windows


def window_of(text: str) -> Window:
    """Read hours of the day such as `22:00-06:00 Europe/Berlin`; without a zone they are UTC's."""
    match = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]|24):([0-5]\d)(?: (\S+))?", text.strip())
    if match is None:
        raise ValueError(f"{text!r} are no hours: write them as '22:00-06:00 Europe/Berlin'")
    start, end = int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])
    return Window(zone=known_zone(match[5] or "UTC"), start=start, end=end % 1440)
