"""The `batch` section: where work that can wait is kept."""

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from router.config.fields import Settings


def _postgres(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().startswith(("postgresql://", "postgres://")):
        raise ValueError("must be a URL such as postgresql://farthing@db.internal/farthing")
    return value


class Batching(Settings):
    """Where work that can wait is kept, and who takes it over."""

    store: Annotated[
        Annotated[SecretStr, AfterValidator(_postgres)] | None,
        Field(
            description="The URL of a PostgreSQL database, for batches that several machines work on "
            "(`farthing[postgres]`); it may carry a password. "
            "Without it, they are kept in the data folder. Needs a restart."
        ),
    ] = None
    lease_seconds: Annotated[
        float,
        Field(
            ge=3,
            le=3600,
            description="After so long a silence of a machine, others take up its lines. Needs a restart.",
        ),
    ] = 60.0

    @property
    def url(self) -> str | None:
        """Where, with its password."""
        return self.store.get_secret_value() if self.store is not None else None
