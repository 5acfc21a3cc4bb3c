"""Prices every case with litellm's `completion_cost`, in a process of its own; a line of JSON each.

`env LITELLM_LOCAL_MODEL_COST_MAP=True python -m tests.support.litellm_judge`
"""

import json
import logging
import sys
from datetime import datetime
from unittest import mock

import litellm
from litellm.litellm_core_utils.llm_cost_calc import utils
from litellm.types.utils import (
    CompletionTokensDetailsWrapper,
    ModelResponse,
    PromptTokensDetailsWrapper,
    Usage,
)

from tests.support.price_cases import AT, CASES, MODES


def usage_of(case):
    return Usage(
        prompt_tokens=case["input"],
        completion_tokens=case["output"],
        total_tokens=case["input"] + case["output"],
        prompt_tokens_details=PromptTokensDetailsWrapper(
            cached_tokens=case.get("cached", 0),
            cache_creation_tokens=case.get("cache_write", 0),
            audio_tokens=case.get("audio_input", 0),
        ),
        completion_tokens_details=CompletionTokensDetailsWrapper(
            reasoning_tokens=case.get("reasoning", 0), audio_tokens=case.get("audio_output", 0)
        ),
    )


def cost_of(key, entry, case):
    response = ModelResponse(model=key, usage=usage_of(case))
    return litellm.completion_cost(
        completion_response=response,
        model=key,
        custom_llm_provider=entry["litellm_provider"],
        service_tier=case.get("tier"),
    )


def main():
    litellm.suppress_debug_info = True
    logging.disable(logging.CRITICAL)
    at = datetime.fromisoformat(AT)
    with mock.patch.object(utils, "current_billing_time", return_value=at):
        for key, entry in litellm.model_cost.items():
            if entry.get("mode") not in MODES or not entry.get("litellm_provider"):
                continue
            for name, case in CASES.items():
                try:
                    usd, trouble = cost_of(key, entry, case), None
                except Exception as error:  # noqa: BLE001 - whatever it raises is its answer
                    usd, trouble = None, f"{type(error).__name__}: {error}"[:200]
                sys.stdout.write(json.dumps({"key": key, "case": name, "usd": usd, "error": trouble}) + "\n")


if __name__ == "__main__":
    main()
