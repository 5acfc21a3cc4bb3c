"""Second tries of the same model: which are worth thinking of after a given failure."""

from collections.abc import Iterator

from policies.language import PolicySpec
from policies.priors import PASSES, TIMES, kind_of
from policies.prospects import after_failure
from router.types import Attempt, Features, Request, Rescue


def rescues(
    spec: PolicySpec, request: Request, features: Features, attempt: Attempt
) -> Iterator[tuple[Rescue, float, float, float]]:
    """Yield each way, its chance to pass, that to be right if so (as a factor), and its cost in answers.

    A model is asked twice at most.
    A caller who fixed the seed or a temperature of zero would get the same answer again.
    A repair needs the rejected answer whole, and thinking a model that is known to take the order.
    """
    model = attempt.decision.model
    if attempt.decision.variant:
        return
    failed = next(verdict for verdict in attempt.verdicts if not verdict.passed)
    kind = kind_of(failed.check, failed.reason)
    p = features.predictions[model.name].success
    # A wrong form tells nothing of how hard the request is; a doubtful sense does.
    right = after_failure(p, p) / p if kind == "sense" and p > 0 else 1.0
    whole = attempt.reply is not None and attempt.reply.complete
    for way, prior in PASSES[kind].items():
        if way not in spec.escalation.rescue:
            continue
        if (
            (way is Rescue.RESAMPLE and request.repeatable)
            or (way is Rescue.REPAIR and not whole)
            or (way is Rescue.THINK and model.thinking is None)
        ):
            continue
        yield way, features.moment.get(f"passes:{kind}:{way}", prior), right, TIMES[way]
