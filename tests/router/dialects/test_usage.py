"""Every shape of usage there is at upstreams, and the one record each becomes."""

from dataclasses import fields

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.dialects.usage import larger, usage_in, usage_of
from router.pricing import possible
from router.types import Usage

SHAPES = {
    "OpenAI, chat": (
        {"usage": {
            "prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150,
            "prompt_tokens_details": {"cached_tokens": 64, "audio_tokens": 8},
            "completion_tokens_details": {"reasoning_tokens": 30, "audio_tokens": 2,
                                          "accepted_prediction_tokens": 4, "rejected_prediction_tokens": 1},
        }, "service_tier": "flex"},
        Usage(input=100, output=50, cached=64, reasoning=30, audio_input=8, audio_output=2, tier="flex"),
    ),
    "OpenAI, responses": (
        {"usage": {
            "input_tokens": 100, "output_tokens": 50, "total_tokens": 150,
            "input_tokens_details": {"cached_tokens": 64, "cache_write_tokens": 3},
            "output_tokens_details": {"reasoning_tokens": 30},
        }, "service_tier": "default"},
        Usage(input=100, output=50, cached=64, cache_write=3, reasoning=30),
    ),
    "Anthropic: cached and written beside the input": (
        {"usage": {
            "input_tokens": 10, "output_tokens": 50, "cache_read_input_tokens": 60,
            "cache_creation_input_tokens": 30,
            "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
            "server_tool_use": {"web_search_requests": 2}, "service_tier": "standard",
        }},
        Usage(input=100, output=50, cached=60, cache_write=30, cache_write_long=20, searches=2),
    ),
    "Anthropic without a cache": (
        {"usage": {"input_tokens": 10, "output_tokens": 5}},
        Usage(input=10, output=5),
    ),
    "vLLM without --enable-prompt-tokens-details: unknown, not zero": (
        {"usage": {"prompt_tokens": 100, "total_tokens": 150, "completion_tokens": 50,
                   "prompt_tokens_details": None}},
        Usage(input=100, output=50),
    ),
    "vLLM with it": (
        {"usage": {"prompt_tokens": 100, "total_tokens": 150, "completion_tokens": 50,
                   "prompt_tokens_details": {"cached_tokens": 0}}},
        Usage(input=100, output=50, cached=0),
    ),
    "SGLang: reasoning at the top": (
        {"usage": {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150,
                   "prompt_tokens_details": None, "reasoning_tokens": 20}},
        Usage(input=100, output=50, reasoning=20),
    ),
    "Ollama's own": (
        {"model": "m", "done": True, "prompt_eval_count": 26, "eval_count": 259,
         "prompt_eval_cached_count": 20, "eval_duration": 4_709_213_000},
        Usage(input=26, output=259, cached=20),
    ),
    "Ollama's own, before 0.40": (
        {"model": "m", "prompt_eval_count": 26, "eval_count": 259},
        Usage(input=26, output=259),
    ),
    "Ollama as OpenAI": (
        {"usage": {"prompt_tokens": 26, "completion_tokens": 259, "total_tokens": 285}},
        Usage(input=26, output=259),
    ),
    "llama.cpp: the cache in its timings": (
        {"usage": {"prompt_tokens": 100, "completion_tokens": 5, "total_tokens": 105},
         "timings": {"cache_n": 90, "prompt_n": 10, "predicted_n": 5, "draft_n": 4}},
        Usage(input=100, output=5, cached=90),
    ),
    "llama.cpp, timings alone": (
        {"timings": {"cache_n": 90, "prompt_n": 10, "predicted_n": 5}},
        Usage(input=100, output=5, cached=90),
    ),
    "LM Studio": (
        {"usage": {"prompt_tokens": 24, "completion_tokens": 9, "total_tokens": 33}},
        Usage(input=24, output=9),
    ),
    "mlx-lm": (
        {"usage": {"prompt_tokens": 24, "completion_tokens": 9, "total_tokens": 33,
                   "prompt_tokens_details": {"cached_tokens": 12}}},
        Usage(input=24, output=9, cached=12),
    ),
    "OpenRouter: with what it charged": (
        {"usage": {
            "prompt_tokens": 194, "completion_tokens": 2, "total_tokens": 196, "cost": 0.00014,
            "is_byok": False, "cost_details": {"upstream_inference_cost": None},
            "prompt_tokens_details": {"cached_tokens": 10, "cache_write_tokens": 100, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0},
        }},
        Usage(input=194, output=2, cached=10, cache_write=100, reasoning=0, audio_input=0, cost=140_000_000),
    ),
    "NEAR: reasoning and cache": (
        {"usage": {"prompt_tokens": 50, "completion_tokens": 40, "total_tokens": 90,
                   "prompt_tokens_details": {"cached_tokens": 48}, "reasoning_tokens": 32}},
        Usage(input=50, output=40, cached=48, reasoning=32),
    ),
    "DeepSeek": (
        {"usage": {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150,
                   "prompt_cache_hit_tokens": 64, "prompt_cache_miss_tokens": 36,
                   "completion_tokens_details": {"reasoning_tokens": 30}}},
        Usage(input=100, output=50, cached=64, reasoning=30),
    ),
    "Together: three counts": (
        {"usage": {"prompt_tokens": 5, "completion_tokens": 6, "total_tokens": 11}},
        Usage(input=5, output=6),
    ),
    "Fireworks": (
        {"usage": {"prompt_tokens": 50, "completion_tokens": 6, "total_tokens": 56,
                   "prompt_tokens_details": {"cached_tokens": 32}}},
        Usage(input=50, output=6, cached=32),
    ),
    "DeepInfra: with its estimate of the cost": (
        {"usage": {"prompt_tokens": 5, "completion_tokens": 6, "total_tokens": 11,
                   "estimated_cost": 1.2e-06}},
        Usage(input=5, output=6, cost=1_200_000),
    ),
    "Groq, streamed": (
        {"x_groq": {"id": "req_1", "usage": {
            "queue_time": 0.1, "prompt_tokens": 24, "completion_tokens": 37, "total_tokens": 61,
            "prompt_tokens_details": {"cached_tokens": 16}}}, "service_tier": "on_demand"},
        Usage(input=24, output=37, cached=16),
    ),
    "Mistral": (
        {"usage": {"prompt_tokens": 30, "completion_tokens": 9, "total_tokens": 39, "num_cached_tokens": 16}},
        Usage(input=30, output=9, cached=16),
    ),
    "Moonshot": (
        {"usage": {"prompt_tokens": 30, "completion_tokens": 9, "total_tokens": 39, "cached_tokens": 16}},
        Usage(input=30, output=9, cached=16),
    ),
    "Venice": (
        {"usage": {"prompt_tokens": 30, "completion_tokens": 9, "total_tokens": 39,
                   "prompt_tokens_details": {"cached_tokens": 16, "cache_creation_input_tokens": 4}}},
        Usage(input=30, output=9, cached=16, cache_write=4),
    ),
    "Grok: reasoning beside the completion": (
        {"usage": {"prompt_tokens": 32, "completion_tokens": 9, "total_tokens": 135,
                   "completion_tokens_details": {"reasoning_tokens": 94}}},
        Usage(input=32, output=103, reasoning=94),
    ),
    "Gemini as OpenAI, its total with the thoughts": (
        {"usage": {"prompt_tokens": 32, "completion_tokens": 9, "total_tokens": 46,
                   "completion_tokens_details": {"reasoning_tokens": 5}}},
        Usage(input=32, output=14, reasoning=5),
    ),
    "Gemini's own": (
        {"usageMetadata": {
            "promptTokenCount": 32, "candidatesTokenCount": 9, "thoughtsTokenCount": 5,
            "cachedContentTokenCount": 16, "totalTokenCount": 46,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 20},
                                    {"modality": "IMAGE", "tokenCount": 12}]}},
        Usage(input=32, output=14, cached=16, reasoning=5, image_input=12),
    ),
    "whole numbers written with a point": (
        {"usage": {"prompt_tokens": 5.0, "completion_tokens": 6.0}},
        Usage(input=5, output=6),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("body", "record"), SHAPES.values(), ids=SHAPES.keys())
