"""A file in blocks of bytes, and what is known of each: a line is of the block in which it begins."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from batch.intake import LONGEST_LINE


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be done: `file`, of which `folder` gets what became of its lines, asked of `url`.

    `at_once` calls are under way in each worker; with `again`, lines that failed are asked once more.
    """

    file: Path
    folder: Path
    url: str
    endpoint: str
    at_once: int
    run: str
    key: str | None = None
    again: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """How many lines there are, of them how many were done before, and how many failed."""

    lines: int = 0
    before: int = 0
    failed: int = 0

    def __add__(self, other: "Done") -> "Done":
        return Done(
            lines=self.lines + other.lines,
            before=self.before + other.before,
            failed=self.failed + other.failed,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """The bytes from `start` up to `stop`."""

    start: int
    stop: int

    def lines(self, path: Path) -> Iterator[tuple[int, bytes]]:
        """Yield where each line begins, and its bytes; one that is too long is cut to be refused."""
        with path.open("rb") as file:
            if self.start:
                # The line that runs into this block is the one's before, unless it ends right there.
                file.seek(self.start - 1)
                _skip(file)
            while (offset := file.tell()) < self.stop and (raw := file.readline(LONGEST_LINE + 1)):
                if not raw.endswith(b"\n"):
                    _skip(file)
                if raw.strip():
                    yield offset, raw


def _skip(file: Any) -> None:
    """Go to the begin of the next line."""
    while (piece := file.readline(LONGEST_LINE)) and not piece.endswith(b"\n"):
        pass


def split(size: int, length: int) -> list[Block]:
    """Split so many bytes into blocks of a length."""
    return [Block(start=start, stop=min(start + length, size)) for start in range(0, size, length)]


class Book:
    """What became of one block's lines: rows as of a batch's output file, whose ids say where the line lies.

    While it is worked on, rows come in the order in which they end; once it is whole, in that of the file,
    those that failed apart.
    """

    def __init__(self, folder: Path, block: Block) -> None:
        name = f"{block.start:015d}"
        self._part = folder / f"{name}.part"
        self._good, self._bad = folder / f"{name}.jsonl", folder / f"{name}.errors.jsonl"

    @property
    def whole(self) -> bool:
        return self._good.exists()

    @property
    def failed(self) -> int:
        return len(_rows(self._bad))

    def reopen(self) -> None:
        """Take up a whole block again, to ask once more for what failed."""
        self._write(self._part, _rows(self._good))
        self._bad.unlink(missing_ok=True)
        self._good.unlink()

    def known(self) -> set[int]:
        """Say which lines are done; a row that a kill has torn is none."""
        rows = _rows(self._part)
        self._write(self._part, rows)
        return {row["at"] for row in rows}

    def add(self, row: dict[str, Any]) -> None:
        with self._part.open("ab") as file:
            file.write(orjson.dumps(row) + b"\n")

    def seal(self) -> Done:
        """Put the rows in their order; a block without lines is whole too."""
        rows = sorted(_rows(self._part), key=lambda row: int(row["at"]))
        bad = [row for row in rows if failed(row)]
        if bad:
            self._write(self._bad, bad)
        self._write(self._good, [row for row in rows if not failed(row)])
        self._part.unlink(missing_ok=True)
        return Done(lines=len(rows), failed=len(bad))

    def count(self) -> Done:
        """Count the lines of a block that is whole."""
        good, bad = len(_rows(self._good)), self.failed
        return Done(lines=good + bad, before=good + bad, failed=bad)

    @staticmethod
    def _write(path: Path, rows: list[dict[str, Any]]) -> None:
        new = path.with_name(f"{path.name}.new")
        with new.open("wb") as file:
            file.writelines(orjson.dumps(row) + b"\n" for row in rows)
            file.flush()
            os.fdatasync(file.fileno())
        new.replace(path)


def failed(row: dict[str, Any]) -> bool:
    return row["error"] is not None or row["response"]["status_code"] >= 400


def _rows(path: Path) -> list[dict[str, Any]]:
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return []
    rows = []
    for line in raw.splitlines():
        try:
            rows.append(orjson.loads(line))
        except orjson.JSONDecodeError:
            continue
    return rows
