"""The loop: plan, attempt, check, next or done, write down.

A request becomes an `Outcome` here and nowhere else, and what it cost is written down in one `finally`,
also when the caller has gone.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime
from functools import partial

from policies.budgets.free import Free
from router.attempts import answers, cannot_tell, compared, reading, spent_on_checks
from router.dialects.amend import amended
from router.entry import entries_of
from router.errors import OverBudget, Refusal, StruckOut, UnknownModel, Unsent, UpstreamError
from router.gate import let_through
from router.panel import Asking, Panel, amendment_of
from router.seams import (
    Budgets,
    Caller,
    Clock,
    Evaluator,
    Follower,
    Measure,
    Plan,
    Policy,
    Purse,
    Sink,
    Upstream,
)
from router.trial import Trial
from router.types import (
    Attempt,
    Charge,
    Counterfactual,
    Decision,
    Features,
    Model,
    Outcome,
    Purpose,
    Reply,
    Request,
    Status,
    Usage,
    Verdict,
)


class Pipeline:
    """Answers requests with the parts it is given; holds no state of a request.

    `charge` prices a usage, `count` counts the tokens of a text, `config` names the configuration in force,
    `budgets` say what may be spent (`None`: anything).
    """

    def __init__(  # noqa: PLR0913 - handed its parts by name
        self,
        *,
        models: Mapping[str, Model],
        upstreams: Mapping[str, Upstream],
        measure: Measure,
        charge: Callable[[Model, Usage, datetime], Charge],
        count: Callable[[str], int],
        sinks: Iterable[Sink],
        clock: Clock,
        config: str = "",
        budgets: Budgets | None = None,
        followers: Iterable[Follower] = (),
        agree: Callable[[Reply, Reply], bool | None] = cannot_tell,
    ) -> None:
        self._models, self._upstreams = models, upstreams
        self._measure, self._charge, self._count = measure, charge, count
        self._sinks, self._clock, self._config = tuple(sinks), clock, config
        self.budgets: Budgets = budgets or Free()
        self._followers, self._agree = tuple(followers), agree

    def plan(
        self, request: Request, policy: Policy
    ) -> tuple[Features, Policy, Plan | None, Mapping[str, Refusal]]:
        """Decide without spending: what is told, who decides, what would be tried, and why not the rest."""
        measured = self._measure(request, policy.candidates(request), policy.name)
        features = replace(measured, at=self._clock.now())
        policy = policy.choose(request, features)
        plan, refused = policy.plan(request, features)
        return features, policy, plan, refused

    async def run(
        self, request: Request, policy: Policy, caller: Caller | None = None, purse: Purse | None = None
    ) -> Outcome:
        """Answer `request`; upstream failures end in `Outcome.failure`, never in an exception.

        `caller` is there for streams: what it was sent stands, the rest is the server's to show.
        `purse` is what may be spent, for a caller who wants to look into it; else one is opened here.
        """
        purse = purse or self.budgets.open(request)
        features, policy, plan, refused = self.plan(request, policy)
        attempts: list[Attempt] = []
        try:
            if plan is not None:
                await self._climb(plan, request, features, policy.evaluators, caller, attempts, purse)
        finally:
            outcome = self._write_down(request, policy, features, refused, attempts, purse.refused)
        await purse.booked()
        return outcome

    def book_lost(
        self, request: Request, policy: Policy, models: Sequence[str], *, first: int = 1, answered: bool
    ) -> None:
        """Write down calls to `models` whose process died before it could: they may have cost money.

        They are the request's attempts from the `first` on; audits, if its answer is booked already.
        Raises `UnknownModel` if the catalogue has no such model any more.
        """
        for model in models:
            if model not in self._models:
                raise UnknownModel(f"There is no model {model!r} here.")
        features = self._measure(request, policy.candidates(request))
        attempts = []
        for number, model in enumerate(models, start=first):
            decision = Decision(model=self._models[model], reason="its process died")
            purpose = Purpose.AUDIT if answered else Purpose.ANSWER
            trial = Trial(request, features, decision, clock=self._clock, purpose=purpose)
            trial.status = Status.LOST
            attempts.append(trial.attempt(number, charge=self._charge, count=self._count))
        self._write_down(request, policy, features, {}, attempts, beside=answered)

    def _write_down(
        self,
        request: Request,
        policy: Policy,
        features: Features,
        refused: Mapping[str, Refusal],
        attempts: list[Attempt],
        over_budget: OverBudget | None = None,
        *,
        beside: bool = False,
    ) -> Outcome:
        outcome = Outcome(
            request=request,
            features=features,
            policy=policy.name,
            config=self._config,
            refused=refused,
            attempts=tuple(compared(attempts, self._agree)),
            counterfactual=self._counterfactual(policy, attempts),
            over_budget=over_budget,
        )
        entries = entries_of(outcome, beside=beside)
        for sink in self._sinks:
            sink.write(entries)
        for follower in self._followers:
            follower.follow(outcome)
        return outcome

    async def _climb(
        self,
        plan: Plan,
        request: Request,
        features: Features,
        evaluators: Mapping[str, Evaluator],
        caller: Caller | None,
        attempts: list[Attempt],
        purse: Purse,
    ) -> None:
        try:
            decision = next(plan)
            while True:
                try:
                    attempt = await self._attempt(
                        request, features, decision, evaluators, caller, attempts, purse
                    )
                except OverBudget as error:
                    if not error.of_provider:
                        return  # the best answer so far, if there is one, is the answer
                    attempt = self._passed_over(request, features, decision, error)
                if attempt.accepted or attempt.committed:
                    return
                decision = plan.send(attempt)
        except StopIteration:
            return
        finally:
            plan.close()

    def _passed_over(
        self, request: Request, features: Features, decision: Decision, error: OverBudget
    ) -> Attempt:
        """Tell the plan that a step was not taken: another provider may have budget left."""
        trial = Trial(request, features, decision, clock=self._clock, purpose=Purpose.ANSWER)
        trial.error = StruckOut(error.message)
        return trial.attempt(0, charge=self._charge, count=self._count)

    async def _attempt(
        self,
        request: Request,
        features: Features,
        decision: Decision,
        evaluators: Mapping[str, Evaluator],
        caller: Caller | None,
        attempts: list[Attempt],
        purse: Purse,
        purpose: Purpose = Purpose.ANSWER,
    ) -> Attempt:
        sent = amended(request, decision.model, amendment_of(decision, evaluators))
        features = reading(features, sent.turns[len(request.turns) :], self._count)
        settle = await purse.reserve(sent, features, decision.model)
        trial = Trial(sent, features, decision, clock=self._clock, purpose=purpose)
        panel = Panel(
            decision.checks,
            evaluators,
            request,
            ask=Asking(decision.model.name, partial(self._ask, request, features, attempts, purse)),
            spent=partial(spent_on_checks, attempts),
            clock=self._clock,
        )
        unsent = False
        try:
            upstream = self._upstreams[decision.model.upstream]
            async with aclosing(upstream.send(sent, decision.model)) as stream:
                await let_through(stream, trial, panel, caller, answers(attempts) + 1)
        except UpstreamError as error:
            trial.error = error
        except Unsent:
            trial.error = StruckOut("It was cancelled before its turn.")
            trial.error.refused = unsent = True
            raise
        except (asyncio.CancelledError, ConnectionError):
            trial.status = Status.CANCELLED
            raise
        finally:
            # Here, not after: a cancelled call has cost money too.
            attempt = trial.attempt(len(attempts) + 1, charge=self._charge, count=self._count)
            if not unsent:
                attempts.append(attempt)
            settle(attempt)
        return attempt

    async def _ask(
        self,
        request: Request,
        features: Features,
        attempts: list[Attempt],
        purse: Purse,
        model: str,
        question: Request,
        purpose: Purpose = Purpose.CHECK,
    ) -> Reply:
        """Ask `model` on a check's behalf; raises `UpstreamError`. Its cost is a row of its own."""
        decision = Decision(model=self._models[model], reason=f"asked by a {purpose}")
        if question.turns is not request.turns:
            features = reading(replace(features, prompt_tokens=0, images=0), question.turns, self._count)
        try:
            attempt = await self._attempt(question, features, decision, {}, None, attempts, purse, purpose)
        except OverBudget as error:
            raise UpstreamError(error.message) from error
        if attempt.reply is None or attempt.error is not None:
            raise attempt.error or UpstreamError()
        return attempt.reply

    async def audit(self, outcome: Outcome, auditors: Sequence[Evaluator]) -> Verdict | None:
        """Have the accepted answer judged by the first of `auditors` that can tell; book what that cost."""
        chosen = outcome.chosen
        assert chosen is not None, "only an answer can be audited"
        assert chosen.reply is not None, "an accepted attempt has a reply"
        attempts, verdict = list(outcome.attempts), None
        purse, asked = self.budgets.open(outcome.request), outcome.request
        ask = partial(self._ask, asked, outcome.features, attempts, purse)
        try:
            for auditor in auditors:
                asking = Asking(chosen.decision.model.name, partial(ask, purpose=Purpose.AUDIT))
                verdict = await auditor.judge(asked, chosen.reply, asking)
                if verdict is not None:
                    break
        finally:
            made = attempts[len(outcome.attempts) :]
            if made and verdict is not None:
                made[-1] = replace(made[-1], verdicts=(replace(verdict, check=Purpose.AUDIT.value),))
            entries = entries_of(replace(outcome, attempts=tuple(made), counterfactual=None), beside=True)
            for sink in self._sinks:
                sink.write(entries)
        return verdict

    def _counterfactual(self, policy: Policy, attempts: list[Attempt]) -> Counterfactual | None:
        answered = [a for a in attempts if a.purpose is Purpose.ANSWER and a.usage.output]
        strongest, cheapest = policy.strongest, policy.cheapest
        if strongest is None or strongest.prices is None or not answered:
            return None
        # What its own provider said the answer cost says nothing of another model's price.
        usage, when = replace(answered[-1].usage, cost=None), answered[-1].started
        cost = self._charge(strongest, usage, when).amount
        if cost is None:
            return None
        least = self._charge(cheapest, usage, when).amount if cheapest else None
        name = cheapest.name if cheapest else None
        return Counterfactual(model=strongest.name, cost=cost, cheapest=name, cheapest_cost=least)
