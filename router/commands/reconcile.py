"""`farthing reconcile`: a provider's own records against the ledger."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import click
import orjson

from router.catalog.money import usd_text
from router.commands.options import DATA
from router.ledger.bills import COLUMNS, OPENROUTER, read_bill
from router.ledger.drain import drain_what_waits
from router.ledger.kinds import SETTLEMENTS
from router.ledger.settling import Reconciled, reconcile
from router.ledger.spool import Spool
from router.ledger.store import Ledger, reading


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option(
    "--provider", type=click.Choice(["openrouter", "csv"]), required=True, help="Whose form FILE has."
)
@click.option("--name", help="What to call the provider of a CSV.  [the file's name]")
@click.option(
    "--map",
    "mapped",
    metavar="NAME=COLUMN,…",
    help=f"Where a CSV has what: {', '.join(COLUMNS)}; id and cost (in USD) are needed.",
)
@DATA
@click.option("--dry-run", is_flag=True, help="Write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    file: Path,
    provider: str,
    name: str | None,
    mapped: str | None,
    data: Path,
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Settle the ledger with what a provider says it billed.

    Records are matched by the provider's name for each answer; a second run with the same FILE changes
    nothing. Reports then count what was billed instead of what was booked. Exit status 1: some record is no
    call of ours, or was billed above the bound that the ledger gives.
    """
    columns = OPENROUTER if provider == "openrouter" else _columns(mapped)
    records = read_bill(file, columns)
    who = provider if provider == "openrouter" else name or file.stem
    ledger, now = Ledger(data), datetime.now(UTC)
    ledger.spool.mkdir(parents=True, exist_ok=True)
    drain_what_waits(ledger)
    with reading(ledger) as connection:
        found = reconcile(connection, who, records, now)
    if found.fresh and not dry_run:
        _write(ledger, found)
    click.echo(orjson.dumps(_told(found)).decode() if as_json else _shown(who, found, dry_run=dry_run))
    if found.unmatched or any(match.beyond for match in found.matched):
        raise SystemExit(1)


def _columns(mapped: str | None) -> Mapping[str, tuple[str, ...]]:
    pairs = dict(part.split("=", 1) for part in (mapped or "").split(",") if "=" in part)
    wrong = pairs.keys() - set(COLUMNS)
    if wrong or not {"id", "cost"} <= pairs.keys():
        raise click.UsageError(
            f"--map needs id=COLUMN,cost=COLUMN and may have {', '.join(COLUMNS[2:])}"
            + (f"; there is no {', '.join(sorted(wrong))}." if wrong else ".")
        )
    return {name: (column,) for name, column in pairs.items()}


def _write(ledger: Ledger, found: Reconciled) -> None:
    """Append through the spool, as everything is, and return once it is in the ledger."""
    spool = Spool(ledger.spool, "reconcile", SETTLEMENTS)
    spool.write(found.fresh)
    spool.close()
    drain_what_waits(ledger)


def _told(found: Reconciled) -> dict[str, object]:
    return {
        "matched": len(found.matched),
        "unmatched": len(found.unmatched),
        "new": len(found.fresh),
        "billed_usd": usd_text(found.billed),
        "booked_usd": usd_text(found.booked),
        "drift_usd": usd_text(found.drift),
        "unmatched_usd": usd_text(sum(one.amount for one in found.unmatched)),
        "beyond_bound": sum(match.beyond for match in found.matched),
        "by_model": {
            model: usd_text(drift) for model, drift in sorted(_drifts(found).items(), key=lambda one: one[0])
        },
    }


def _drifts(found: Reconciled) -> Counter[str]:
    drifts: Counter[str] = Counter()
    for match in found.matched:
        drifts[match.model] += match.settlement.amount - (match.booked or 0)
    return drifts


def _shown(who: str, found: Reconciled, *, dry_run: bool) -> str:
    share = f" ({found.drift / found.booked:+.2%})" if found.booked else ""
    lines = [
        f"{len(found.matched)} records of {who} are calls of ours.",
        f"Billed ${usd_text(found.billed)}, booked ${usd_text(found.booked)}.",
        f"Drift ${usd_text(found.drift)}{share}.",
        *(f"  {model}: drift ${usd_text(drift)}" for model, drift in _drifts(found).most_common() if drift),
    ]
    if found.unmatched:
        total = sum(one.amount for one in found.unmatched)
        lines.append(f"{len(found.unmatched)} records are no call of ours: ${usd_text(total)}, such as")
        lines += [f"  {one.record_id!r} ${usd_text(one.amount)}" for one in found.unmatched[:5]]
    beyond = sum(match.beyond for match in found.matched)
    if beyond:
        lines.append(f"{beyond} calls were billed above the bound that the ledger gives.")
    verb = "would be" if dry_run else "were"
    lines.append(f"{len(found.fresh)} settlements {verb} written; the rest was settled before.")
    return "\n".join(lines)
