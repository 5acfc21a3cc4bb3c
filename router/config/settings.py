"""The configuration as a whole: every section, frozen once it is read."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from policies.language import DEFAULT_POLICY, PolicySpec
from router.config.consistency import contradictions
from router.config.fields import Settings
from router.config.learning import Learning
from router.config.models import ModelSettings
from router.config.server import Key, Server
from router.config.upstreams import UpstreamSettings
from router.types import Model

T = TypeVar("T")

CONTRADICTION = "contradiction"
"""The pydantic error type whose context lists every contradiction with its path."""


def _directory(value: Path) -> Path:
    if str(value).startswith("~"):
        raise ValueError("does not know '~': write '${HOME}/…'")
    return value


class Config(Settings):
    """Everything Farthing is told.

    Validation raises pydantic's `ValidationError`; `parse` and `load` turn it into a `ConfigError`.
    The context key `known_checks` has the makers of the self-checks; without it, checks are not looked at.
    """

    server: Annotated[Server, Field(description="Where the proxy listens, and how much it takes.")] = Server()
    data: Annotated[
        Path,
        AfterValidator(_directory),
        Field(description="The folder of spool and ledger, relative to the file. Needs a restart."),
    ] = Path("farthing-data")
    auth: Annotated[
        Literal["none", "keys"],
        Field(description="Whether callers need a key; `none` only if the host is a loopback address."),
    ] = "none"
    keys: Annotated[tuple[Key, ...], Field(description="Who may call.")] = ()
    learning: Annotated[
        Learning, Field(description="Whether and how fast predictions follow own traffic.")
    ] = Learning()
    upstreams: Annotated[
        Mapping[str, UpstreamSettings],
        Field(json_schema_extra={"minProperties": 1}, description="Ways to reach models, each with a name."),
    ]
    models: Annotated[
        tuple[ModelSettings, ...],
        Field(json_schema_extra={"minItems": 1}, description="The catalogue: each model at its upstream."),
    ]
    policies: Annotated[
        Mapping[str, PolicySpec],
        Field(
            validate_default=True,
            description="How a model is chosen, by name: `auto` asks `default`, `auto:<name>` another.",
        ),
    ] = {}

    # min_length would also complain of items that are wrong in themselves.
    @field_validator("upstreams", "models")
    @classmethod
    def _some(cls, listed: Collection[T]) -> Collection[T]:
        if not listed:
            raise ValueError("lists nothing: there must be at least one")
        return listed

    @field_validator("policies")
    @classmethod
    def _with_default(cls, policies: Mapping[str, PolicySpec]) -> Mapping[str, PolicySpec]:
        return policies if DEFAULT_POLICY in policies else {DEFAULT_POLICY: PolicySpec(), **policies}

    @model_validator(mode="after")
    def _consistent(self, info: ValidationInfo) -> "Config":
        known = (info.context or {}).get("known_checks")
        found = tuple(
            contradictions(
                server=self.server,
                auth=self.auth,
                keys=self.keys,
                upstreams=self.upstreams,
                models=self.models,
                policies=self.policies,
                known_checks=known,
            )
        )
        if found:
            text = "; ".join(problem.message for problem in found)
            raise PydanticCustomError(CONTRADICTION, "{text}", {"text": text, "found": found})
        return self

    def beside(self, folder: Path) -> "Config":
        """Give the same with every relative path taken from `folder`."""
        upstreams = {
            name: row.model_copy(update={"tasks": folder / row.tasks})
            if row.kind == "simulated" and row.tasks is not None
            else row
            for name, row in self.upstreams.items()
        }
        return self.model_copy(update={"data": folder / self.data, "upstreams": upstreams})

    def catalogue(self) -> tuple[Model, ...]:
        """Give every model as a row of the catalogue, prices only where the configuration states them."""
        return tuple(row.model(self.upstreams[row.upstream]) for row in self.models)
