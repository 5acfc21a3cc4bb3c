"""Having the page made while the proxy serves.

In a process of its own: DuckDB in a thread of the proxy would make callers wait.
"""

import asyncio
import sys
from pathlib import Path

from router.errors import FarthingError


async def page(data: Path) -> str:
    """Have the page made from the ledger in `data`."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "router", "page", "--data", str(data)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, problem = await process.communicate()
    if process.returncode:
        raise FarthingError(f"The page cannot be made: {problem.decode(errors='replace').strip()[-300:]}")
    return out.decode()
