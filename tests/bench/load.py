"""The load: wrk over 512 chat requests of about 1.5 KB, none like another."""

import random
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import orjson

from tests.bench.processes import pinned
from tests.bench.works import Missing, Target, Work

BODIES = 512
SEED = 20261123
NOUNS = """
time year people way day man thing woman life child world school state family student group country
problem hand part place case week company system program question work government number night point
home water room mother area money story fact month lot right study book eye job word business issue
side kind head house service friend father power hour game line end member law car city community
name president team minute idea body information back parent face others level office door health
person art war history party result change morning reason research girl guy moment air teacher force
education foot boy age policy process music market sense nation plan college interest death
experience effect use class control field development role effort rate heart drug show leader light
voice wife police mind price report decision son view relationship town road
"""
WORDS = NOUNS.split()


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What wrk saw: answers in `seconds`, their times, and how many were not 2xx or never came."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    errors: int


def version() -> str:
    """Wrk's version; raises `Missing` where there is no wrk."""
    if shutil.which("wrk") is None:
        raise Missing("wrk is not installed (Debian: apt-get install wrk)")
    told = subprocess.run(["wrk", "-v"], capture_output=True, text=True, check=False).stdout
    return told.split()[1]


def run(
    target: Target, work: Work, *, connections: int, seconds: float, folder: Path, core: int | None
) -> Load:
    """Load `target` for so long, in a closed loop on so many connections."""
    bodies = folder / f"{target.model.replace(':', '-')}-{work}.jsonl"
    if not bodies.exists():
        bodies.write_bytes(b"\n".join(questions(target.model, stream=work is not Work.JSON)))
    script = Path(__file__).with_name("load.lua")
    command = [
        "wrk",
        "-t1",
        f"-c{connections}",
        f"-d{round(seconds)}s",
        "--timeout",
        "60s",
        "-s",
        str(script),
    ]
    done = subprocess.run(
        [*pinned(core), *command, target.url, "--", str(bodies), target.key],
        capture_output=True,
        text=True,
        check=True,
    )
    told = orjson.loads(done.stdout.splitlines()[-1])
    return Load(
        requests=told["requests"],
        seconds=told["microseconds"] / 1e6,
        p50_ms=told["p50"] / 1e3,
        p99_ms=told["p99"] / 1e3,
        errors=told["errors"],
    )


def question(model: str, *, stream: bool) -> bytes:
    """Return one request, to see whether a system answers at all."""
    return questions(model, stream=stream, count=1)[0]


def questions(model: str, *, stream: bool, count: int = BODIES) -> list[bytes]:
    """Bodies as a chat client sends them: instructions, a turn before, and a question over some text."""
    dice = random.Random(SEED)
    return [_body(model, dice, stream=stream) for _ in range(count)]


def _body(model: str, dice: random.Random, *, stream: bool) -> bytes:
    messages = [
        {
            "role": "system",
            "content": "You are a careful assistant. Answer in plain words and keep to the point.",
        },
        {"role": "user", "content": f"Which {dice.choice(WORDS)} matters most to a {dice.choice(WORDS)}?"},
        {"role": "assistant", "content": f"It depends. {_prose(dice, 20)}"},
        {
            "role": "user",
            "content": f"Here is a text.\n\n{_prose(dice, 155)}\n\nSummarise it in two sentences.",
        },
    ]
    options = {"temperature": 0.2, "max_tokens": 400, "user": f"user-{dice.randrange(10**6)}"}
    return orjson.dumps({"model": model, "messages": messages, "stream": stream, **options})


def _prose(dice: random.Random, words: int) -> str:
    """Sentences of eleven words."""
    chosen = dice.choices(WORDS, k=words)
    sentences = [" ".join(chosen[i : i + 11]).capitalize() for i in range(0, words, 11)]
    return ". ".join(sentences) + "."
