"""What a policy knows at this moment beside the request, read from `Features.moment`.

The keys: `off:CHECK` (a check that does not pay), `kept:MODEL` (picodollars that staying with it saves),
`above:MODEL` (seconds for which only stronger ones serve), `catch:CHECK` and `alarm:CHECK` (measured here),
`passes:KIND:RESCUE` (measured here), `least` (the chance of success that a stated risk asks for).
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from policies.language import PolicySpec
from policies.priors import ANSWERS_ASKED, CHECKS, SEEN_IN_TIME, UNKNOWN_CHECK, Reliability, together
from router.types import NOTHING, Features, Model, Release

ABOVE = "above:"


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
    """Picodollars that going to `model` costs beside its price: less than nothing where a cache is kept."""
    return -features.moment.get(f"kept:{model}", 0.0) if features.moment else 0.0


def latched(features: Features, models: Sequence[Model]) -> tuple[Sequence[Model], Mapping[str, str]]:
    """Keep to models that are stronger than the one in trouble, or else to the strongest; tell why."""
    held = next((key for key in features.moment if key.startswith(ABOVE)), None)
    if held is None or len(models) < 2:
        return models, NOTHING
    weak, seconds = held.removeprefix(ABOVE), features.moment[held]
    floor = features.predictions[weak].success if weak in features.predictions else 0.0
    chance = {model.name: features.predictions[model.name].success for model in models}
    kept = [model for model in models if chance[model.name] > floor]
    if not kept:
        kept = [max(models, key=lambda model: (chance[model.name], model.name))]
    reason = (
        f"the conversation is in trouble with {weak}, so stronger models serve for another {seconds:.0f} s"
    )
    return kept, {model.name: reason for model in models if model not in kept}


def needed(spec: PolicySpec, features: Features, best: float) -> float:
    """The chance of success a plan must have; `best` is that of the best single model."""
    return features.moment.get("least", spec.share * best) if features.moment else spec.share * best


def doubts(features: Features) -> str:
    """Say why a promise cannot be kept yet, to follow a reason; most often nothing."""
    if "needed" not in features.moment:
        return ""
    known, needed_ = features.moment["examples"], features.moment["needed"]
    return f"; {known:.0f} outcomes are too few for the stated risk, {needed_:.0f} at least"


@lru_cache(maxsize=256)
def _by_priors(checks: tuple[str, ...], release: Release) -> Reliability:
    return _in_time(together({check: CHECKS.get(check, UNKNOWN_CHECK) for check in checks}), release)


def _in_time(all_told: Reliability, release: Release) -> Reliability:
    """What is seen before the caller sees the answer: all of a held one, some of a gated one."""
    share = SEEN_IN_TIME[release]
    return Reliability(catch=share * all_told.catch, alarm=share * all_told.alarm)


def checking_costs(
    spec: PolicySpec, checks: tuple[str, ...], costs: Mapping[str, float], release: Release
) -> Mapping[str, float]:
    """What the checks of an answer will probably cost, by the model that gave it; most often nothing."""
    if release is not Release.HELD:
        return NOTHING  # a gate promises haste: checks that ask models do not run
    total: dict[str, float] = {}
    for check in spec.checks:
        answers = ANSWERS_ASKED.get(check.name)
        if answers is None or check.label not in checks:
            continue
        times = float(check.options.get("samples", answers))
        named = check.options.get("models") or [check.options.get("model")]
        asked = [costs[name] for name in named if name in costs]
        for model, own in costs.items():
            each = sum(asked) / len(asked) if asked else own
            total[model] = total.get(model, 0.0) + times * each
    return total
