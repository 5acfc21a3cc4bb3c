"""One run of `farthing calibrate`: the house is built, the prompts are asked, the result is kept."""

import asyncio
import secrets
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any

import aiohttp
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from router.app import Household, gather
from router.catalog import Knowledge
from router.catalog.money import usd_text
from router.clock import SystemClock
from router.config import Config
from router.errors import FarthingError, UnknownModel
from router.learning.adapted import Living
from router.learning.calibrating import Calibration, standing
from router.learning.folder import Folder
from router.learning.items import FAMILIES
from router.learning.placed import Placed, write_placed
from router.learning.putting import Limits, Progress, priced, put_all
from router.ledger.spool import Spool
from router.types import DOLLAR, Model, Turn

LOOKED_AT = 40
"""Prompts that the cost of all is reckoned from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One call of the command."""

    config: Config
    model: str
    as_json: bool
    prompts: int
    seed: int
    at_once: int
    max_cost_usd: float | None
    again: bool
    dry_run: bool

    def place(self) -> dict[str, Any]:
        """Ask, place, keep; what was learnt before a Ctrl-C or a failure is kept too."""
        progress, calibrations = Progress(), list[Calibration]()
        interrupted = False
        try:
            asyncio.run(self._ask(progress, calibrations))
        except KeyboardInterrupt:
            interrupted = True
        calibration = calibrations[0]
        if not calibration.answered:
            why = progress.why or ("it was interrupted" if interrupted else "it gave no answer")
            raise FarthingError(f"{self.model} was not placed: {why}")
        before = standing(calibration.prior, calibration.prior_belief())
        placed = calibration.placed(datetime.now(UTC), priced(progress))
        write_placed(Folder(self.config.data), placed)
        return self._result(calibration, progress, before, placed[-1], interrupted=interrupted)

    def estimate(self) -> dict[str, Any]:
        """Say what would be asked first, and what all of it would cost."""
        calibration = self._calibration(Living(self.config.data), self._catalogue())
        asked = calibration.ask(min(self.prompts, LOOKED_AT))
        model, prior = calibration.model, calibration.prior
        vectors = [prior.describe((Turn(role="user", text=question.item.prompt),)) for question in asked]
        tokens = [prior.predict(vector, [model])[model.name].output_tokens for vector in vectors]
        cost = _about(
            calibration.model, sum(len(question.item.prompt) // 4 for question in asked), sum(tokens)
        )
        return {
            "model": self.model,
            "dry_run": True,
            "prompts": self.prompts,
            "families": dict(Counter(question.place.family for question in asked)),
            "expected_cost_usd": None if cost is None else usd_text(cost * self.prompts // len(asked)),
        }

    async def _ask(self, progress: Progress, calibrations: list[Calibration]) -> None:
        living = Living(self.config.data)
        spool = Spool(self.config.data / "spool", "calibrate")
        try:
            async with aiohttp.ClientSession(auto_decompress=False) as session:
                parts = gather(session, SystemClock(), [spool], predictor=living)
                house = Household(self.config, parts)
                calibration = self._calibration(living, {model.name: model for model in house.catalog})
                calibrations.append(calibration)
                if self.again:
                    return
                await self._put(calibration, house, progress, spool)
        finally:
            spool.close()

    async def _put(
        self, calibration: Calibration, house: Household, progress: Progress, spool: Spool
    ) -> None:
        bound = None if self.max_cost_usd is None else int(Decimal(str(self.max_cost_usd)) * DOLLAR)
        limits = Limits(prompts=self.prompts, at_once=self.at_once, cost=bound)
        with ExitStack() as stack:
            bar = stack.enter_context(_bar(quiet=self.as_json))
            task = bar.add_task(self.model, total=self.prompts, cost="0", where="")

            def tell() -> None:
                spool.tick()
                if progress.asked % 4 == 0:
                    ability, doubt = calibration.standing()
                    bar.update(task, where=f"{ability:+.2f} ± {doubt:.2f}")
                bar.update(task, completed=progress.asked, cost=usd_text(progress.cost))

            await put_all(
                calibration,
                house.pipeline,
                limits,
                progress,
                tell=tell,
                new_id=partial(secrets.token_hex, 16),
            )

    def _catalogue(self) -> dict[str, Model]:
        knowledge = Knowledge.load()
        return {model.name: knowledge.complete(model) for model in self.config.catalogue()}

    def _calibration(self, living: Living, models: dict[str, Model]) -> Calibration:
        if self.model not in models:
            known = ", ".join(sorted(models)[:20])
            raise UnknownModel(f"There is no model {self.model!r} in the configuration; there is {known}.")
        found = living.found
        before = next((each for each in found.all_placed if each.model == self.model), None)
        if self.again and before is None:
            raise FarthingError(
                f"{self.model} was never placed, so there are no answers of it to place it by."
            )
        return Calibration(
            prior=replace(found.base, taught={}),
            model=models[self.model],
            before=models,
            anchors=found.all_placed,
            seed=self.seed,
            answered=list(before.answers) if self.again and before is not None else [],
        )

    def _result(
        self,
        calibration: Calibration,
        progress: Progress,
        before: tuple[float, float],
        placed: Placed,
        *,
        interrupted: bool,
    ) -> dict[str, Any]:
        ability, doubt = standing(calibration.prior, placed.belief)
        asked = Counter(each.family for each in placed.answers)
        right = Counter(each.family for each in placed.answers if each.score >= 0.5)
        cost = priced(progress)
        return {
            "model": self.model,
            "prompts": len(placed.answers),
            "right": sum(right.values()),
            "ability": round(ability, 3),
            "doubt": round(doubt, 3),
            "before": {"ability": round(before[0], 3), "doubt": round(before[1], 3)},
            "families": {family: [right[family], asked[family]] for family in FAMILIES if asked[family]},
            "cost_usd": None if cost is None else usd_text(cost),
            "ended_early": "interrupted" if interrupted else progress.why or None,
        }


def _about(model: Model, read: int, written: float) -> int | None:
    prices = model.prices
    return None if prices is None else int(read * prices.input + written * prices.output)


def _bar(*, quiet: bool) -> Bar:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[cost]} USD"),
        TextColumn("ability {task.fields[where]}"),
    )
    return Bar(*columns, console=Console(stderr=True), disable=quiet)
