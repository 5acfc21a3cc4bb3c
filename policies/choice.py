"""Plain `auto`: one of several policies, by what the request is like."""

from collections.abc import Mapping, Sequence

from policies.conditions import Condition
from policies.dispatch import Dispatch
from policies.language import DEFAULT_POLICY
from policies.policy import RoutedPolicy
from router.errors import Refusal
from router.seams import Plan
from router.types import Endpoint, Features, Model, Request


class Choice:
    """Chooses the first policy whose `when` holds, else `default`.

    It looks at the whole catalogue, since chances are among what conditions ask.
    """

    name = DEFAULT_POLICY

    def __init__(self, policies: Mapping[str, RoutedPolicy], models: Sequence[Model]) -> None:
        default = policies[DEFAULT_POLICY]
        chosen = [(policy.spec.when, policy) for policy in policies.values() if policy.spec.when is not None]
        self.strongest, self.evaluators = default.strongest, default.evaluators
        self.cheapest = default.cheapest
        self.conditions: Sequence[Condition] = [condition for condition, _ in chosen]
        self._default = None if chosen else default
        self._serving = {each: tuple(m for m in models if m.does(each)) for each in Endpoint}
        self._dispatch = Dispatch(chosen, default)

    def candidates(self, request: Request, /) -> Sequence[Model]:
        if self._default is not None:
            return self._default.candidates(request)
        return self._serving[request.endpoint]

    def choose(self, request: Request, features: Features, /) -> RoutedPolicy:
        """Give the policy that is for this request."""
        return self._dispatch(request, features).side(request.endpoint)

    def plan(self, request: Request, features: Features, /) -> tuple[Plan | None, Mapping[str, Refusal]]:
        """Plan as the policy does that is for this request."""
        return self.choose(request, features).plan(request, features)