def test_each_shape_becomes_one_record(body, record):
    assert usage_in(orjson.loads(orjson.dumps(body))) == record


@pytest.mark.parametrize("body", [{}, {"usage": None}, {"usage": {}}, {"usage": {"prompt_tokens": 5}}])
def test_what_does_not_say_both_ways_is_no_usage(body):
    assert usage_in(body) is None


ABSURD = {
    "negative": {"prompt_tokens": -5, "completion_tokens": 3},
    "huge": {"prompt_tokens": 5, "completion_tokens": 10**15},
    "text": {"prompt_tokens": "5", "completion_tokens": 3},
    "a flag": {"prompt_tokens": True, "completion_tokens": 3},
    "not a number": {"prompt_tokens": float("nan"), "completion_tokens": 3},
    "endless": {"prompt_tokens": float("inf"), "completion_tokens": 3},
    "a fraction": {"prompt_tokens": 1.5, "completion_tokens": 3},
    "more cached than there was": {
        "prompt_tokens": 5, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 6}
    },
    "more cached and written than there was": {
        "prompt_tokens": 5, "completion_tokens": 3,
        "prompt_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 3},
    },
    "more sound than there was": {
        "prompt_tokens": 5, "completion_tokens": 3, "completion_tokens_details": {"audio_tokens": 4}
    },
    "negative, Anthropic": {"input_tokens": 5, "output_tokens": 3, "cache_read_input_tokens": -1},
}  # fmt: skip


