"""The words of the house, in the order a request meets them.

`Request -> Features -> Decision -> Delta... Ending -> Reply -> Verdict -> Attempt -> Outcome`, and then
`LedgerEntry` (`entry.py`).

Every value is frozen, slotted and keyword-only.
Money is an integer of picodollars (1e-12 USD), never a float.
Unknown is `None`, never 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, NamedTuple, TypeAlias

from router.errors import NoCandidate, NothingPassed, OverBudget, Refusal
from router.windows import Window

Picodollars: TypeAlias = int
"""A millionth of a millionth of a US dollar; one dollar per million tokens is 1,000,000 a token."""

DOLLAR: Picodollars = 10**12

NOTHING: Mapping[str, Any] = {}
"""The shared empty mapping for fields that are rarely filled; never written to."""


def _nothing() -> Mapping[str, Any]:
    return NOTHING


class Endpoint(StrEnum):
    """What is asked of a model: an answer in a chat, the continuation of a text, or vectors of texts."""

    CHAT = "chat"
    COMPLETIONS = "completions"
    EMBEDDINGS = "embeddings"


ONE_SPACE = "vectors of different models cannot be compared"
"""Why no model's vector stands for another's."""


class Capability(StrEnum):
    """What a request may need and a model may have; a model whose capability is unknown does not have it."""

    TOOLS = "tools"
    JSON_OBJECT = "json_object"
    JSON_SCHEMA = "json_schema"
    VISION = "vision"
    AUDIO = "audio"
    FILES = "files"
    LOGPROBS = "logprobs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scopes:
    """What a key may be used for, by name; `None`: anything.

    `models` are those that may answer, `policies` those that may be asked for,
    `tags` those that a call may carry beside the key's own.
    """

    models: frozenset[str] | None = None
    policies: frozenset[str] | None = None
    tags: frozenset[str] | None = None
    lanes: frozenset[str] | None = None
    dialects: frozenset[str] | None = None


EVERYTHING = Scopes()


class Role(StrEnum):
    """What the holder of a key may do.

    CALLER asks models; AUDITOR reads metrics, reports and the rules in force, and may not spend;
    ADMIN may do both.
    """

    CALLER = "caller"
    AUDITOR = "auditor"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who asks, as the proxy established it: the key's name (never its secret) and the call's labels.

    `parents` are the keys that `key` was made from, the nearest first.
    """

    key: str | None = None
    team: str | None = None
    user: str | None = None
    tags: tuple[str, ...] = ()
    session: str | None = None
    run: str | None = None
    batch: str | None = None
    parents: tuple[str, ...] = ()
    role: Role = Role.CALLER
    scopes: Scopes = EVERYTHING


