"""What a batch will cost, before it is submitted: each line decided as it would be, nothing sent."""

from collections import Counter
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import orjson

from batch.forecast import Book
from batch.intake import endpoint_of, read_lines
from batch.jobs import ENDPOINTS, Line
from policies.language import DEFAULT_POLICY
from policies.outlook import Step, outlook, single
from policies.policy import RoutedPolicy
from router.app import Household, Parts, gather
from router.catalog.machines import Speeds
from router.clock import SystemClock
from router.config import AUTO, Config
from router.dialects import DIALECTS
from router.errors import FarthingError
from router.features import Measurer
from router.learning.adapted import Living
from router.types import Features, Lane, Model, Principal, Request, Segment

AS_ASKED = "as asked"
STRONGEST = "all on the strongest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A line that would get an error, and why."""

    line: int
    code: str
    message: str


@dataclass(slots=True, kw_only=True)
class Foreseen:
    """What a file holds: its lines, those in trouble, and for each way to answer them what may be done.

    Of `good` lines so many were looked at, and so many of these could be decided (`measured`);
    `refused` says by way and reason how many of them no model may serve; `learnt` is the share of the first
    calls that go to models whose answers' lengths were learnt from own traffic.
    """

    lines: int = 0
    good: int = 0
    looked_at: int = 0
    measured: int = 0
    troubles: list[Trouble] = field(default_factory=list)
    books: dict[str, Book] = field(default_factory=dict)
    refused: dict[str, Counter[str]] = field(default_factory=dict)
    calls: int = 0
    calls_learnt: int = 0

    @property
    def sampled(self) -> bool:
        """Whether fewer lines were looked at than there are."""
        return self.looked_at < self.good

    @property
    def learnt(self) -> float:
        return self.calls_learnt / self.calls if self.calls else 0.0

    def book(self, way: str, steps: Sequence[Step], known: Container[str]) -> None:
        """Take what a line may come to; `known` are the models whose lengths were learnt."""
        self.books[way].add(steps)
        if steps:
            self.calls += 1
            self.calls_learnt += steps[0].model.name in known

    def trouble(self, line: int, code: str, message: str) -> None:
        self.troubles.append(Trouble(line=line, code=code, message=message))


class Foresight:
    """Decides lines with a configuration and books what their plans come to."""

    def __init__(self, config: Config) -> None:
        self._clock = SystemClock()
        learnt = Living(config.data, learns=config.learning.enabled)
        local = learnt.found.local if config.learning.enabled else None
        self._known = frozenset(local.lengths if local is not None else ())
        # Nothing is sent, so there is no session to send it with.
        self._parts: Parts = replace(
            gather(None, self._clock, predictor=learnt),  # type: ignore[arg-type]
            speeds=Speeds(config.data),
        )
        self.house = Household(config, self._parts)
        self._models = {model.name: model for model in self.house.catalog}
        self._measure = Measurer(self._parts.count, self._parts.predictor)

    def file(
        self,
        path: Path,
        endpoint: str | None,
        ways: Sequence[str],
        *,
        sample: int | None = None,
        told: Callable[[int, int], None] = lambda _done, _of: None,
    ) -> Foreseen:
        """Look at every line of a file, or at a sample; `told` hears how far it is.

        Raises `batch.intake.Unreadable` for what is no batch.
        """
        endpoint = endpoint or endpoint_of(path)
        lines = read_lines(path, endpoint)
        good = [line for line in lines if line.problem is None]
        found = Foreseen(lines=len(lines), good=len(good), books={way: Book() for way in ways})
        for line in lines:
            if line.problem is not None:
                found.trouble(line.number, line.problem.code, line.problem.message)
        if sample is not None and sample < len(good):
            drawn = np.random.default_rng(0).choice(len(good), sample, replace=False)
            good = [good[at] for at in sorted(drawn.tolist())]
        for done, (line, raw) in enumerate(_bytes(path, good)):
            told(done, len(good))
            found.looked_at += 1
            self._line(endpoint, line, raw, ways, found)
        return found

    def _line(self, endpoint: str, line: Line, raw: bytes, ways: Sequence[str], found: Foreseen) -> None:
        try:
            request = self._parsed(endpoint, line, raw)
            asked = self.house.policy(request.asked)
        except FarthingError as error:
            found.trouble(line.number, type(error).__name__, f"Line {line.number}: {error}")
            return
        found.measured += 1
        features = self._features(request)
        for way in ways:
            if way == STRONGEST:
                usual = asked.choose(request, features).strongest
                strongest = self._strongest(usual, request, features)
                found.book(way, (single(request, features, strongest),) if strongest else (), self._known)
                continue
            policy = asked if way == AS_ASKED else self.house.policies[way]
            chosen = policy.choose(request, features)
            at = self._for(chosen.name, features, chosen.candidates(request))
            plan, refused = chosen.plan(request, at)
            if plan is None or not isinstance(chosen, RoutedPolicy):
                reason = "; ".join(sorted(str(each) for each in refused.values())) or "no model is left"
                found.refused.setdefault(way, Counter())[reason[:200]] += 1
                continue
            found.book(way, outlook(chosen.spec, request, at, plan, self._models), self._known)

    def _strongest(self, usual: Model | None, request: Request, features: Features) -> Model | None:
        """Give the strongest model, or where it does not serve what is asked, the strongest that does."""
        if usual is not None and usual.does(request.endpoint):
            return usual
        can = [model for model in self._models.values() if model.does(request.endpoint)]
        return max(can, key=lambda model: features.predictions[model.name].success, default=None)

    def _parsed(self, endpoint: str, line: Line, raw: bytes) -> Request:
        body = orjson.dumps(orjson.loads(raw)["body"])
        request = DIALECTS[ENDPOINTS[endpoint]].parse(
            body, request_id=f"line-{line.number}", principal=Principal()
        )
        request = replace(request, lane=Lane.BATCH, stream=False)
        return replace(request, labels=self.house.labels(request, {}))

    def _features(self, request: Request) -> Features:
        """Tell of a request what can be told, with a prediction of every model."""
        measured = self._measure(request, tuple(self._models.values()), DEFAULT_POLICY)
        return replace(measured, at=self._clock.now())

    def _for(self, policy: str, features: Features, models: Sequence[Model]) -> Features:
        """Predict as that policy's own experience has it, where it is not the usual one."""
        if policy == DEFAULT_POLICY or not features.vector:
            return features  # of vectors nothing is predicted
        segment = Segment(policy, features.kind)
        own = self._parts.predictor.predict(features.vector, models, segment)
        return replace(features, predictions={**features.predictions, **own})


def ways_of(house: Household, named: Sequence[str], *, everything: bool) -> tuple[str, ...]:
    """Give the ways to answer a file that are wanted; raises `UnknownModel` for a policy there is not."""
    for name in named:
        house.policy(f"{AUTO}:{name}")
    chosen = (*named, *(name for name in house.policies if everything and name not in named))
    return (*(chosen or ()), STRONGEST) if named else (AS_ASKED, *chosen, STRONGEST)


def _bytes(path: Path, lines: Sequence[Line]) -> Iterator[tuple[Line, bytes]]:
    with path.open("rb") as file:
        for line in lines:
            file.seek(line.offset)
            yield line, file.read(line.length)
