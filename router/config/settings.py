"""The configuration as a whole: every section, frozen once it is read."""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from policies.extending import bases, extended
from policies.language import DEFAULT_POLICY, PolicySpec
from policies.selectors import Deny
from router.catalog.machines import Speed
from router.config.batching import Batching
from router.config.budgets import Budgeting, BudgetSettings
from router.config.consistency import contradictions
from router.config.fields import Settings, nearest
from router.config.keys import KeySettings
from router.config.learning import Learning
from router.config.models import ModelSettings
from router.config.policing import impossible
from router.config.problems import Problem
from router.config.server import Server
from router.config.upstreams import UpstreamSettings
from router.types import Model

T = TypeVar("T")

CONTRADICTION = "contradiction"
"""The pydantic error type whose context lists every contradiction with its path."""


def contradicted(found: Iterable[Problem]) -> PydanticCustomError:
    """Make pydantic's error of problems that have their places."""
    problems = tuple(found)
    text = "; ".join(problem.message for problem in problems)
    return PydanticCustomError(CONTRADICTION, "{text}", {"text": text, "found": problems})


def _meant(said: str, policies: Mapping[str, object]) -> str:
    wrong = said.rpartition(" ")[2].strip("'")
    return nearest(wrong, bases(policies)) if said.startswith("there is no") else ""


def _directory(value: Path) -> Path:
    if str(value).startswith("~"):
        raise ValueError("does not know '~': write '${HOME}/…'")
    return value


class Config(Settings):
    """Everything Farthing is told.

    Validation raises pydantic's `ValidationError`; `parse` and `load` turn it into a `ConfigError`.
    The context key `known_checks` has the makers of the self-checks; without it, checks are not looked at.
    `complete` adds to a model what Farthing knows of it; without it, nobody asks whether any can serve.
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
    learning: Annotated[
        Learning, Field(description="Whether and how fast predictions follow own traffic.")
    ] = Learning()
    keys: Annotated[
        tuple[KeySettings, ...],
        Field(description="Who may call, beside those that `farthing keys` has made."),
    ] = ()
    budgets: Annotated[
        tuple[BudgetSettings, ...],
        Field(description="What may be spent; every one that applies must bear a call."),
    ] = ()
    budgeting: Annotated[Budgeting, Field(description="Where spending is counted, and how.")] = Budgeting()
    batch: Annotated[
        Batching, Field(description="Where work that can wait is kept, and who takes it over.")
    ] = Batching()
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
    aliases: Annotated[
        Mapping[str, str],
        Field(
            description="Other names callers may ask for, `*` for any letters, each with what it stands for: "
            "`auto`, `auto:<policy>` or a model; the first that fits counts."
        ),
    ] = {}
    deny: Annotated[
        Deny, Field(description="What no policy may use, and no caller may name: for the day it goes dark.")
    ] = Deny()

    # min_length would also complain of items that are wrong in themselves.
    @field_validator("upstreams", "models")
    @classmethod
    def _some(cls, listed: Collection[T]) -> Collection[T]:
        if not listed:
            raise ValueError("lists nothing: there must be at least one")
        return listed

    @field_validator("policies", mode="before")
    @classmethod
    def _extended(cls, policies: object) -> object:
        """Fill in what policies have from those they extend; says which cannot be, and why."""
        if not isinstance(policies, Mapping):
            return policies
        filled, wrong = extended(policies)
        if wrong:
            raise contradicted(
                Problem(path=("policies", name, "extends"), message=f"{said}{_meant(said, policies)}")
                for name, said in wrong
            )
        return filled

    @field_validator("policies")
    @classmethod
    def _with_default(cls, policies: Mapping[str, PolicySpec]) -> Mapping[str, PolicySpec]:
        return policies if DEFAULT_POLICY in policies else {DEFAULT_POLICY: PolicySpec(), **policies}

    @model_validator(mode="after")
    def _consistent(self, info: ValidationInfo) -> "Config":
        context = info.context or {}
        found = tuple(contradictions(self, known_checks=context.get("known_checks")))
        if not found:
            found = tuple(impossible(self, complete=context.get("complete")))
        if found:
            raise contradicted(found)
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

    def catalogue(
        self, measured: Mapping[tuple[str, str], Speed] = MappingProxyType({})
    ) -> tuple[Model, ...]:
        """Give every model as a row of the catalogue, prices only where the configuration states them.

        `measured` says by upstream and model how fast own machines were found to be.
        """
        return tuple(
            row.model(self.upstreams[row.upstream], measured.get((row.upstream, row.name)))
            for row in self.models
        )