@pytest.mark.parametrize("wire", ABSURD.values(), ids=ABSURD.keys())
def test_what_cannot_be_is_not_believed_and_says_why(wire):
    usage = usage_in({"usage": {**wire, "cost": 0.001}})
    assert usage is not None
    assert usage.flaw
    assert (usage.input, usage.output, usage.cost) == (None, None, 1_000_000_000)


@pytest.mark.parametrize("cost", [-1, float("nan"), float("inf"), "free", 10**9, True, None, {}])
def test_a_cost_that_cannot_be_is_none(cost):
    assert usage_of({"prompt_tokens": 1, "completion_tokens": 1, "cost": cost}).cost is None


def test_of_two_reports_each_count_is_the_largest():
    running = Usage(input=10, output=3, cached=4)
    final = Usage(input=10, output=7)
    assert larger(running, final) == larger(final, running) == Usage(input=10, output=7, cached=4)
    assert larger(final, Usage(input=0, output=0)) == final
    assert larger(None, final) == final


def test_a_report_that_is_believed_wins_over_one_that_is_not():
    flawed, good = Usage(flaw="absurd"), Usage(input=1, output=1)
    assert larger(flawed, good) == larger(good, flawed) == good
    assert larger(None, flawed) == flawed


counts = st.integers(0, 10**6)


@given(plain=counts, cached=counts, written=counts, output=counts)
def test_the_parts_sum_to_the_total_whichever_convention_they_came_in(plain, cached, written, output):
    """OpenAI counts the cache within the input, Anthropic beside it: the record is the same."""
    within = usage_of({
        "prompt_tokens": plain + cached + written, "completion_tokens": output,
        "prompt_tokens_details": {"cached_tokens": cached, "cache_write_tokens": written},
    })  # fmt: skip
    beside = usage_of({
        "input_tokens": plain, "output_tokens": output, "cache_read_input_tokens": cached,
        "cache_creation_input_tokens": written,
    })  # fmt: skip
    assert within == beside
    assert within.input - within.cached - within.cache_write == plain


@given(read=counts, spoken=counts, thought=st.integers(1, 10**6))
def test_thoughts_are_in_the_output_whether_they_came_within_or_beside(read, spoken, thought):
    details = {"completion_tokens_details": {"reasoning_tokens": thought}}
    total = {"prompt_tokens": read, "total_tokens": read + spoken + thought}
    within = usage_of({**total, "completion_tokens": spoken + thought, **details})
    beside = usage_of({**total, "completion_tokens": spoken, **details})
    assert within == beside == Usage(input=read, output=spoken + thought, reasoning=thought)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
names = st.sampled_from([
    "prompt_tokens", "completion_tokens", "total_tokens", "input_tokens", "output_tokens", "cached_tokens",
    "prompt_tokens_details", "completion_tokens_details", "cache_read_input_tokens", "reasoning_tokens",
    "cost", "input_tokens_details", "cache_creation", "server_tool_use", "num_cached_tokens",
])  # fmt: skip
wires = st.dictionaries(names, anything | st.dictionaries(names, anything, max_size=3), max_size=8)


@given(
    body=st.fixed_dictionaries(
        {},
        optional={
            "usage": wires | anything,
            "timings": wires | anything,
            "usageMetadata": wires | anything,
            "x_groq": anything,
            "prompt_eval_count": anything,
            "service_tier": anything,
        },
    )
)
def test_whatever_comes_is_believed_whole_or_not_at_all(body):
    usage = usage_in(body)
    if usage is None or usage.flaw:
        return
    values = [
        getattr(usage, field.name) for field in fields(usage) if field.name not in {"grade", "tier", "flaw"}
    ]
    assert all(value is None or (type(value) is int and value >= 0) for value in values)
    assert possible(usage)
