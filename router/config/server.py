"""The `server` section: where the proxy listens, and how much it takes."""

from ipaddress import ip_address
from typing import Annotated, Literal

from pydantic import Field

from router.config.fields import Seconds, Settings
from router.config.keys import Secret


class Server(Settings):
    """Where the proxy listens, and how much it takes."""

    host: Annotated[
        str,
        Field(
            min_length=1, pattern=r"^[^\s/\[\]]+$", description="The address it listens on. Needs a restart."
        ),
    ] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="0 takes any free port. Needs a restart.")] = 9600
    workers: Annotated[int, Field(ge=1, le=256, description="Processes. Needs a restart.")] = 1
    max_body_mb: Annotated[
        int,
        Field(ge=1, le=4096, description="A request above these megabytes is refused. Needs a restart."),
    ] = 100
    keepalive_seconds: Annotated[
        Seconds, Field(description="A caller who waits for a stream gets a comment this often.")
    ] = 15.0
    background_seconds: Annotated[
        Seconds,
        Field(
            description="So long at most waits a request that can (`service_tier: flex`). Needs a restart."
        ),
    ] = 600.0
    shutdown_seconds: Annotated[
        float,
        Field(ge=0, le=86_400, description="How long a stop waits for what is under way. Needs a restart."),
    ] = 30.0
    content_days: Annotated[
        int, Field(ge=1, le=3650, description="Days that texts are kept, for policies that keep them.")
    ] = 7
    ledger_copy_gb: Annotated[
        float,
        Field(
            ge=0,
            le=100_000,
            description="So much of what it took is kept beside the ledger, to make it anew if its file is "
            "damaged; beyond it the oldest goes. Needs a restart.",
        ),
    ] = 20.0
    dashboard: Annotated[
        bool | Literal["auto"],
        Field(
            description="Whether the page is served; `auto`: on a loopback address, or with a key. "
            "Needs a restart."
        ),
    ] = "auto"
    dashboard_key: Annotated[
        Secret | None,
        Field(
            description="What the page asks for; without it, only browsers on this machine are let in. "
            "Needs a restart."
        ),
    ] = None
    telemetry: Annotated[
        bool,
        Field(
            description="Whether spans and metrics go to where OTEL_EXPORTER_OTLP_ENDPOINT says; "
            "needs `farthing[otel]`. Needs a restart."
        ),
    ] = False
    reports: Annotated[
        str | None,
        Field(
            min_length=1,
            description="A folder with reports of one's own, from where it is started. Needs a restart.",
        ),
    ] = None

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"
