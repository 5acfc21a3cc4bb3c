"""On what it was measured."""

import os
import platform
import re
from pathlib import Path
from typing import Any


def described() -> dict[str, Any]:
    """Processor, cores, memory, system, Python, and how busy others keep the machine."""
    return {
        "processor": _found("/proc/cpuinfo", r"^model name\s*: (.+)$") or platform.processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(int(_found("/proc/meminfo", r"^MemTotal:\s+(\d+)") or 0) / 1e6),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load_average": [round(load, 2) for load in os.getloadavg()],
    }


def _found(path: str, pattern: str) -> str | None:
    try:
        found = re.search(pattern, Path(path).read_text(), re.MULTILINE)
    except OSError:
        return None
    return found.group(1).strip() if found else None
