"""The process that Ray runs in, so that what Ray is told by the environment is told before it is imported.

The order comes as a line of JSON on standard input, which stays open; counts go out, a line each, as JSON.
"""

import fcntl
import os
import sys
import threading
import time
from dataclasses import asdict
from pathlib import Path

import orjson

from batch.ray.blocks import Block, Done, Order
from batch.ray.executor import run
from router.errors import FarthingError

PATIENCE = 20.0


def _told(done: Done) -> None:
    sys.stdout.write(orjson.dumps(asdict(done)).decode() + "\n")
    sys.stdout.flush()


def main() -> None:
    """Work through what is ordered."""
    asked = orjson.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    order = asked["order"]
    order |= {"file": Path(order["file"]), "folder": Path(order["folder"])}
    blocks = [Block(**block) for block in asked["blocks"]]
    try:
        _alone(Path(order["folder"]))
        run(Order(**order), blocks, workers=asked["workers"], address=asked["address"], told=_told)
    except Exception as error:  # noqa: BLE001 - whatever Ray raises is told in a sentence
        sys.exit(f"farthing: {_sentence(error)}")


def _end_with_parent() -> None:
    """End, and with us what Ray has started, when whoever ordered it is gone."""
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)


def _alone(folder: Path) -> None:
    """Keep others from the folder until this process ends; one that was killed needs a moment to."""
    descriptor = os.open(folder / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    for _ in range(int(PATIENCE / 0.1)):
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.1)
    raise FarthingError(f"Another run works in {folder}.")


def _sentence(error: BaseException | None) -> str:
    """Find what a worker said in what Ray has wrapped around it."""
    said = str(error).strip().rpartition("\n")[2]
    while error is not None:
        if isinstance(error, FarthingError):
            return error.message
        error = error.__cause__
    return said


if __name__ == "__main__":
    main()
