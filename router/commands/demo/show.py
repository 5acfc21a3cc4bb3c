"""The demo's figures, for people and for programs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from router.catalog.money import usd, usd_text
from router.commands.demo.arms import Arm
from router.commands.demo.books import Books
from router.commands.demo.figures import Comparison, strongest
from router.types import Picodollars

NOTE = (
    "The models are simulated: their abilities, prices and mistakes are made up, "
    "and no figure here says anything about a real model. "
    "The server, the routing, the checks and the ledger are the real ones."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """Everything the demo found out."""

    seed: int
    seconds: float
    routed: Arm
    singles: tuple[Arm, ...]
    books: Books
    comparison: Comparison

    @property
    def arms(self) -> tuple[Arm, ...]:
        return (self.routed, *self.singles)

    @property
    def agrees(self) -> bool:
        """Whether the ledger has every request, at what the answers said it cost."""
        return all(arm.agrees(self.books.costs) for arm in self.arms)

    @property
    def problems(self) -> tuple[str, ...]:
        """What went wrong on the way to an answer of the routed arm."""
        return tuple(answer.problem for answer in self.routed.answers if answer.problem is not None)


def short(amount: Picodollars) -> str:
    """Write an amount for a table, to the millionth of a dollar."""
    return f"{usd(amount):.6f}"


def as_json(found: Findings) -> dict[str, Any]:
    """Give the figures as one JSON object; amounts are USD as decimal strings."""
    books, best = found.books, strongest(found.singles)
    return {
        "simulated": True,
        "note": NOTE,
        "seed": found.seed,
        "seconds": round(found.seconds, 2),
        "prompts": len(found.routed.answers),
        "streamed_and_plain_answers_were_whole": not found.problems,
        "problems": list(found.problems),
        "answers_per_model": {work.model: work.answers for work in books.work},
        "attempts": sum(work.calls for work in books.work),
        "escalations": books.escalations,
        "failovers": books.failovers,
        "checks_fired": dict(books.fired),
        "routing": _arm(found.routed),
        "strongest_alone": {"model": best.name, **_arm(best)},
        "models_alone": {arm.name: _arm(arm) for arm in found.singles},
        "random_mix_at_the_same_spend": {
            "right": round(found.comparison.mix_right, 2),
            "weights": {name: round(weight, 4) for name, weight in found.comparison.weights.items()},
        },
        "routing_less_random_mix": {
            "right": round(found.comparison.difference, 2),
            "low": round(found.comparison.low, 2),
            "high": round(found.comparison.high, 2),
        },
        "ledger": {
            "rows": books.rows,
            "spent_usd": usd_text(sum(arm.spend for arm in found.arms)),
            "agrees_with_the_answers": found.agrees,
        },
    }


def _arm(arm: Arm) -> dict[str, Any]:
    return {"cost_usd": usd_text(arm.spend), "right": sum(arm.right)}


def show(found: Findings, console: Console) -> None:
    """Print the figures for people."""
    count = len(found.routed.answers)
    console.print(_work(found.books, count))
    console.print(_comparison(found, count))
    for sentence in _sentences(found, count):
        console.print(sentence, highlight=False)
    console.print(f"\n[bold]{NOTE}[/bold]\n", highlight=False)


def _work(books: Books, count: int) -> Table:
    table = Table(title=f"{count} prompts asked with model: auto", title_justify="left", show_footer=True)
    table.add_column("model", "in all")
    for name, total in (
        ("answers", str(sum(work.answers for work in books.work))),
        ("calls", str(sum(work.calls for work in books.work))),
        ("cost, USD", short(sum(work.cost for work in books.work))),
    ):
        table.add_column(name, total, justify="right")
    for work in books.work:
        table.add_row(work.model, str(work.answers), str(work.calls), short(work.cost))
    return table


def _comparison(found: Findings, count: int) -> Table:
    table = Table(title="The same prompts, asked in other ways", title_justify="left")
    table.add_column("")
    for name in (f"right of {count}", "cost, USD", "of strongest"):
        table.add_column(name, justify="right")
    best = strongest(found.singles).spend
    rows: list[tuple[str, str, Picodollars]] = [
        ("routed by Farthing", _right(found.routed), found.routed.spend)
    ]
    mix = " + ".join(f"{weight:.0%} {name}" for name, weight in found.comparison.weights.items())
    rows += [(f"{arm.name} alone", _right(arm), arm.spend) for arm in found.singles]
    rows += [(f"chance: {mix}", f"{found.comparison.mix_right:.1f}", _mix_spend(found))]
    for name, right, cost in rows:
        table.add_row(name, right, short(cost), f"{cost / best:.0%}" if best else "")
    return table


def _right(arm: Arm) -> str:
    return str(sum(arm.right))


def _mix_spend(found: Findings) -> Picodollars:
    costs = {arm.name: arm.spend for arm in found.singles}
    return round(sum(weight * costs[name] for name, weight in found.comparison.weights.items()))


def _sentences(found: Findings, count: int) -> Sequence[str]:
    books, against, best = found.books, found.comparison, strongest(found.singles)
    fired = escape(", ".join(f"{what} ({times})" for what, times in books.fired.items())) or "none"
    saved = 1 - found.routed.spend / best.spend if best.spend else 0.0
    right = sum(found.routed.right) / max(1, sum(best.right))
    broken = f", except {len(found.problems)} ({'; '.join(sorted(set(found.problems)))})"
    problems = escape(broken) if found.problems else ""
    mixed = (
        f"would be right {against.mix_right:.1f} times of {count}. Routing differs from it by "
        f"{against.difference:+.1f} (95 % interval over prompts: {against.low:+.1f} to {against.high:+.1f})."
    )
    return (
        f"It escalated {books.escalations} times and failed over {books.failovers} times.",
        f"Checks that fired: {fired}.",
        f"Routing cost {saved:.0%} less than {best.name} alone and gave {right:.1%} of its right answers.",
        f"At the same spend, the best random mix of single models {mixed}",
        f"Every answer came whole, plain or streamed{problems}.",
        _balance(found),
        f"All of this took {found.seconds:.1f} seconds.",
    )


def _balance(found: Findings) -> str:
    total, rows = short(sum(arm.spend for arm in found.arms)), found.books.rows
    if found.agrees:
        return f"The ledger's {rows} rows say for every request what its answer said; in all {total} USD."
    wrong = ", ".join(arm.name for arm in found.arms if not arm.agrees(found.books.costs))
    return f"[red]The ledger's {rows} rows do not say what the answers said[/red] of {wrong}."
