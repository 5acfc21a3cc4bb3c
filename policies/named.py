"""The policy of a request that names its model."""

from policies.language import PolicySpec
from policies.meters import Health
from policies.policy import NOTHING_DENIED, Moment, RoutedPolicy
from policies.selectors import Deny
from policies.sides import pinned
from router.types import Model


def pinned_to(
    model: Model,
    base: PolicySpec,
    *,
    health: Health,
    strongest: Model | None,
    deny: Deny = NOTHING_DENIED,
    moment: Moment | None = None,
) -> RoutedPolicy:
    """Make it: that model and no other, relayed and unchecked, at `base`'s other terms."""
    spec = pinned(base, model.name)
    return RoutedPolicy(
        "pinned", spec, (model,), health=health, strongest=strongest, deny=deny, moment=moment
    )
