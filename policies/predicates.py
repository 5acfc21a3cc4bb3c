"""A condition, made ready: a function of the request and what is told of it."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias

from policies.conditions import Condition, Hours
from policies.matching import Range, matcher, several
from router.predictions import Predictions
from router.types import Capability, Features, Request
from router.windows import within

Predicate: TypeAlias = Callable[[Request, Features], bool]

JSON = frozenset({Capability.JSON_OBJECT, Capability.JSON_SCHEMA})


def predicate(condition: Condition) -> Predicate:
    """Make a condition ready to be asked of many requests."""
    parts = [LEAVES[name](value) for name, value in condition.leaves]
    parts += [predicate(each) for each in condition.all or ()]
    if condition.any is not None:
        parts.append(_any([predicate(each) for each in condition.any]))
    if condition.not_ is not None:
        parts.append(_not(predicate(condition.not_)))
    return parts[0] if len(parts) == 1 else _all(parts)


def _all(parts: Sequence[Predicate]) -> Predicate:
    return lambda request, features: all(part(request, features) for part in parts)


def _any(parts: Sequence[Predicate]) -> Predicate:
    return lambda request, features: any(part(request, features) for part in parts)


def _not(part: Predicate) -> Predicate:
    return lambda request, features: not part(request, features)


def _named(of: Callable[[Request], str | None]) -> Callable[[Any], Predicate]:
    def make(wanted: Any) -> Predicate:
        fits = matcher(several(wanted))
        return lambda request, _features: fits(of(request))

    return make


def _tag(wanted: Any) -> Predicate:
    fits = matcher(several(wanted))
    return lambda request, _features: any(fits(tag) for tag in request.principal.tags)


def _header(wanted: Mapping[str, Any]) -> Predicate:
    tests = [(f"header:{name}", matcher(several(names))) for name, names in wanted.items()]
    return lambda request, _features: all(fits(request.labels.get(name)) for name, fits in tests)


def _label(name: str) -> Callable[[Any], Predicate]:
    return _named(lambda request: request.labels.get(name))


def _flag(of: Callable[[Request], bool]) -> Callable[[Any], Predicate]:
    def make(wanted: Any) -> Predicate:
        return lambda request, _features: of(request) is wanted

    return make


def _needs(wanted: Sequence[Capability]) -> Predicate:
    asked = frozenset(wanted)
    return lambda request, _features: asked <= request.needs


def _prompt_tokens(wanted: Range) -> Predicate:
    return lambda _request, features: features.prompt_tokens in wanted


def _best_chance(wanted: Range) -> Predicate:
    return lambda _request, features: max(_chances(features), default=None) in wanted


def _mean_chance(wanted: Range) -> Predicate:
    def judge(_request: Request, features: Features) -> bool:
        chances = _chances(features)
        # Added up one after another: another order may end in another digit, and so in another policy.
        return bool(chances) and sum(chances) / len(chances) in wanted

    return judge


def _chances(features: Features) -> list[float]:
    chances: list[float] = Predictions.of(features.predictions).success.tolist()
    return chances


def _time(hours: Hours) -> Predicate:
    window = hours.window
    return lambda _request, features: features.at is not None and within(window, features.at)


LEAVES: Mapping[str, Callable[[Any], Predicate]] = MappingProxyType(
    {
        "key": _named(lambda request: request.principal.key),
        "team": _named(lambda request: request.principal.team),
        "user": _named(lambda request: request.principal.user),
        "tag": _tag,
        "header": _header,
        "model": _named(lambda request: request.asked),
        "dialect": _named(lambda request: request.dialect),
        "role": _label("role"),
        "language": _label("language"),
        "tools": _flag(lambda request: Capability.TOOLS in request.needs),
        "schema": _flag(lambda request: not JSON.isdisjoint(request.needs)),
        "stream": _flag(lambda request: request.stream),
        "needs": _needs,
        "prompt_tokens": _prompt_tokens,
        "best_chance": _best_chance,
        "mean_chance": _mean_chance,
        "time": _time,
    }
)
"""How each line of a condition is judged."""