class Lane(StrEnum):
    """How soon an answer is wanted.

    INTERACTIVE: somebody waits. BACKGROUND: a single request that can wait for cheap capacity.
    BATCH: a line of a file.
    """

    INTERACTIVE = "interactive"
    BACKGROUND = "background"
    BATCH = "batch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One message as far as it can be read: who spoke and the text, whatever else it carried."""

    role: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A function the caller declared, with the JSON Schema of its arguments (`None`: any)."""

    name: str
    parameters: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerForm:
    """The JSON the caller wants: any object, or one that fits `schema`."""

    schema: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """What the conversation itself says of how it goes.

    `failed_tools` counts the tool results at its end that report a failure,
    `repeated_calls` how often the last call was made before with the same arguments,
    `refused_calls` are the ids of calls at its end that their tool did not take,
    `asked_again` is true if the last message of the user is one that was answered before.
    `conversation` tells conversations apart without keeping anything of them: a digest.
    """

    failed_tools: int = 0
    repeated_calls: int = 0
    refused_calls: tuple[str, ...] = ()
    asked_again: bool = False
    conversation: str = ""

    @property
    def trouble(self) -> str | None:
        """What goes wrong, in words; `None` if nothing can be seen."""
        if self.repeated_calls >= 2 or (self.repeated_calls and self.failed_tools):
            return "the same call was made again"
        if self.failed_tools >= 2:
            return f"{self.failed_tools} tool results in a row failed"
        return "the user asked again" if self.asked_again else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What this one call may take: output tokens per choice, picodollars, and choices asked for."""

    output_tokens: int | None = None
    cost: Picodollars | None = None
    choices: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a caller asked for, in no dialect.

    `body` is the call in the form of its `endpoint`, with every option the caller sent.
    It is handed from the dialect to the upstream's wire; nobody between them looks inside.
    `repeatable` is true if the caller wants the same answer each time, so that asking again is no use.
    `variant` says how it was amended on its way to the upstream.
    `labels` are what policies ask of it that no other field tells: the language, the role, and those headers
    that a policy names.
    Where each turn is a text by itself, not part of one conversation, they are `apart`;
    `token_counts` says of texts that came as numbers of tokens, whose turns have no words, how long each is.
    `incomparable` says why one model's answer cannot stand for another's; empty if it can.
    """

    id: str
    asked: str
    dialect: str
    principal: Principal
    turns: tuple[Turn, ...]
    body: Mapping[str, Any]
    stream: bool = False
    needs: frozenset[Capability] = frozenset()
    tools: tuple[Tool, ...] = ()
    answer: AnswerForm | None = None
    limits: Limits = Limits()
    lane: Lane = Lane.INTERACTIVE
    signals: Signals = Signals()
    repeatable: bool = False
    variant: str = ""
    labels: Mapping[str, str] = field(default_factory=_nothing)
    endpoint: Endpoint = Endpoint.CHAT
    apart: bool = False
    token_counts: tuple[int, ...] = ()
    incomparable: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What the classifier expects of one model: chance of an adequate answer, and its length in tokens."""

    success: float
    output_tokens: float


