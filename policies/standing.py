"""What a policy knows at this moment beside the request, read from `Features.moment`.

The keys: `off:CHECK` (a check that does not pay), `kept:MODEL` (picodollars that staying with it saves),
`above:MODEL` (seconds for which only stronger ones serve), `catch:CHECK` and `alarm:CHECK` (measured here),
`passes:KIND:RESCUE` (measured here), `least` (the chance of success that a stated risk asks for).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from policies.candidates import Candidates
from policies.estimate import expected_cost
from policies.language import PolicySpec
from policies.priors import ANSWERS_ASKED, CHECKS, SEEN_IN_TIME, UNKNOWN_CHECK, Reliability, together
from router.predictions import Doubles
from router.types import NOTHING, Features, Model, Prediction, Release, Request

ABOVE, KEPT = "above:", "kept:"


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


def switched(totals: Doubles, features: Features, candidates: Candidates) -> Doubles:
    """Add to what starting at each model costs (models,) what is saved where a prompt cache is kept."""
    if not features.moment:
        return totals
    kept = {key.removeprefix(KEPT): saved for key, saved in features.moment.items() if key.startswith(KEPT)}
    if not kept:
        return totals
    return totals - [kept.get(name, 0.0) for name in candidates.names]


def latched(features: Features, models: Sequence[Model]) -> Mapping[str, str]:
    """Keep to models stronger than the one in trouble, or else to the strongest: tell why not the rest."""
    held = next((key for key in features.moment if key.startswith(ABOVE)), None)
    if held is None or len(models) < 2:
        return NOTHING
    weak, seconds = held.removeprefix(ABOVE), features.moment[held]
    floor = features.predictions[weak].success if weak in features.predictions else 0.0
    chance = {model.name: features.predictions[model.name].success for model in models}
    kept = [model for model in models if chance[model.name] > floor]
    if not kept:
        kept = [max(models, key=lambda model: (chance[model.name], model.name))]
    reason = (
        f"the conversation is in trouble with {weak}, so stronger models serve for another {seconds:.0f} s"
    )
    return {model.name: reason for model in models if model not in kept}


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
    spec: PolicySpec,
    checks: tuple[str, ...],
    release: Release,
    request: Request,
    features: Features,
    candidates: Candidates,
    own: Doubles,
) -> Doubles | None:
    """What the checks of each candidate's answer will probably cost, (models,); most often nothing.

    `own` is what the answers cost that they look at, (models,).

    A check that names the models it asks costs what they do: for the answer that is expected of them,
    or, where nobody was asked what to expect of them, for one as long as the answer that they look at.
    Any other asks the model that answered.
    """
    if release is not Release.HELD:
        return None  # a gate promises haste: checks that ask models do not run
    total: Doubles | None = None
    for check in spec.checks:
        answers = ANSWERS_ASKED.get(check.name)
        if answers is None or check.label not in checks:
            continue
        times = float(check.options.get("samples", answers))
        named = check.options.get("models") or [check.options.get("model")]
        asked = [
            price
            for name in named
            if (model := candidates.known(name)) is not None
            and (price := _asked_price(model, request, features, candidates)) is not None
        ]
        each = times * (sum(asked) / len(asked) if asked else own)
        total = each + (np.zeros_like(own) if total is None else total)
    return total


def _asked_price(
    model: Model, request: Request, features: Features, candidates: Candidates
) -> Doubles | float | None:
    """What a model takes for one answer to a check, where that hangs on the candidate for each, (models,)."""
    if model.prices is None:
        return None
    if model.name in features.predictions:
        return expected_cost(request, features, model)
    lengths = candidates.foreseen(features.predictions).tokens.tolist()
    told = (
        replace(features, predictions={model.name: Prediction(success=0.0, output_tokens=length)})
        for length in lengths
    )
    return np.array([expected_cost(request, each, model) for each in told], float)
