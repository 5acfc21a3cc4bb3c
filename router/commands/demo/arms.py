"""Asks everything: once with `auto`, and once of every model by name."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import aiohttp

from router.commands.demo.client import Answer, ask
from router.commands.demo.grading import is_right
from router.commands.demo.prompts import Prompt
from router.types import Picodollars

ROUTED = "auto"
BASELINE = "farthing-baseline"
"""The tag of what was asked for comparison only; reports leave it out."""

AT_ONCE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One way to answer all prompts: `answers`, `right` and `costs` are in the order of the prompts.

    `costs` are the ledger's, once it was read.
    """

    name: str
    answers: tuple[Answer, ...]
    right: tuple[bool, ...]
    costs: tuple[Picodollars, ...] = ()

    @property
    def spend(self) -> Picodollars:
        return sum(self.costs)

    def with_costs(self, known: Mapping[str, Picodollars]) -> "Arm":
        """Take costs by request id; a request for which no model was asked cost nothing."""
        return replace(self, costs=tuple(known.get(answer.request_id or "", 0) for answer in self.answers))

    def agrees(self, known: Mapping[str, Picodollars]) -> bool:
        """Tell whether the ledger has every request, at the cost that the proxy said."""
        said = ((answer.request_id or "", answer.cost) for answer in self.answers if answer.booked)
        return all(request in known and cost in {None, known[request]} for request, cost in said)


async def run_arm(
    address: str,
    prompts: Sequence[Prompt],
    name: str,
    *,
    run: str,
    answered: Callable[[], None],
    at_once: int = AT_ONCE,
) -> Arm:
    """Ask every prompt of the model called `name`, `at_once` at a time; each answer calls `answered`."""
    headers = _headers(name, run)
    gate = asyncio.Semaphore(at_once)

    async def one(session: aiohttp.ClientSession, prompt: Prompt) -> Answer:
        async with gate:
            answer = await ask(session, address, prompt, name, headers)
        answered()
        return answer

    connector = aiohttp.TCPConnector(limit=at_once)
    timeout = aiohttp.ClientTimeout(total=60)
    async with (
        aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
        asyncio.TaskGroup() as group,
    ):
        tasks = [group.create_task(one(session, prompt)) for prompt in prompts]
    answers = tuple(task.result() for task in tasks)
    graded = (
        answer.problem is None and is_right(prompt.reference, answer.text, answer.calls)
        for prompt, answer in zip(prompts, answers, strict=True)
    )
    return Arm(name=name, answers=answers, right=tuple(graded))


def _headers(name: str, run: str) -> Mapping[str, str]:
    tags = {} if name == ROUTED else {"x-farthing-tags": BASELINE}
    return {"x-farthing-run-id": run, **tags}
