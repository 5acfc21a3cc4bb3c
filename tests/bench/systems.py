"""The systems under test, one small class each: how it starts, and where a load goes."""

import secrets
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

import orjson

from tests.bench.load import question
from tests.bench.nginx import Nginx
from tests.bench.processes import REPOSITORY, Process, answers, free_port
from tests.bench.static import NAME
from tests.bench.works import Missing, Place, Target, Work

LITELLM = "1.106.2"
"""The newest that resolves from every registry we know: 1.109 wants releases that not all of them have."""

MODELS = (
    ("qwen3-8b", 0.05, 0.20, 8),
    ("llama-3.3-70b", 0.25, 0.60, 70),
    ("qwen3-235b-a22b", 0.40, 1.20, 235),
)


class System(Protocol):
    """One way from a client to the upstream; `start` raises `Missing`, with the reason, if it cannot."""

    name: str
    version: str
    slow: int
    """How many times longer it is loaded than the others, so that there is enough to count."""

    def start(self, place: Place) -> Process | None: ...

    def target(self, work: Work) -> Target: ...


class Direct:
    """No proxy at all: what the load and the upstream can do by themselves."""

    name = "direct"
    version = "-"
    slow = 1

    def __init__(self) -> None:
        self._upstream: Mapping[Work, str] = {}

    def start(self, place: Place) -> None:
        self._upstream = place.upstream

    def target(self, work: Work) -> Target:
        return Target(url=f"{self._upstream[work]}/chat/completions", model=NAME, key="none")


class Farthing:
    """Farthing with everything on: keys, classifier, policy over three models, checks, ledger, metrics."""

    name = "farthing"
    slow = 1

    def __init__(self) -> None:
        self.version = _commit()
        self.data = Path()
        self._key, self._base = secrets.token_hex(16), ""

    def start(self, place: Place) -> Process:
        place.folder.mkdir()
        self.data = place.folder / "data"
        path = place.folder / "farthing.yaml"
        path.write_bytes(orjson.dumps(self._config(place)))  # JSON is YAML
        process = Process(
            [sys.executable, "-m", "router", "serve", "--config", str(path), "--port", "0"],
            log=place.folder / "log",
            core=place.core,
        )
        self._base = process.said(r"farthing: listening on (http://\S+)")
        _first_answer(process, self.target(Work.JSON))
        return process

    def target(self, work: Work) -> Target:
        model = "auto" if work is Work.JSON else f"auto:{work}"
        return Target(url=f"{self._base}/v1/chat/completions", model=model, key=self._key)

    def _config(self, place: Place) -> dict[str, object]:
        rows = [
            {
                "name": f"{name}-{work}",
                "upstream": str(work),
                "upstream_name": name,
                "served_as": [NAME],
                "price": {"input": price_in, "output": price_out},
                "context_window": 32768,
                "params_b": size,
                "open_weight": True,
            }
            for name, price_in, price_out, size in MODELS
            for work in place.upstream
        ]
        return {
            "data": str(self.data),
            "auth": "keys",
            "keys": [{"name": "bench", "secret": self._key, "team": "bench"}],
            "upstreams": {
                str(work): {"kind": "openai", "base_url": url} for work, url in place.upstream.items()
            },
            "models": rows,
            "policies": {
                "default" if work is Work.JSON else str(work): {
                    "models": [row["name"] for row in rows if row["upstream"] == work]
                }
                for work in place.upstream
            },
        }


class Litellm:
    """litellm's proxy, one worker, without a database: it checks a master key and passes the call on."""

    name = "litellm"
    version = LITELLM
    slow = 3

    def __init__(self) -> None:
        self._key, self._base = f"sk-{secrets.token_hex(24)}", ""

    def start(self, place: Place) -> Process:
        program = _litellm(place.cache)
        place.folder.mkdir()
        path, port = place.folder / "config.yaml", free_port()
        self._base = f"http://127.0.0.1:{port}"
        path.write_bytes(orjson.dumps(_litellm_config(place.upstream)))
        process = Process(
            [
                str(program),
                "--config",
                str(path),
                "--host",
                "127.0.0.1",
                "--port",
                str(port),
                "--num_workers",
                "1",
            ],
            log=place.folder / "log",
            core=place.core,
            # The local price map spares it three attempts to fetch the newest at its start.
            env={
                "LITELLM_MASTER_KEY": self._key,
                "LITELLM_LOCAL_MODEL_COST_MAP": "True",
                "LITELLM_LOG": "ERROR",
            },
        )
        _first_answer(process, self.target(Work.JSON))
        return process

    def target(self, work: Work) -> Target:
        return Target(url=f"{self._base}/v1/chat/completions", model=str(work), key=self._key)


SYSTEMS: Mapping[str, Callable[[], System]] = MappingProxyType(
    {"direct": Direct, "nginx": Nginx, "farthing": Farthing, "litellm": Litellm}
)


def _commit() -> str:
    told = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        capture_output=True,
        text=True,
        check=False,
        cwd=REPOSITORY,
    )
    return told.stdout.strip() or "unknown"


def _first_answer(process: Process, target: Target) -> None:
    body = question(target.model, stream=False)
    process.wait(lambda: answers(target.url, body=body, key=target.key), within=120)


def _litellm_config(upstream: Mapping[Work, str]) -> dict[str, object]:
    rows = [
        {
            "model_name": str(work),
            "litellm_params": {"model": f"openai/{NAME}", "api_base": url, "api_key": "none"},
        }
        for work, url in upstream.items()
    ]
    return {"model_list": rows, "litellm_settings": {"telemetry": False, "num_retries": 0}}


def _litellm(cache: Path) -> Path:
    """Path of litellm's proxy, installed on first use into a virtual environment of its own."""
    folder = cache / f"litellm-{LITELLM}"
    python, ready = folder / "bin" / "python", folder / "ready"
    if not ready.exists():
        _run(sys.executable, "-m", "venv", "--clear", str(folder))
        _run(str(python), "-m", "pip", "install", "-q", f"litellm[proxy]=={LITELLM}")
        # Whatever the environment says of bytecode: a litellm without it costs twice as much to run.
        _run(str(python), "-m", "compileall", "-q", "-j", "0", str(folder / "lib"), may_fail=True)
        ready.touch()
    return folder / "bin" / "litellm"


def _run(*command: str, may_fail: bool = False) -> None:
    unset = ("env", "-u", "PYTHONDONTWRITEBYTECODE")
    try:
        subprocess.run([*unset, *command], capture_output=True, text=True, check=not may_fail, timeout=1200)
    except subprocess.CalledProcessError as error:
        raise Missing(
            f"litellm[proxy]=={LITELLM} cannot be installed: {error.stderr.strip()[-300:]}"
        ) from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Missing(f"litellm[proxy]=={LITELLM} cannot be installed: {error}") from None
