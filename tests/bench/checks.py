"""`python -m tests.bench.checks`: what the free checks cost on an answer of 2 kB, in us of CPU.

The answer is prose, prose around a block of Python, or next to nothing but Python, which has to be parsed.
The last column is what the parser of CPython takes of it.
"""

import colorsys
import inspect
import symtable
from collections.abc import Coroutine
from typing import Any

import click

from evaluators import EVALUATORS
from router.seams import Evaluator
from router.types import Choice, CostClass, Reply, Request
from tests.bench.timing import microseconds
from tests.support.world import request

SIZE = 2_000

PROSE = (
    "The harbour was built in 1843 and widened twice, in 1871 and in 1902, as ships grew longer. "
    "What is left of the old quay can be seen at low tide, beside the fish market.\n\n"
    "- In winter, the ferry leaves at half past seven and returns at four.\n"
    "- A ticket costs 12 euros; children pay half.\n\n"
)


def code(most: int) -> str:
    """Whole functions of dense Python, of so many characters at most."""
    functions = (function for _, function in inspect.getmembers(colorsys, inspect.isfunction))
    block = ""
    for source in map(inspect.getsource, functions):
        if len(block) + len(source) < most:
            block += f"{source}\n\n"
    return block


def answer(block: str) -> str:
    """A block of code, and prose around it until it is long enough."""
    fenced = f"```python\n{block}```\n\n" if block else ""
    return f"Here it is.\n\n{fenced}{PROSE * 8}"[:SIZE]


async def nobody(_model: str, _request: Request) -> Reply:
    raise NotImplementedError


def driven(work: Coroutine[Any, Any, object]) -> None:
    """Run what never waits."""
    try:
        work.send(None)
    except StopIteration:
        return
    raise AssertionError("A free check waited.")


@click.command()
@click.option("--calls", default=50, show_default=True, help="Answers a round.")
def main(calls: int) -> None:
    """Measure every free check, and all of them one after another."""
    asked = request("Write functions that convert colours, please.")
    made = [make({}) for make in EVALUATORS.values() if not make.schema.get("required")]
    free = [check for check in made if check.cost_class is CostClass.FREE]
    click.echo(f"{'':8}" + "".join(f"{check.name:>11}" for check in free) + f"{'all':>11}{'parser':>11}")
    for name, block in {"prose": "", "mixed": code(900), "Python": code(1_950)}.items():
        reply = Reply(choices=(Choice(text=answer(block), finish_reason="stop"),))

        def judged(check: Evaluator, reply: Reply = reply) -> None:
            driven(check.judge(asked, reply, nobody))  # type: ignore[arg-type]

        each = [microseconds(lambda check=check: judged(check), calls) for check in free]  # type: ignore[misc]
        every = microseconds(lambda: [judged(check) for check in free], calls)
        parser = microseconds(lambda: symtable.symtable(block, "", "exec"), calls)  # noqa: B023
        click.echo(f"{name:8}" + "".join(f"{figure:11.1f}" for figure in (*each, every, parser)))


if __name__ == "__main__":
    main()
