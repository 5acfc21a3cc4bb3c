"""The one door to Ray: blocks go out to actors of Ray Data, and what became of them comes back."""

import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import numpy as np
import ray
from ray.data import ActorPoolStrategy, DataContext

from batch.ray.asking import Asking
from batch.ray.blocks import Block, Done, Order

SHARE = 0.01
"""Of a processor that a worker books: it waits for answers, so there may be more than processors."""

ALONE = "127.0.0.1"


class Worker:
    """An actor that works through one block after another.

    Ray's own HTTP processor sends one request at a time.
    """

    def __init__(self, order: Order) -> None:
        self._order = order
        self._asking: Asking | None = None

    async def __call__(self, batch: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        if self._asking is None:
            self._asking = Asking(self._order)
        for start, stop in zip(batch["start"], batch["stop"], strict=True):
            done = await self._asking.work(Block(start=int(start), stop=int(stop)))
            yield {
                "lines": np.array([done.lines]),
                "before": np.array([done.before]),
                "failed": np.array([done.failed]),
            }


def run(
    order: Order, blocks: list[Block], *, workers: int, address: str | None, told: Callable[[Done], None]
) -> Done:
    """Have all blocks worked through, `told` what is done after each; what a worker raises is raised here."""
    began = {} if address else {"_node_ip_address": ALONE, "include_dashboard": False}
    ray.init(address=address, logging_level=logging.ERROR, log_to_driver=False, **began)
    try:
        context = DataContext.get_current()
        context.enable_progress_bars = False
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        items = [{"start": block.start, "stop": block.stop} for block in blocks]
        answered = ray.data.from_items(items, override_num_blocks=len(items)).map_batches(
            Worker,
            fn_constructor_args=(order,),
            batch_size=1,
            compute=ActorPoolStrategy(size=min(workers, len(items))),
            num_cpus=SHARE,
        )
        done = Done()
        for row in answered.iter_rows():
            done += Done(lines=int(row["lines"]), before=int(row["before"]), failed=int(row["failed"]))
            told(done)
        return done
    finally:
        ray.shutdown()
