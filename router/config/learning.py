"""The `learning` section: whether and how fast predictions follow own traffic."""

from typing import Annotated

from pydantic import Field

from router.config.fields import Settings


class Learning(Settings):
    """Whether and how fast predictions follow own traffic."""

    enabled: Annotated[
        bool,
        Field(description="Whether predictions are corrected by what came of own requests. Needs a restart."),
    ] = True
    half_life_outcomes: Annotated[
        float,
        Field(gt=0, le=1e6, description="So many newer outcomes of a model halve what an older one counts."),
    ] = 500.0
    half_life_days: Annotated[
        float, Field(gt=0, le=3650, description="So many days halve what an outcome counts.")
    ] = 30.0
