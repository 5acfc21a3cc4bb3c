"""A batch of recorded prompts through the real policies, checks and pipeline; models say what they once said.

Every prompt is a line of a batch: predicted, routed, checked and climbed as it would be today,
and booked at the list prices of the records. Nothing is sent, so a thousand lines take seconds.
Where the records have no text of a model's answers it says something that no check can judge.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import orjson
import yaml
from numpy.typing import NDArray

from batch.forecast import Book
from evaluators import EVALUATORS
from evaluators.records import Answer, Doubles, Records
from policies.outlook import outlook
from router.app import Household, gather
from router.clock import SystemClock
from router.config import parse
from router.dialects import DIALECTS
from router.seams import Predictor, Stream, Upstream
from router.types import (
    DOLLAR,
    Delta,
    Ending,
    Lane,
    Model,
    Prediction,
    Principal,
    Purpose,
    Request,
    Segment,
    Turn,
    Usage,
)

UNREAD = (
    "What this model answered was not kept in the records, so that nobody can say anything about it here."
)

ANYWHERE = Segment()

FREE = ("shape", "refusal", "repetition", "arithmetic", "hedging")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """Models of rising price on one source; `peers` are cheap ones whose answers a check compares with."""

    source: str
    rungs: tuple[str, ...]
    peers: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{' / '.join(self.rungs)}, {self.source}"


LLAMA = ("llama-3.1-8b-instruct", "llama-3.1-70b-instruct", "llama-3.1-405b-instruct")
GPT_4O, GPT_4, MIXTRAL = "gpt-4o-2024-05-13", "gpt-4-1106-preview", "mixtral-8x7b-instruct-v0.1"
PEERS = ("llama-3-8b-instruct", "qwen2-7b-instruct")

LADDERS = (
    Ladder(source="zeroeval", rungs=LLAMA, peers=PEERS),
    Ladder(source="zeroeval", rungs=(LLAMA[0], GPT_4O), peers=PEERS),
    Ladder(source="zeroeval", rungs=("qwen2.5-7b-instruct", "qwen2.5-72b-instruct"), peers=PEERS),
    Ladder(source="mmlu_pro", rungs=LLAMA[:2], peers=(PEERS[0],)),
    Ladder(source="mmlu_pro", rungs=(*LLAMA[:2], GPT_4O), peers=(PEERS[0], MIXTRAL)),
    Ladder(source="routerbench", rungs=(MIXTRAL, GPT_4), peers=("mistral-7b-instruct-v0.1", "yi-34b-chat")),
    Ladder(
        source="self_reflection",
        rungs=("llama-2-70b-chat", "claude-3-opus-20240229"),
        peers=("llama-2-7b-chat",),
    ),
)
"""Ladders of which the records keep the cheap models' texts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to answer a batch: a policy; `peers` says whether others are asked to agree."""

    name: str
    quality: float
    checks: tuple[str, ...] = ()
    peers: bool = False

    def policy(self, ladder: Ladder) -> dict[str, Any]:
        """Write the policy; a second try of the same model was not recorded, so none is made."""
        checks: list[Any] = list(self.checks)
        if self.peers and ladder.peers:
            options = {"models": list(ladder.peers), "samples": len(ladder.peers), "threshold": 0.5}
            checks.append({"agreement": options})
        return {
            "models": list(ladder.rungs),
            "quality": self.quality,
            "checks": checks,
            "escalation": {"rescue": []},
        }


