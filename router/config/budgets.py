"""The `budgets` and `budgeting` sections: what may be spent, by whom, and where that is counted."""

from datetime import tzinfo
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, WithJsonSchema, model_validator

from policies.budgets.keeper import OUTPUT_TOKENS
from router.budget import Budget, BudgetScope, Per
from router.config.fields import CALL_DIGITS, Settings, exact
from router.windows import known_zone, time_zone

MOST_USD = 1_000_000
"""The largest budget of money: beyond it, Redis would count with doubles that are not exact."""

MOST = 10**15


def _money(value: Decimal) -> Decimal:
    exact(value, CALL_DIGITS)
    return value


def _redis(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().startswith(("redis://", "rediss://", "unix://")):
        raise ValueError("must be a URL such as redis://127.0.0.1:6379/0")
    return value


Usd = Annotated[
    Decimal,
    Field(gt=0, le=MOST_USD),
    AfterValidator(_money),
    WithJsonSchema({"type": "number", "exclusiveMinimum": 0}),
]


class Limit(Settings):
    """At most so much within a window."""

    usd: Annotated[Usd | None, Field(description="US dollars.")] = None
    requests: Annotated[int | None, Field(ge=0, le=MOST, description="Requests.")] = None
    tokens: Annotated[int | None, Field(ge=0, le=MOST, description="Tokens, of prompt and answer.")] = None
    per: Annotated[
        Per | None,
        Field(description="The window: fixed ones of the calendar, in `budgeting.zone`; `total` never ends."),
    ] = None

    @model_validator(mode="after")
    def _something(self) -> "Limit":
        if self.usd is None and self.requests is None and self.tokens is None:
            raise ValueError("limits nothing: it needs 'usd', 'requests' or 'tokens'")
        return self

    def budget(self, name: str, scope: BudgetScope, match: frozenset[str] | None = None) -> Budget:
        """Give the budget it stands for."""
        return Budget(
            name=name,
            scope=scope,
            per=self.per or Per.TOTAL,
            usd=exact(self.usd, CALL_DIGITS) if self.usd is not None else None,
            requests=self.requests,
            tokens=self.tokens,
            match=match,
        )


class BudgetSettings(Limit):
    """One budget: at most so much within a window, for each key, team, run …."""

    name: Annotated[
        str,
        Field(min_length=1, max_length=100, pattern=r"^[^|]+$", description="What refusals call it."),
    ]
    scope: Annotated[
        BudgetScope, Field(description="Whose spending is counted together; `all`: everybody's.")
    ]
    match: Annotated[
        tuple[str, ...] | None,
        Field(
            json_schema_extra={"minItems": 1},
            description="For whom it is, each with an account of its own; left out, for every one.",
        ),
    ] = None

    @model_validator(mode="after")
    def _window(self) -> "BudgetSettings":
        if self.scope is BudgetScope.REQUEST:
            if self.per is not None or self.match is not None or self.requests is not None:
                raise ValueError("is for each single request: it takes 'usd' and 'tokens' alone")
        elif self.per is None:
            raise ValueError("needs 'per': minute, hour, day, week, month or total")
        if self.scope is BudgetScope.ALL and self.match is not None:
            raise ValueError("is for everybody: 'match' has nothing to choose from")
        if self.match == ():
            raise ValueError("has an empty 'match': leave it out to mean every one")
        return self

    def rule(self) -> Budget:
        """Give the budget as it is kept."""
        return self.budget(self.name, self.scope, frozenset(self.match) if self.match is not None else None)


class Budgeting(Settings):
    """Where spending is counted, and what holds for all budgets."""

    store: Annotated[
        Literal["local", "redis"],
        Field(
            description="Where: `local` for all workers of this machine, in the data folder; "
            "`redis` for many machines. Needs a restart."
        ),
    ] = "local"
    url: Annotated[
        Annotated[SecretStr, AfterValidator(_redis)] | None,
        Field(description="Of Redis or Valkey; it may carry a password. Needs a restart."),
    ] = None
    prefix: Annotated[
        str,
        Field(
            min_length=1,
            max_length=50,
            pattern=r"^[A-Za-z0-9_.-]+$",
            description="What the names of all keys in Redis begin with. Needs a restart.",
        ),
    ] = "farthing"
    on_unavailable: Annotated[
        Literal["refuse", "allow"],
        Field(description="What happens to requests with a budget while Redis is away."),
    ] = "refuse"
    expires_seconds: Annotated[
        float,
        Field(
            ge=1,
            le=86_400,
            description="When Redis gives back what a machine that is gone still holds; "
            "longer than the longest call. Needs a restart.",
        ),
    ] = 900.0
    zone: Annotated[
        str,
        AfterValidator(known_zone),
        Field(description="The time zone whose days, weeks and months count."),
    ] = "UTC"
    output_tokens: Annotated[
        int,
        Field(
            ge=1,
            le=10**7,
            description="What an answer is taken for at most if neither the request nor the model limits it.",
        ),
    ] = OUTPUT_TOKENS

    @model_validator(mode="after")
    def _somewhere(self) -> "Budgeting":
        if (self.store == "redis") != (self.url is not None):
            raise ValueError("'store: redis' and 'url' go together")
        return self

    @property
    def tzinfo(self) -> tzinfo:
        """The zone as Python knows it."""
        return time_zone(self.zone)
