"""A real vLLM on the CPU, as `.ci/vllm` installs it, with a tiny model; kept by a Farthing of its own."""

import re
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from openai import OpenAI

from batch.engine import EngineFiles, EngineState
from batch.load import EngineLoad, load_of
from router.config import environment
from tests.support.server import Server, running

PATIENCE = 150.0
FLAGS = (
    "--dtype=bfloat16",
    "--max-model-len=2048",
    "--enforce-eager",
    "--max-num-seqs=64",
    "--enable-prompt-tokens-details",
    "--block-size=32",  # 128 by default on a CPU, so that short prompts never hit
)

CONFIG = """
upstreams:
  own:
    kind: openai
    base_url: "{url}/v1"
    provider: vllm
    pool:
      {pool}
      serve:
        model: {folder}/tiny
        executable: {folder}/v/bin/vllm
        environment: {environment}
        flags: {flags}
models:
  - name: tiny
    upstream: own
    upstream_name: tiny
    price: {{input: 0.01, cached_input: 0.001, output: 0.02}}
    context_window: 2048
    capabilities: [logprobs]
    serves: [chat, completions]
policies:
  default: {{checks: []}}
"""


def installed() -> Path:
    """Return where `.ci/vllm` put it; skips where it has not."""
    said = environment()
    cache = said.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(said.get("FARTHING_VLLM") or Path(cache) / "farthing-vllm")
    if not (folder / "installed").exists():
        pytest.skip("NO VLLM: .ci/vllm has not installed one, so a real engine is NOT tested")
    return folder


@dataclass(frozen=True, slots=True, kw_only=True)
class RealEngine:
    """A Farthing and the engine it keeps; `url` is the engine's own root."""

    server: Server
    url: str
    files: EngineFiles

    @property
    def client(self) -> OpenAI:
        return OpenAI(base_url=self.server.url, api_key="unused", max_retries=0, timeout=60)

    @property
    def process(self) -> int:
        return int((self.files.folder / f"{self.files.name}.pid").read_text())

    def metric(self, name: str) -> float:
        """Read one of the engine's series, added up over its labels."""
        text = requests.get(f"{self.url}/metrics", timeout=5).text
        return sum(float(v) for v in re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE))

    def load(self) -> EngineLoad:
        found = load_of(requests.get(f"{self.url}/metrics", timeout=5).content)
        assert found is not None
        return found

    def forget_prefixes(self) -> None:
        """Empty its prefix cache (needs VLLM_SERVER_DEV_MODE)."""
        requests.post(f"{self.url}/reset_prefix_cache", timeout=5).raise_for_status()

    def reached(self, state: EngineState, within: float = PATIENCE) -> None:
        end = time.monotonic() + within
        while self.files.state() is not state:
            assert time.monotonic() < end, f"not {state}:\n{self.files.log.read_text()[-3000:]}"
            time.sleep(0.1)


@contextmanager
def real_engine(
    folder: Path,
    *,
    flags: tuple[str, ...] = (),
    pool: Mapping[str, object] | None = None,
    home: Path | None = None,
) -> Iterator[RealEngine]:
    """Serve with an engine, in `folder`, until the block ends; yields once it answers.

    `home` is where vLLM is installed: left out, where `.ci/vllm` puts it.
    """
    home, port = home or installed(), _free_port()
    variables = {
        "HF_HUB_OFFLINE": "1",
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "VLLM_SERVER_DEV_MODE": "1",
        "VLLM_CONFIG_ROOT": str(folder / "vllm"),
    }
    settings = "\n      ".join(f"{name}: {value}" for name, value in (pool or {"most": 256}).items())
    url = f"http://127.0.0.1:{port}"
    config = CONFIG.format(
        url=url,
        folder=home,
        environment=variables,
        flags=[*FLAGS, *flags],
        pool=settings,
    )
    with running(config, folder) as server:
        engine = RealEngine(server=server, url=url, files=EngineFiles(server.data / "engines", "own"))
        engine.reached(EngineState.READY)
        yield engine


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