WAYS = tuple(
    Way(name=f"{name}, quality {quality}", quality=quality, checks=checks, peers=peers)
    for name, checks, peers in (
        ("routed", (), False),
        ("free checks", FREE, False),
        ("and agreement", FREE, True),
    )
    for quality in (0.8, 0.9, 1.0)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A ladder's prompts (n): their groups, and each rung's scores and costs in USD, (n, rungs)."""

    ladder: Ladder
    prompts: tuple[str, ...]
    group: NDArray[np.str_]
    score: Doubles
    cost: Doubles


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What came of a batch: each line's score and cost in USD (n,), and the share of lines that climbed.

    `book` holds what was expected of the same lines.
    """

    score: Doubles
    cost: Doubles
    climbed: float
    book: Book


def bench(ladder: Ladder, records: Records, *, split: str = "validation", most: int | None = None) -> Bench:
    """Lay out a ladder: the prompts that every rung and peer has answered, with tokens known."""
    answers = {name: records.answers[ladder.source, name] for name in (*ladder.rungs, *ladder.peers)}
    prompts = sorted(
        one
        for one, prompt in records.prompts.items()
        if prompt.split == split and all(_counted(told.get(one)) for told in answers.values())
    )[:most]
    shape = (len(prompts), len(ladder.rungs))
    score, cost = np.zeros(shape), np.zeros(shape)
    for rung, name in enumerate(ladder.rungs):
        into, out = records.prices[name]
        for place, one in enumerate(prompts):
            answer = answers[name][one]
            score[place, rung] = answer.score
            cost[place, rung] = (into * (answer.tokens_in or 0) + out * (answer.tokens_out or 0)) / 1e6
    group = np.array([records.prompts[one].group for one in prompts])
    return Bench(ladder=ladder, prompts=tuple(prompts), group=group, score=score, cost=cost)


def _counted(answer: Answer | None) -> bool:
    return answer is not None and bool(answer.tokens_out) and answer.tokens_in is not None


class Replay:
    """Answers batches of one ladder; what texts say of difficulty is reckoned once for all ways."""

    def __init__(self, on: Bench, records: Records, predictor: Predictor) -> None:
        self._on, self._records = on, records
        self._predictor = Remembering(predictor)

    async def answer(self, way: Way) -> Replayed:
        """Answer every prompt, one after another, as lines of a batch."""
        house = self._house(way)
        policy = house.policies["default"]
        catalogue = {model.name: model for model in house.catalog}
        scores, costs, climbed, book = [], [], 0, Book()
        for prompt in self._on.prompts:
            request = self._request(prompt)
            features, _, plan, _ = house.pipeline.plan(request, policy)
            if plan is not None:
                # Those whom checks ask have prices, too.
                everyone = self._predictor.predict(features.vector, tuple(catalogue.values()))
                seen = replace(features, predictions={**everyone, **features.predictions})
                book.add(outlook(policy.spec, request, seen, plan, catalogue))
            outcome = await house.pipeline.run(request, policy)
            chosen = outcome.chosen
            name = chosen.decision.model.name if chosen is not None else None
            known = self._records.answers[self._on.ladder.source, name] if name else {}
            scores.append(known[prompt].score if prompt in known else 0.0)
            costs.append((outcome.cost or 0) / DOLLAR)
            asked = {each.decision.model.name for each in outcome.attempts if each.purpose is Purpose.ANSWER}
            climbed += len(asked) > 1
        return Replayed(
            score=np.array(scores), cost=np.array(costs), climbed=climbed / max(1, len(scores)), book=book
        )

    def _request(self, prompt: str) -> Request:
        text = self._records.prompts[prompt].text
        body = orjson.dumps({"model": "auto", "messages": [{"role": "user", "content": text}]})
        request = DIALECTS["chat"].parse(body, request_id=prompt, principal=Principal())
        return replace(request, lane=Lane.BATCH)

    def _house(self, way: Way) -> Household:
        ladder = self._on.ladder
        models = [
            {
                "name": name,
                "upstream": "recorded",
                "price": {"input": into, "output": out},
                "context_window": 1_000_000,
            }
            for name in (*ladder.rungs, *ladder.peers)
            for into, out in (map(float, self._records.prices[name]),)
        ]
        written = {
            "upstreams": {"recorded": {"kind": "simulated"}},
            "models": models,
            "policies": {"default": way.policy(ladder)},
        }
        config = parse(yaml.safe_dump(written), file="the ladder", environ={}, known_checks=EVALUATORS)
        # Nothing is sent, so there is no session to send it with.
        parts = gather(None, SystemClock(), predictor=self._predictor)  # type: ignore[arg-type]
        return Household(config, replace(parts, admit=self._recorded))

    def _recorded(self, _name: str, _upstream: Upstream) -> Upstream:
        return Recorded(self._on.ladder.source, self._records)


class Recorded:
    """An upstream whose models say what the records have of them."""

    def __init__(self, source: str, records: Records) -> None:
        self._source, self._records = source, records

    async def send(self, request: Request, model: Model, /) -> Stream:
        answer = self._records.answers[self._source, model.name][request.id]
        usage = Usage(input=int(answer.tokens_in or 0), output=int(answer.tokens_out or 0))
        yield (Delta(text=answer.text or UNREAD, served_model=model.upstream_name, finish_reason="stop"),)
        yield Ending(usage=usage, served_model=model.upstream_name)

    async def close(self) -> None: ...


class Remembering:
    """A `Predictor` that describes a conversation once."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self._known: dict[tuple[Turn, ...], tuple[float, ...]] = {}

    @property
    def scale(self) -> str:
        return self._predictor.scale

    def describe(self, turns: Sequence[Turn], /) -> tuple[float, ...]:
        key = tuple(turns)
        if key not in self._known:
            self._known[key] = self._predictor.describe(turns)
        return self._known[key]

    def predict(
        self, vector: tuple[float, ...], models: Sequence[Model], segment: Segment = ANYWHERE, /
    ) -> Mapping[str, Prediction]:
        return self._predictor.predict(vector, models, segment)
