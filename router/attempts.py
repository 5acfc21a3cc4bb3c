"""What is made of the attempts of one request."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from router.types import Attempt, Features, Picodollars, Purpose, Reply, Status, Turn


def cannot_tell(one: Reply, other: Reply, /) -> bool | None:  # noqa: ARG001 - says so of any two
    return None


def compared(attempts: list[Attempt], agree: Callable[[Reply, Reply], bool | None]) -> Iterator[Attempt]:
    """Say of each rejected answer whether the accepted one says the same, where that can be told."""
    accepted = next((a.reply for a in attempts if a.accepted and a.purpose is Purpose.ANSWER), None)
    for attempt in attempts:
        draft = attempt.reply if attempt.status is Status.REJECTED else None
        if accepted is None or draft is None or not draft.complete:
            yield attempt
        else:
            yield replace(attempt, overturned=agree(draft, accepted))


def reading(features: Features, turns: Sequence[Turn], count: Callable[[str], int]) -> Features:
    """Tell of a request that is sent with `turns` more."""
    more = sum(count(turn.text) for turn in turns)
    return replace(features, prompt_tokens=features.prompt_tokens + more) if more else features


def answers(attempts: list[Attempt]) -> int:
    return sum(attempt.purpose is Purpose.ANSWER for attempt in attempts)


def spent_on_checks(attempts: list[Attempt]) -> Picodollars | None:
    costs = [attempt.charge.amount for attempt in attempts if attempt.purpose is Purpose.CHECK]
    known = [cost for cost in costs if cost is not None]
    return sum(known) if len(known) == len(costs) else None
