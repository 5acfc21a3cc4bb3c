"""What can go wrong, as one tree.

FarthingError
├── ConfigError              a file of the user's is wrong; carries file, line and column
├── CallerError              the request is wrong
│   ├── BadRequest
│   ├── NotAuthorized
│   ├── OutOfScope           the key is known, but is not for this
│   ├── UnknownModel
│   ├── UnknownObject
│   └── TooLarge
├── NoCandidate              every model was struck out, each with its reason
├── OverBudget               a budget of money does not bear the call
│   ├── OverRate             so many requests or tokens are not due within this window
│   └── Unaccounted          the budgets cannot be asked, and without them nothing may be spent
├── NothingPassed            no answer passed its checks, and none was read to its end
├── StoreAway                the store of batches cannot be reached
└── UpstreamError            one upstream call failed
    ├── Unreachable          nothing was sent, or no answer began
    ├── StruckOut            nothing was sent: between two steps a rule came to refuse the second
    ├── TimedOut             one of the four deadlines passed
    ├── RateLimited          429, 503 with Retry-After, 529
    ├── Broken               an answer that is not one: 5xx, HTML, an empty body, a malformed event
    ├── Truncated            the stream ended without saying so
    ├── Denied               401, 402, 403, 404: our key, credit or name is wrong at that upstream
    ├── Substituted          another model answered than was asked for
    └── CallerFault          400, 413, 422: the upstream says that the request is wrong

The docstring of a class is its default message; `http.STATUS` is the one table from error to HTTP status.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

MOST_REASONS = 20
"""Models whose refusals a message tells; the body lists all."""


class FarthingError(Exception):
    """Farthing could not do this."""

    def __init__(self, message: str | None = None) -> None:
        self.message = message or (self.__doc__ or "").strip()
        super().__init__(self.message)


class ConfigError(FarthingError):
    """The configuration is wrong."""

    def __init__(
        self, message: str, *, file: str | None = None, line: int | None = None, column: int | None = None
    ) -> None:
        self.file, self.line, self.column = file, line, column
        where = ":".join(str(part) for part in (file, line, column) if part is not None)
        super().__init__(f"{where}: {message}" if where else message)


class CallerError(FarthingError):
    """The request cannot be served as it was sent."""

    def __init__(
        self, message: str | None = None, *, param: str | None = None, code: str | None = None
    ) -> None:
        self.param, self.code = param, code
        super().__init__(message)


class BadRequest(CallerError):
    """The request is malformed."""


class NotAuthorized(CallerError):
    """The key is missing or not known here."""

    def __init__(self, message: str | None = None, *, guessed: bool = False) -> None:
        """`guessed`: a secret was tried that nobody has, or ever had."""
        self.guessed = guessed
        super().__init__(message)


class OutOfScope(CallerError):
    """The key may not be used for this."""


class UnknownModel(CallerError):
    """No model of that name is in the catalogue."""


class UnknownObject(CallerError):
    """Nothing of that id is here."""

    def __init__(
        self, message: str | None = None, *, param: str | None = None, code: str = "not_found"
    ) -> None:
        super().__init__(message, param=param, code=code)


class TooLarge(CallerError):
    """The request body is larger than this server accepts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Which rule struck out a model, and why.

    `retry_after` is in seconds; `None`: the same request will be refused again, however often it is sent.
    `also` are the other rules that refuse it, told where nothing else is left.
    """

    rule: str
    reason: str
    retry_after: float | None = None
    also: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.reason


class NoCandidate(FarthingError):
    """No model may serve this request."""

    def __init__(self, refused: Mapping[str, Refusal]) -> None:
        self.refused = dict(refused)
        waits = [each.retry_after for each in self.refused.values() if each.retry_after is not None]
        self.retry_after = min(waits, default=None)
        reasons = "; ".join(f"{model}: {why}" for model, why in sorted(self.refused.items())[:MOST_REASONS])
        more = len(self.refused) - MOST_REASONS
        also = f"; and {more} more" if more > 0 else ""
        super().__init__(f"No model may serve this request ({reasons}{also})." if reasons else None)

    @property
    def retryable(self) -> bool:
        """Whether the same request may be served later."""
        return self.retry_after is not None

    @property
    def nearest(self) -> tuple[str, tuple[str, ...]] | None:
        """The model that fewest rules refuse, and these: to relax exactly them would let it serve."""
        ways = [(model, (why.rule, *why.also)) for model, why in self.refused.items()]
        return min(ways, key=lambda way: (len(way[1]), way[0]), default=None)


class OverBudget(FarthingError):
    """A budget does not bear this call.

    `details` says which budget, whose, and how it stands; `retry_after` is seconds until its window ends
    (`None`: it never does).
    """

    def __init__(
        self,
        message: str | None = None,
        *,
        budget: str = "",
        details: Mapping[str, object] | None = None,
        retry_after: float | None = None,
    ) -> None:
        self.budget, self.details, self.retry_after = budget, dict(details or {}), retry_after
        super().__init__(message)

    @property
    def of_provider(self) -> bool:
        """Whether another provider's model may yet be borne."""
        return self.details.get("scope") == "provider"


class OverRate(OverBudget):
    """More is asked for than is due within this window."""


class Unaccounted(OverBudget):
    """The budgets cannot be asked just now, so nothing may be spent."""


class StoreAway(FarthingError):
    """The store of batches cannot be reached."""


class NothingPassed(FarthingError):
    """No answer passed its checks within the policy's limits."""


class UpstreamError(FarthingError):
    """The upstream failed."""

    retryable = True
    """Whether another model, or the same one later, may do better."""

    def __init__(
        self, message: str | None = None, *, status: int | None = None, retry_after: float | None = None
    ) -> None:
        self.status, self.retry_after = status, retry_after
        self.refused = status is not None
        """Whether the upstream did no work for the call, and bills nothing."""
        super().__init__(message)


class Unreachable(UpstreamError):
    """The upstream could not be reached."""


class TimedOut(UpstreamError):
    """The upstream did not answer in time."""


class StruckOut(UpstreamError):
    """A rule refused this step, and nothing was sent."""


class RateLimited(UpstreamError):
    """The upstream is rate limited or overloaded."""


class Broken(UpstreamError):
    """The upstream's answer is not a valid one."""


class Truncated(UpstreamError):
    """The upstream's stream broke off before its end."""


class Denied(UpstreamError):
    """The upstream refused our credentials, our credit or the model's name."""


class Substituted(UpstreamError):
    """The upstream answered with another model than the one asked for."""


class CallerFault(UpstreamError):
    """The upstream says that the request itself is wrong."""

    retryable = False

    def __init__(
        self,
        message: str | None = None,
        *,
        status: int | None = None,
        param: str | None = None,
        code: str | None = None,
    ) -> None:
        self.param, self.code = param, code
        super().__init__(message, status=status)


class Unsent(asyncio.CancelledError):
    """Cancelled while the call still waited for its turn: nothing was sent, so there is nothing to book."""
