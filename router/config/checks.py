"""The self-checks of a policy: names that must exist, options that must fit, models that must be there."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from pydantic import ValidationError

from policies.language import CheckSpec
from router.config.fields import suggestion
from router.config.problems import Path, Problem, told
from router.config.shape import misfits
from router.seams import EvaluatorMaker


def wrong_checks(
    path: Path, checks: Sequence[CheckSpec], known: Mapping[str, EvaluatorMaker], models: Collection[str]
) -> Iterator[Problem]:
    """Find what is wrong with a policy's list of checks."""
    labels = [check.label for check in checks]
    for index, check in enumerate(checks):
        if check.name not in known:
            message = f"there is no check {check.name!r}{suggestion(check.name, known)}"
            yield Problem(path=(*path, index), message=message)
            continue
        if labels.index(check.label) != index:
            message = f"{check.label!r} is here twice; some checks take a `name` of their own"
            yield Problem(path=(*path, index), message=message)
        yield from _options((*path, index, check.name), check, known[check.name], models)


def _options(
    path: Path, check: CheckSpec, maker: EvaluatorMaker, models: Collection[str]
) -> Iterator[Problem]:
    wrong = list(misfits(check.options, maker.schema, maker.schema, path))
    if wrong:
        yield from wrong
        return
    try:
        made = maker(check.options)
    except ValidationError as error:
        for detail in error.errors(include_url=False, include_input=False):
            yield Problem(path=(*path, *detail["loc"]), message=told(detail))
        return
    for name in made.asks:
        if name not in models:
            message = f"there is no model {name!r} that chats{suggestion(name, models)}"
            yield Problem(path=path, message=message)
