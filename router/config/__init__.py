"""The configuration: YAML in, one frozen `Config` out, or an error that says where and what.

`document` reads YAML with the place of every value, and `references` fills in `${NAME}`.
`shape` compares what was read with the settings; `settings` and the sections it names are the settings.
`consistency` finds what sections say against each other, and `reading` puts it all together.
`watch` reloads a changed file, `schema` and `shown` are for people and their editors.
"""

from router.config.budgets import Budgeting, BudgetSettings, Limit
from router.config.keys import KeySettings, ScopeSettings
from router.config.models import AUTO, Behaviour, ModelSettings
from router.config.prices import Price
from router.config.problems import ConfigProblems
from router.config.reading import doubtful, load, parse, text_of
from router.config.references import environment
from router.config.schema import schema
from router.config.server import Server
from router.config.settings import Config
from router.config.shown import fingerprint, shown
from router.config.upstreams import (
    HostedUpstream,
    OpenAIUpstream,
    SimulatedUpstream,
    Timeouts,
    UpstreamSettings,
)
from router.config.watch import Watcher, restart_needed

__all__ = [
    "AUTO",
    "Behaviour",
    "BudgetSettings",
    "Budgeting",
    "Config",
    "ConfigProblems",
    "HostedUpstream",
    "KeySettings",
    "Limit",
    "ModelSettings",
    "OpenAIUpstream",
    "Price",
    "ScopeSettings",
    "Server",
    "SimulatedUpstream",
    "Timeouts",
    "UpstreamSettings",
    "Watcher",
    "doubtful",
    "environment",
    "fingerprint",
    "load",
    "parse",
    "restart_needed",
    "schema",
    "shown",
    "text_of",
]
