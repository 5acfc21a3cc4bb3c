"""What a policy knows at this moment beside the request, read from `Features.moment`.

The keys: `off:CHECK` (a check that does not pay), `switch:MODEL` (picodollars of prompt cache left behind),
`catch:CHECK` and `alarm:CHECK` (measured here), `passes:KIND:RESCUE`, `least` (success, for a stated risk).
"""

from functools import lru_cache

from policies.language import PolicySpec
from policies.priors import CHECKS, SEEN_IN_TIME, UNKNOWN_CHECK, Reliability, together
from router.types import Features, Release


def in_force(checks: tuple[str, ...], features: Features) -> tuple[str, ...]:
    """The policy's checks but for those that were found not to pay."""
    if not features.moment:
        return checks
    return tuple(check for check in checks if not features.moment.get(f"off:{check}"))


def reliability(checks: tuple[str, ...], features: Features, release: Release) -> Reliability:
    """What the checks together catch and condemn in time: measured here, else by the priors."""
    if not features.moment:
        return _by_priors(checks, release)
    known = {
        check: Reliability(
            catch=features.moment.get(f"catch:{check}", prior.catch),
            alarm=features.moment.get(f"alarm:{check}", prior.alarm),
        )
        for check in checks
        for prior in (CHECKS.get(check, UNKNOWN_CHECK),)
    }
    return _in_time(together(known), release)


def switch_cost(features: Features, model: str) -> float:
    """Picodollars that going to `model` costs in prompt cache, beside its price."""
    return features.moment.get(f"switch:{model}", 0.0) if features.moment else 0.0


def needed(spec: PolicySpec, features: Features, best: float) -> float:
    """The chance of success a plan must have; `best` is that of the best single model."""
    return features.moment.get("least", spec.quality * best) if features.moment else spec.quality * best


@lru_cache(maxsize=256)
def _by_priors(checks: tuple[str, ...], release: Release) -> Reliability:
    return _in_time(together({check: CHECKS.get(check, UNKNOWN_CHECK) for check in checks}), release)


def _in_time(all_told: Reliability, release: Release) -> Reliability:
    """What is seen before the caller sees the answer: all of a held one, some of a gated one."""
    share = SEEN_IN_TIME[release]
    return Reliability(catch=share * all_told.catch, alarm=share * all_told.alarm)
