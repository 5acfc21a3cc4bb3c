"""What the caller may see, and when: relay, gate or hold.

The invariant: no byte that a caller receives comes from an attempt that was rejected.
"""

from router.errors import Substituted
from router.panel import Panel
from router.seams import Caller, Stream
from router.trial import Trial
from router.types import Ending, Release, Status, Verdict

CHARACTERS_A_TOKEN = 4


async def let_through(
    stream: Stream, trial: Trial, panel: Panel, caller: Caller | None, attempt: int
) -> None:
    """Read `stream` to its end, show `caller` what may be shown, and settle `trial.status`.

    Without a caller (a plain answer, or a check's own question) everything is held.
    """
    async for item in stream:
        trial.add(item)
        if trial.substituted and trial.decision.refuses_substitutes and not trial.committed:
            raise Substituted(f"The upstream answered as {trial.served_model!r}.")
        if caller is None or isinstance(item, Ending):
            continue  # what is not streamed comes whole, with what it cost
        if trial.committed:
            await caller.send(item, trial.decision, attempt)
            continue
        failed = panel.feed(item)
        if failed is not None:
            trial.verdicts, trial.status = (failed,), Status.REJECTED
            return
        if _may_commit(trial):
            await _commit(trial, caller, attempt)
    await _settle(trial, panel, caller, attempt)


async def _settle(trial: Trial, panel: Panel, caller: Caller | None, attempt: int) -> None:
    """Judge the whole answer; one that is already with the caller can be marked, not taken back."""
    trial.verdicts = await panel.judge(trial.reply())
    if trial.committed or _passed(trial.verdicts):
        if caller is not None and not trial.committed:
            await _commit(trial, caller, attempt)
        trial.status = Status.ACCEPTED
    else:
        trial.status = Status.REJECTED


async def _commit(trial: Trial, caller: Caller, attempt: int) -> None:
    # Set first: if the caller leaves while it is being sent, the bytes may have gone out.
    trial.committed = True
    await caller.send(trial.deltas, trial.decision, attempt)


def _may_commit(trial: Trial) -> bool:
    """Tell whether the held prefix is long enough to be judged and shown."""
    decision = trial.decision
    if decision.release is Release.RELAYED:
        return True
    if decision.release is Release.HELD or trial.request.answer is not None:
        return False  # JSON can only be judged whole
    if any(delta.tool_calls for delta in trial.deltas):
        return False  # and so can the arguments of a call
    return (
        trial.characters >= decision.hold_tokens * CHARACTERS_A_TOKEN
        or trial.since_first_ms() >= decision.hold_ms
    )


def _passed(verdicts: tuple[Verdict, ...]) -> bool:
    return all(verdict.passed for verdict in verdicts)