class Segment(NamedTuple):
    """A part of the traffic with experience of its own: the policy in force, and the kind of request."""

    policy: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """What can be told about a request without spending anything.

    `vector` is the numeric description the classifier used: numbers, never text, so that it may be kept.
    `scale` names what these numbers mean, `kind` is one of `router.kinds.KINDS`.
    `at` is the instant prices are looked up for; `images` are the pictures in the request.
    `moment` is the state of the house that a decision looks at: what rests, and how fast models are.
    Who decides reads nothing but the request and this, so that every decision can be made again.
    `longest` is the longest text's share of `prompt_tokens`, where several are sent apart.
    """

    prompt_tokens: int
    predictions: Mapping[str, Prediction]
    vector: tuple[float, ...] = ()
    scale: str = ""
    kind: str = ""
    at: datetime | None = None
    images: int = 0
    moment: Mapping[str, float] = field(default_factory=_nothing)
    longest: int | None = None

    @property
    def window_tokens(self) -> int:
        """Tokens of the prompt that must find room in a context window at once."""
        return self.prompt_tokens if self.longest is None else self.longest


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Prices by kind in picodollars: per token, per `image`, per web `search`, per `request`.

    What is `None` is not said here. `minimum` is the least a call costs that used tokens.
    """

    input: Picodollars | None = None
    output: Picodollars | None = None
    cached_input: Picodollars | None = None
    cache_write: Picodollars | None = None
    cache_write_long: Picodollars | None = None
    reasoning: Picodollars | None = None
    audio_input: Picodollars | None = None
    audio_output: Picodollars | None = None
    image_input: Picodollars | None = None
    image_output: Picodollars | None = None
    image: Picodollars | None = None
    search: Picodollars | None = None
    request: Picodollars | None = None
    minimum: Picodollars | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """Other rates where every condition that is stated holds.

    `above` is met by a longer prompt (strictly, in tokens), `windows` by any of them,
    `tier` by the service tier that was served, `since` (included) and `until` (not) by the instant.
    """

    rates: Rates
    above: int | None = None
    windows: tuple[Window, ...] = ()
    tier: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One's own machine: picodollars an hour that it is there, more for one in which it works, and its speed.

    `prefill` and `decode` are tokens a second, all its callers together.
    """

    hour: Picodollars
    energy: Picodollars
    prefill: float
    decode: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What a model costs: the rates of an ordinary call, and in which cases others hold (the later wins).

    A kind without a rate costs what it is a part of; a long-lived cache write as a short one.
    `source` says who states it, `checked` when that was looked up last; `machine` is there for one's own.
    """

    input: Picodollars
    output: Picodollars
    cached_input: Picodollars | None = None
    cache_write: Picodollars | None = None
    request: Picodollars = 0
    source: str = "config"
    cache_write_long: Picodollars | None = None
    reasoning: Picodollars | None = None
    audio_input: Picodollars | None = None
    audio_output: Picodollars | None = None
    image_input: Picodollars | None = None
    image_output: Picodollars | None = None
    image: Picodollars = 0
    search: Picodollars = 0
    minimum: Picodollars = 0
    overrides: tuple[Override, ...] = ()
    checked: date | None = None
    machine: Machine | None = None


class Thinking(StrEnum):
    """By which field a model is told to think more."""

    EFFORT = "reasoning_effort"
    TEMPLATE = "chat_template_kwargs"


class Evidence(StrEnum):
    """How a fact is known, the weakest first."""

    DECLARED = "declared"  # somebody says so
    ATTESTED = "attested"  # signed hardware or software says so
    VERIFIED = "verified"  # it was looked at
    OWN = "own"  # it is one's own machine: nobody else's word is needed, and nothing gets old


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What is true of a model at its upstream, who says so, and when it was looked up."""

    value: str | float | bool | tuple[str, ...]
    evidence: Evidence = Evidence.DECLARED
    source: str | None = None
    as_of: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One row of the catalogue: a model at one upstream, with what is known of it.

    `name` is what callers and policies say; `upstream_name` is what is sent.
    `served_as` are other names the upstream may truthfully answer with.
    `ability` overrides the classifier's own placing of the model, in its units.
    `thinking` is the field by which it takes an order to think more (`None`: not known to take any).
    `serves` is what it may be asked for (`None`: not known, which is taken for chat alone).
    """

    name: str
    upstream: str
    upstream_name: str
    prices: Prices | None = None
    context_window: int | None = None
    max_output: int | None = None
    capabilities: frozenset[Capability] = frozenset()
    served_as: tuple[str, ...] = ()
    provider: str | None = None
    family: str | None = None
    params_b: float | None = None
    active_params_b: float | None = None
    open_weight: bool | None = None
    ability: float | None = None
    simulated: bool = False
    thinking: Thinking | None = None
    facts: Mapping[str, Fact] = field(default_factory=_nothing, hash=False)
    serves: frozenset[Endpoint] | None = None

    def does(self, endpoint: Endpoint) -> bool:
        """Tell whether it may be asked for that."""
        return endpoint in (CHAT_ALONE if self.serves is None else self.serves)


CHAT_ALONE = frozenset({Endpoint.CHAT})


class Release(StrEnum):
    """When the caller sees a reply.

    RELAYED goes out as it arrives and can be neither checked nor retried after its first byte.
    HELD waits, whole, until its checks pass.
    GATED holds a bounded prefix, then commits to the caller or is dropped unseen.
    """

    RELAYED = "relayed"
    HELD = "held"
    GATED = "gated"


class Rescue(StrEnum):
    """How the same model may be asked again after a check failed."""

    RESAMPLE = "resample"  # the same question once more
    REPAIR = "repair"  # with the rejected answer and what is wrong with it
    THINK = "think"  # with the order to think more


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendment:
    """What is changed in a copy of the caller's body before it is sent; never stored.

    `draft` is the rejected answer and `complaint` what was wrong with it, both for a repair.
    `logprobs` asks for the tokens' log-probabilities, which a caller who did not is not shown.
    """

    rescue: Rescue | None = None
    draft: "Reply | None" = None
    complaint: str = ""
    logprobs: bool = False


AS_SENT = Amendment()
"""Nothing is changed."""


class Arm(StrEnum):
    """On which side of a comparison a request was drawn, where its policy has a control arm."""

    ROUTED = "routed"
    CONTROL = "control"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to try next, and why.

    `hold_tokens` and `hold_ms` bound the prefix of a GATED reply: whichever is met first ends the hold.
    `last` says that no other attempt may follow: it is read to its end even if a check fails on the way,
    because it may be the best answer there will be.
    `moment` is the state of the house it was decided on (see `Features`).
    `propensity` is the chance with which this was drawn, where anything was.
    """

    model: Model
    reason: str
    checks: tuple[str, ...] = ()
    release: Release = Release.HELD
    hold_tokens: int = 48
    hold_ms: float = 800.0
    refuses_substitutes: bool = True
    expected_cost: Picodollars | None = None
    amendment: Amendment = AS_SENT
    last: bool = False
    moment: Mapping[str, float] = field(default_factory=_nothing)
    arm: Arm | None = None
    propensity: float | None = None

    @property
    def variant(self) -> str:
        """How the caller's request is changed on its way: empty if it is sent as it came."""
        return self.amendment.rescue or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A call the model wants made; in a `Delta`, a piece of one (`arguments` is a fragment of JSON text)."""

    index: int = 0
    id: str | None = None
    name: str | None = None
    arguments: str = ""
    extra: Mapping[str, Any] = field(default_factory=_nothing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """A piece of one choice of a reply, as it arrived; a reply that came whole is one delta a choice.

    `served_id` is the upstream's own name for the reply, which its bill may give.
    `extra`, `choice_extra` and `envelope` carry what the wire said beside the known fields
    (of the message, of the choice, of the event), so that it can be passed on.
    """

    choice: int = 0
    role: str | None = None
    text: str = ""
    refusal: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str | None = None
    logprobs: Mapping[str, Any] | None = None
    served_model: str | None = None
    served_id: str | None = None
    extra: Mapping[str, Any] = field(default_factory=_nothing)
    choice_extra: Mapping[str, Any] = field(default_factory=_nothing)
    envelope: Mapping[str, Any] = field(default_factory=_nothing)


class Grade(StrEnum):
    """How a number is known."""

    REPORTED = "reported"
    COMPUTED = "computed"
    ESTIMATED = "estimated"
    UNPRICED = "unpriced"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of one upstream call, by one convention whatever the upstream's is.

    `input` counts the whole prompt; `cached`, `cache_write` (of which `cache_write_long` lasts an hour),
    `audio_input` and `image_input` are parts of it.
    `output` counts `reasoning`, `audio_output` and `image_output` too.
    `searches` and `images` (pictures sent) are no tokens.
    `input_bound` and `output_bound` are the most they can have been when the grade is ESTIMATED.
    `cost` is what the provider itself said it charged, `tier` the service tier it served.
    `flaw` says why what the upstream reported is not believed.
    """

    input: int | None = None
    output: int | None = None
    cached: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None
    grade: Grade = Grade.REPORTED
    input_bound: int | None = None
    output_bound: int | None = None
    cost: Picodollars | None = None
    cache_write_long: int | None = None
    audio_input: int | None = None
    audio_output: int | None = None
    image_input: int | None = None
    image_output: int | None = None
    searches: int | None = None
    images: int | None = None
    tier: str | None = None
    flaw: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """The last thing an upstream yields: what is only known once a reply is over."""

    usage: Usage | None = None
    served_model: str | None = None
    envelope: Mapping[str, Any] = field(default_factory=_nothing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One finished (or growing) alternative of a reply."""

    index: int = 0
    text: str = ""
    refusal: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str | None = None
    logprobs: Mapping[str, Any] | None = None
    extra: Mapping[str, Any] = field(default_factory=_nothing)
    choice_extra: Mapping[str, Any] = field(default_factory=_nothing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What an upstream answered; `complete` is False while it still grows, or when it was cut off."""

    choices: tuple[Choice, ...] = ()
    usage: Usage | None = None
    served_model: str | None = None
    envelope: Mapping[str, Any] = field(default_factory=_nothing)
    complete: bool = True

    @property
    def text(self) -> str:
        """The first choice's text."""
        return self.choices[0].text if self.choices else ""


class CostClass(StrEnum):
    """What a self-check needs beside the answer."""

    FREE = "free"  # nothing
    LOGPROBS = "logprobs"  # the log-probabilities of the answer's tokens
    PAID = "paid"  # calls of a model, or work outside the process


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one self-check thought of a reply.

    `score` is in [0, 1], more is better, where the check has one.
    `duration_ms` and `cost` (of the models it asked; `None`: unpriced) are noted by who ran the check.
    """

    check: str
    passed: bool
    reason: str = ""
    score: float | None = None
    duration_ms: float | None = None
    cost: Picodollars | None = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What an attempt cost.

    `amount` is booked (`None`: unpriced), `bound` is the most it can have been.
    `reported` is what the provider said, `computed` what its prices make of the usage: one is booked.
    `machine_ms` is how long one's own machine worked for it, were it alone.
    """

    amount: Picodollars | None
    bound: Picodollars | None
    grade: Grade
    reported: Picodollars | None = None
    computed: Picodollars | None = None
    machine_ms: float | None = None


class Purpose(StrEnum):
    """What an upstream call was for: to answer the caller, to check an answer, to audit an accepted one."""

    ANSWER = "answer"
    CHECK = "check"
    AUDIT = "audit"


class Status(StrEnum):
    """How an attempt ended."""

    ACCEPTED = "accepted"  # its checks passed, or it was committed to the caller: this is the answer
    REJECTED = "rejected"  # a check failed before the caller saw anything
    FAILED = "failed"  # the upstream failed
    CANCELLED = "cancelled"  # the caller went away, or the server is stopping
    LOST = "lost"  # the process died while it ran; written down by whoever found it


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One upstream call and how it went. Times are in milliseconds.

    `overturned` is true if its answer was rejected although the one accepted in the end says the same.
    """

    number: int
    purpose: Purpose = Purpose.ANSWER
    decision: Decision
    status: Status
    started: datetime
    duration_ms: float
    first_token_ms: float | None = None
    reply: Reply | None = None
    error: Exception | None = None
    verdicts: tuple[Verdict, ...] = ()
    usage: Usage
    charge: Charge
    substituted: bool = False
    committed: bool = False
    served_id: str | None = None
    overturned: bool | None = None

    @property
    def accepted(self) -> bool:
        """Whether this attempt is the answer."""
        return self.status is Status.ACCEPTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Counterfactual:
    """What the best single model would have cost for the same tokens: computed, never measured.

    `cheapest` is the cheapest model, and what it would have cost.
    """

    model: str
    cost: Picodollars
    cheapest: str | None = None
    cheapest_cost: Picodollars | None = None


def _merit(attempt: Attempt) -> tuple[int, float, int]:
    """Checks passed, then how nearly the next one was, then the later (the stronger) attempt."""
    failed = next((verdict.score for verdict in attempt.verdicts if not verdict.passed), None)
    passed = sum(verdict.passed for verdict in attempt.verdicts)
    return passed, failed or 0.0, attempt.number


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Everything tried for one request, and why the rest was not.

    `over_budget` says what was not done for want of money: all of it, or climbing on.
    """

    request: Request
    features: Features
    policy: str
    config: str
    refused: Mapping[str, Refusal]
    attempts: tuple[Attempt, ...]
    counterfactual: Counterfactual | None = None
    over_budget: OverBudget | None = None

    @property
    def chosen(self) -> Attempt | None:
        """The attempt the caller got: the accepted one, else the best of those that its checks rejected."""
        answers = [attempt for attempt in self.attempts if attempt.purpose is Purpose.ANSWER]
        for attempt in reversed(answers):
            if attempt.accepted:
                return attempt
        whole = [a for a in answers if a.status is Status.REJECTED and a.reply and a.reply.complete]
        return max(whole, key=_merit, default=None)

    @property
    def failure(self) -> Exception | None:
        """Why the caller got no answer, or not all of it; `None` if there is one."""
        if not self.attempts:
            return self.over_budget or NoCandidate(self.refused)
        last = self.attempts[-1]
        if last.committed and not last.accepted:
            return last.error
        return None if self.chosen else last.error or self.over_budget or NothingPassed()

    @property
    def cost(self) -> Picodollars | None:
        """All that is known to have been spent, rejected attempts and paid checks included.

        `None` if nothing is known of any attempt.
        """
        known = [attempt.charge.amount for attempt in self.attempts if attempt.charge.amount is not None]
        return sum(known) if known else None
