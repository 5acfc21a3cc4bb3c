"""The fake upstream in a process of its own, for tests that wait without an event loop."""

import json
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.support.server import REPOSITORY


@dataclass(frozen=True, slots=True)
class FakeProcess:
    """Where it is: `base` is its root URL."""

    base: str

    @property
    def url(self) -> str:
        return f"{self.base}/v1"

    def requests(self, query: str = "") -> list[dict[str, Any]]:
        """What it was asked, as its control endpoint tells; see `FakeUpstream`."""
        with urllib.request.urlopen(f"{self.base}/_requests?{query}", timeout=10) as answer:
            told: list[dict[str, Any]] = json.load(answer)
            return told

    def forget(self) -> None:
        """Clear its requests and scripts."""
        request = urllib.request.Request(f"{self.base}/_requests", method="DELETE")
        urllib.request.urlopen(request, timeout=10).close()


@contextmanager
def fake_upstream() -> Iterator[FakeProcess]:
    """Run the fake upstream until the block ends."""
    command = [sys.executable, "-m", "tests.support.fake_upstream", "--port", "0"]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            found = re.search(r"http://\S+", process.stdout.readline())
            assert found is not None, "The fake upstream did not start."
            yield FakeProcess(found.group())
        finally:
            process.terminate()
