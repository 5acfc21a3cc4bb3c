"""What the caller may see, and when: relay, gate or hold.

The invariant: no byte that a caller receives comes from an attempt that was rejected.
"""

from router.calls import HeldCalls
from router.errors import Broken, Substituted
from router.panel import Panel
from router.patience import Nothing, Patient
from router.seams import Burst, Caller, Stream
from router.trial import Trial
from router.types import Delta, Ending, Release, Status, Verdict

CHARACTERS_A_TOKEN = 4

HALF_A_CALL = "The model's tool call has arguments that are not JSON."


async def let_through(
    stream: Stream, trial: Trial, panel: Panel, caller: Caller | None, attempt: int
) -> None:
    """Read `stream` to its end, show `caller` what may be shown, and settle `trial.status`.

    Without a caller (a plain answer, or a check's own question) everything is held.
    """
    gate = _Gate(trial, panel, caller, attempt) if caller is not None else None
    async with Patient(stream) as pieces:
        while True:
            piece = await pieces.next(gate.patience() if gate is not None else None)
            if piece is Nothing.MORE:
                break
            if isinstance(piece, Nothing):
                assert gate is not None, "only a gate has limited patience"
                await gate.time_is_up()
                continue
            trial.add(piece)
            if trial.substituted and trial.decision.refuses_substitutes and not trial.committed:
                raise Substituted(f"The upstream answered as {trial.served_model!r}.")
            if gate is None or isinstance(piece, Ending):
                continue  # what is not streamed comes whole, with what it cost
            await gate.take(piece)
            if trial.status is Status.REJECTED:
                return
    if gate is not None:
        await gate.finish()
    await _settle(trial, panel, gate)


async def _settle(trial: Trial, panel: Panel, gate: "_Gate | None") -> None:
    """Judge the whole answer; one that is already with the caller can be marked, not taken back."""
    noticed = trial.verdicts
    judged = await panel.judge(trial.reply(), waited_for=trial.decision.release is Release.HELD)
    trial.verdicts = judged if not noticed or not _passed(judged) else (*judged, *noticed)
    if trial.committed or _passed(trial.verdicts):
        if gate is not None and not trial.committed:
            await gate.open()
        trial.status = Status.ACCEPTED
    else:
        trial.status = Status.REJECTED


class _Gate:
    """One attempt on its way to a caller.

    Before the commit what came is held and watched; at a failing verdict the attempt is dropped, unless it is
    the last there may be, which is then read to its end.
    After the commit text flows, tool calls wait until they are whole, and a failing verdict is noted.
    """

    def __init__(self, trial: Trial, panel: Panel, caller: Caller, attempt: int) -> None:
        self._trial, self._panel, self._caller, self._attempt = trial, panel, caller, attempt
        self._calls = HeldCalls() if trial.decision.release is not Release.RELAYED else None
        self._showable: list[Delta] = []
        self._characters = 0
        # JSON can only be judged whole.
        self._until_the_end = trial.decision.release is Release.HELD or trial.request.answer is not None

    def patience(self) -> float | None:
        """Seconds until what is held must be shown; `None`: it may wait for the next piece."""
        trial = self._trial
        if trial.committed or self._until_the_end or not self._worth_showing():
            return None
        return max(0.0, trial.decision.hold_ms - trial.since_first_ms()) / 1000

    async def time_is_up(self) -> None:
        await self.commit(self._showable)

    async def take(self, burst: Burst) -> None:
        """Watch and show, or keep, what came; raises `Broken` for a call that was cut after the commit."""
        trial = self._trial
        self._watch(burst)
        if trial.status is Status.REJECTED:
            return
        shown = self._calls.take(burst) if self._calls is not None else list(burst)
        if trial.committed:
            await self._show(shown)
            return
        self._showable += shown
        self._characters += sum(len(delta.text) for delta in shown)
        if self._may_commit():
            await self.commit(self._showable)

    async def open(self) -> None:
        """Show all of a reply that is over; half a call was let pass by no check, and is not shown either."""
        if self._calls is not None and self._calls.broken:
            raise Broken(HALF_A_CALL)
        await self.commit(self._trial.deltas)

    async def finish(self) -> None:
        """Show what was still kept of a committed reply that is over."""
        if self._trial.committed and self._calls is not None:
            await self._show(self._calls.rest())

    async def _show(self, deltas: list[Delta]) -> None:
        if deltas:
            await self._caller.send(deltas, self._trial.decision, self._attempt)
        if self._calls is not None and self._calls.broken:
            raise Broken(HALF_A_CALL)

    async def commit(self, deltas: list[Delta]) -> None:
        # Set first: if the caller leaves while it is being sent, the bytes may have gone out.
        self._trial.committed = True
        await self._caller.send(deltas, self._trial.decision, self._attempt)

    def _watch(self, burst: Burst) -> None:
        trial = self._trial
        if trial.verdicts:
            return
        failed = self._panel.feed(burst)
        if failed is None:
            return
        trial.verdicts = (failed,)
        if trial.committed or trial.decision.release is Release.RELAYED:
            return
        if trial.decision.last:
            self._until_the_end = True
        else:
            trial.status = Status.REJECTED

    def _may_commit(self) -> bool:
        """Tell whether the held prefix is long enough to be shown."""
        decision = self._trial.decision
        if decision.release is Release.RELAYED:
            return True
        if self._until_the_end or not self._worth_showing():
            return False
        return (
            self._characters >= decision.hold_tokens * CHARACTERS_A_TOKEN
            or self._trial.since_first_ms() >= decision.hold_ms
        )

    def _worth_showing(self) -> bool:
        """Tell whether there is more to show than the opening; it would end the chance of a better answer."""
        if self._calls is not None and self._calls.broken:
            return False
        return any(d.text or d.refusal or d.tool_calls or d.extra for d in self._showable)


def _passed(verdicts: tuple[Verdict, ...]) -> bool:
    return all(verdict.passed for verdict in verdicts)
