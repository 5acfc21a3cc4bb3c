"""Errors as OpenAI's clients expect them: `{"error": {message, type, param, code}}`."""

from types import MappingProxyType
from typing import Any

from router.errors import CallerError, CallerFault, NoCandidate, OverBudget

TYPES = MappingProxyType(
    {
        400: "invalid_request_error",
        401: "authentication_error",
        402: "billing_error",
        403: "permission_error",
        404: "invalid_request_error",
        413: "invalid_request_error",
        422: "invalid_request_error",
        429: "rate_limit_error",
    }
)

CODES = MappingProxyType(
    {
        401: "invalid_api_key",
        403: "out_of_scope",
        404: "model_not_found",
        413: "request_too_large",
        429: "rate_limit_exceeded",
    }
)


BUDGET_CODES = MappingProxyType(
    {402: "budget_exceeded", 429: "rate_limit_exceeded", 503: "budgets_unavailable"}
)


def error_body(status: int, error: Exception) -> dict[str, Any]:
    """Write `error` for a caller; what is not the caller's fault is an `api_error`."""
    param = code = None
    if isinstance(error, CallerError | CallerFault):
        param, code = error.param, error.code
    body: dict[str, Any] = {
        "message": str(error),
        "type": TYPES.get(status, "api_error"),
        "param": param,
        "code": code or CODES.get(status) or (_name(error) if status >= 500 else None),
    }
    if isinstance(error, OverBudget):
        body |= {"code": BUDGET_CODES.get(status), "budget": error.details or None}
    if isinstance(error, NoCandidate):
        body |= {
            "code": "no_candidate",
            "retryable": error.retryable,
            "refused": {model: str(refusal) for model, refusal in error.refused.items()},
            "excluded_by": [
                {
                    "model": model,
                    "rules": [refusal.rule, *refusal.also],
                    "retryable": refusal.retry_after is not None,
                }
                for model, refusal in error.refused.items()
            ],
            "relaxation": error.nearest and {"model": error.nearest[0], "rules": error.nearest[1]},
        }
    return {"error": body}


def _name(error: Exception) -> str:
    """`TimedOut` -> `timed_out`."""
    name = type(error).__name__
    return "".join(f"_{c.lower()}" if c.isupper() and i else c.lower() for i, c in enumerate(name))
