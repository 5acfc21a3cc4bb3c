"""The composition root: the only module that knows every part."""

import importlib
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from evaluators import EVALUATORS
from evaluators.normal import same_answer
from policies.bearings import Bearings
from policies.budgets.counters import Counters
from policies.budgets.keeper import Keeper
from policies.budgets.leases import LeasedCounters
from policies.budgets.memory import MemoryCounters
from policies.budgets.rules import Ruleset
from policies.budgets.windows import Calendar
from policies.choice import Choice
from policies.dispatch import labels_used
from policies.labels import labels_of
from policies.language import DEFAULT_POLICY
from policies.matching import is_wild, matcher
from policies.meters import Health, Latency
from policies.named import pinned_to
from policies.policy import Moment, RoutedPolicy
from policies.selectors import listed, selection_of
from policies.sessions import Sessions
from policies.sides import serving
from policies.worth import Worth
from router.auditing import Auditing
from router.budget import Budget
from router.catalog import Catalog, Knowledge, chooser, listing
from router.catalog.machines import Speeds
from router.config import AUTO, Config, fingerprint
from router.content import ContentStore, kept
from router.difficulty import load
from router.errors import UnknownModel
from router.features import Measurer, TokenCounter, vocabulary
from router.keys import Key, Ring
from router.outcomes import Recent
from router.pipeline import Pipeline
from router.pricing import charge
from router.promises import Promises
from router.reaching import upstream_of
from router.records import UserOutcome
from router.seams import Budgets, Clock, Evaluator, Follower, Policy, Predictor, Sink, Upstream
from router.tiers import TierDown
from router.types import NOTHING, Endpoint, Model, Outcome, Principal, Request, Verdict
from router.visible import visible


