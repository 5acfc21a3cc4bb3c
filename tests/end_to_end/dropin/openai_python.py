"""The openai-python suite: `python -m tests.end_to_end.dropin.openai_python BASE KEY UPSTREAM_KEY FAKE`.

Run it with an interpreter that has the openai release to be tested; it needs nothing else.
"""

import sys

import openai

from tests.end_to_end.dropin import (
    batch_checks,
    chat_checks,
    error_checks,
    routing_checks,
    stream_checks,
    text_checks,
    tool_checks,
    vector_checks,
)
from tests.end_to_end.dropin.runner import World, run

MODULES = [
    chat_checks,
    tool_checks,
    stream_checks,
    error_checks,
    routing_checks,
    text_checks,
    vector_checks,
    batch_checks,
]


def main() -> int:
    """Run the suite against the server named on the command line."""
    base, key, upstream_key, fake = sys.argv[1:]
    sys.stdout.write(f"# openai-python {openai.__version__}\n")
    return run(MODULES, World(base=base, key=key, upstream_key=upstream_key, fake=fake))


if __name__ == "__main__":
    sys.exit(min(main(), 100))