def _at_once(name: str, upstream: Upstream) -> Upstream:  # noqa: ARG001 - the seam
    return upstream


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What outlives a reload: connections, the classifier, the tokeniser, meters and sinks."""

    session: aiohttp.ClientSession
    predictor: Predictor
    count: TokenCounter
    knowledge: Knowledge
    health: Health
    latency: Latency
    counters: Counters
    sinks: Sequence[Sink]
    clock: Clock
    auditing: Auditing
    bearings: Bearings | None = None
    recent: Recent = field(default_factory=Recent)
    speeds: Speeds | None = None
    moment: Moment | None = None
    """Told to policies in the place of what meters say, where decisions are made again."""
    draw: Callable[[], float] = random.random
    content: ContentStore | None = None
    admit: Callable[[str, Upstream], Upstream] = _at_once
    """Puts whoever lets calls through in front of an upstream; interactive calls go at once."""

    @property
    def meters(self) -> Sequence[Sink]:
        return () if self.bearings is None else (self.bearings.worth,)

    @property
    def followers(self) -> Sequence[Follower]:
        return (self.recent,) if self.bearings is None else (self.recent, self.bearings.sessions)


def gather(
    session: aiohttp.ClientSession,
    clock: Clock,
    sinks: Sequence[Sink] = (),
    *,
    predictor: Predictor | None = None,
    counters: Counters | None = None,
    told: Callable[[UserOutcome], None] | None = None,
    alarm: Callable[[str, bool], None] | None = None,
) -> Parts:
    """Load what is shipped and join it with what is given; takes about a second.

    `predictor` is what was learnt in a data folder (`router.learning.adapted.Living`), if there is one;
    `counters` is what budgets are counted on, if that is not this process alone;
    `told` takes what conversations say of earlier answers, `alarm` is raised when a promise is broken.
    """
    promises = Promises(alarm)
    return Parts(
        session=session,
        predictor=load() if predictor is None else predictor,
        count=TokenCounter(vocabulary()),
        knowledge=Knowledge.load(),
        health=Health(clock),
        latency=Latency(clock),
        counters=counters or MemoryCounters(clock),
        bearings=Bearings(Sessions(clock, told), Worth(), promises.moment),
        auditing=Auditing(clock, promises, told),
        sinks=sinks,
        clock=clock,
    )


def counters_of(config: Config, data: Path, clock: Clock) -> Counters:
    """What budgets are counted on, as the configuration says."""
    told = config.budgeting
    if told.store == "redis":
        assert told.url is not None, "the configuration sees to it"
        # The door to redis-py, an extra: only for those who have many machines.
        door = importlib.import_module("policies.budgets.redis")
        made: Counters = door.RedisCounters(
            told.url.get_secret_value(), prefix=told.prefix, expires=told.expires_seconds, clock=clock
        )
        return made
    return LeasedCounters(data / "budgets", clock)


class Household:
    """One configuration at work; see `server.House`. Built whole, replaced whole."""

    def __init__(self, config: Config, parts: Parts, made: Sequence[Key] = ()) -> None:
        """`made` are the keys that the command line has made."""
        self.config = config
        self.keepalive = config.server.keepalive_seconds
        self._of_config = tuple(row.key() for row in config.keys)
        self._asks_for_keys = config.auth == "keys"
        self.rekey(made)
        measured = parts.speeds.current if parts.speeds else {}
        self.catalog = Catalog([parts.knowledge.complete(one) for one in config.catalogue(measured)])
        models = {model.name: model for model in self.catalog}
        self.policies = _policies(config, models, parts)
        self._auto = Choice(self.policies, tuple(self.catalog))
        self._labels, self._headers = labels_used(self._auto.conditions)
        self._aliases = [(matcher([alias]), target) for alias, target in config.aliases.items()]
        self.tiers: Mapping[str, TierDown] = {
            name: TierDown(above=policy, at=told.at, policy=self.policies[told.policy])
            for name, policy in self.policies.items()
            if (told := policy.spec.tier_down) is not None
        }
        self._pinned = _pinned(config, models, parts, self.policies[DEFAULT_POLICY].strongest)
        self.pipeline = Pipeline(
            models=models,
            upstreams={
                name: parts.admit(
                    name,
                    upstream_of(row, config, session=parts.session, clock=parts.clock, count=parts.count),
                )
                for name, row in config.upstreams.items()
            },
            measure=Measurer(parts.count, parts.predictor),
            charge=charge,
            count=parts.count,
            sinks=[parts.health, parts.latency, *parts.meters, *parts.sinks],
            clock=parts.clock,
            config=fingerprint(config),
            budgets=self._budgets(config, parts),
            followers=[
                *parts.followers,
                parts.auditing.auditor(config.policies, self._look),
                *kept(parts.content, {name: spec.content for name, spec in config.policies.items()}),
            ],
            agree=same_answer,
        )
        self._listing = _listing(self.catalog, self.policies, config.aliases)

    def policy(self, asked: str, /) -> Policy:
        """`auto`, `auto:<policy>`, a model by name, or an alias of any; raises `UnknownModel`."""
        if asked == AUTO:
            return self._auto
        if asked in self._pinned:
            return self._pinned[asked]
        head, colon, name = asked.partition(":")
        if head == AUTO and colon:
            if name in self.policies:
                return self.policies[name]
            there_is = ", ".join(f"auto:{policy}" for policy in sorted(self.policies))
            raise UnknownModel(f"There is no policy {name[:100]!r}; there is {there_is}.", param="model")
        for is_meant, target in self._aliases:
            if is_meant(asked):
                return self.policy(target)
        near = self.catalog.nearest(asked[:100])
        hint = f" Did you mean {near!r}?" if near else " `GET /v1/models` lists them; `auto` chooses one."
        raise UnknownModel(f"There is no model {asked[:100]!r} here.{hint}", param="model")

    def labels(self, request: Request, headers: Mapping[str, str], /) -> Mapping[str, str]:
        """Tell of a request what policies ask and no field of it says; most configurations ask nothing."""
        if not self._labels and not self._headers:
            return NOTHING
        return labels_of(request, headers, wanted=self._labels, named=self._headers)

    def rekey(self, made: Sequence[Key]) -> None:
        """Put other keys in force: those of the configuration, and `made`."""
        self._ring = Ring([*self._of_config, *made])

    @property
    def ring(self) -> Ring | None:
        return self._ring if self._asks_for_keys else None

    def _limits_of_key(self, name: str) -> Sequence[Budget]:
        return self._ring.limits(name)  # of the keys that are in force when it is asked

    def _budgets(self, config: Config, parts: Parts) -> Budgets:
        told = config.budgeting
        rules = Ruleset(
            [row.rule() for row in config.budgets],
            of_key=self._limits_of_key,
            calendar=Calendar(told.tzinfo),
        )
        return Keeper(
            rules,
            parts.counters,
            clock=parts.clock,
            output_tokens=told.output_tokens,
            refuses=told.on_unavailable == "refuse",
        )

    async def _look(self, outcome: Outcome, auditors: Sequence[Evaluator]) -> Verdict | None:
        return await self.pipeline.audit(outcome, auditors)

    def rules(self, who: Principal, /) -> Mapping[str, object]:
        """Tell the rules in force, as far as `who` may see them."""
        return visible(self.config, self.policies, who, fingerprint(self.config))

    def listing(self) -> Sequence[Mapping[str, object]]:
        return self._listing


def _policies(config: Config, models: Mapping[str, Model], parts: Parts) -> dict[str, RoutedPolicy]:
    policies = {}
    for name, spec in config.policies.items():
        members = listed(selection_of(spec.models), tuple(models.values()))
        chatting = [model for model in members if model.does(Endpoint.CHAT)]
        strongest = models[spec.baseline] if spec.baseline else _strongest(chatting, parts.predictor)
        evaluators = {check.label: EVALUATORS[check.name](check.options) for check in spec.checks}
        policies[name] = RoutedPolicy(
            name,
            spec,
            members,
            health=parts.health,
            latency=parts.latency,
            strongest=strongest,
            deny=config.deny,
            evaluators=evaluators,
            bearings=parts.bearings,
            moment=parts.moment,
            draw=parts.draw,
            asked={name: models[name] for each in evaluators.values() for name in each.asks},
        )
    return policies


def _pinned(
    config: Config, models: Mapping[str, Model], parts: Parts, strongest: Model | None
) -> dict[str, RoutedPolicy]:
    base = config.policies[DEFAULT_POLICY]
    return {
        name: pinned_to(
            model, base, health=parts.health, strongest=strongest, deny=config.deny, moment=parts.moment
        )
        for name, model in models.items()
    }


def _strongest(models: Sequence[Model], predictor: Predictor) -> Model | None:
    """The model with the best chance at a request of which nothing is known."""
    chances = predictor.predict(predictor.describe(()), models)
    return max(models, key=lambda model: (chances[model.name].success, model.name), default=None)


def _listing(
    catalog: Catalog, policies: Mapping[str, RoutedPolicy], aliases: Iterable[str]
) -> list[Mapping[str, object]]:
    others = [name for name in policies if name != DEFAULT_POLICY]
    named = {AUTO: DEFAULT_POLICY, **{f"{AUTO}:{name}": name for name in others}}
    sides = {name: {each: policy.side(each).models for each in Endpoint} for name, policy in policies.items()}
    routed = [chooser(name, serving(sides[policy])) for name, policy in named.items()]
    stand_ins = [chooser(alias) for alias in aliases if not is_wild(alias)]
    return [*routed, *stand_ins, *(listing(model) for model in catalog)]
