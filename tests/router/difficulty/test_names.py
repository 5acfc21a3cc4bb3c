"""One model has many names; one key finds it."""

import pytest

from router.difficulty import names

KNOWN = [
    ("qwen2.5-72b-instruct", True),
    ("llama-3-70b", False),
    ("llama-3-70b-instruct", True),
    ("llama-3.1-8b-instruct", True),
    ("mixtral-8x7b-instruct-v0.1", True),
    ("mistral-7b-instruct-v0.3", True),
    ("gpt-4o-2024-05-13", True),
    ("gpt-4-0613", True),
    ("claude-3-5-sonnet-20240620", True),
]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("Qwen/Qwen2.5-72B-Instruct", "qwen2.5-72b-instruct"),
        ("qwen2.5:72b", "qwen2.5-72b-instruct"),
        ("qwen2.5-72b-instruct", "qwen2.5-72b-instruct"),
        ("Qwen/Qwen2.5-72B-Instruct-AWQ", "qwen2.5-72b-instruct"),
        ("llama-3-70b", "llama-3-70b"),
        ("llama3:70b", "llama-3-70b-instruct"),
        ("meta-llama/Meta-Llama-3.1-8B-Instruct-Turbo", "llama-3.1-8b-instruct"),
        ("llama3.1:8b-instruct-q4_K_M", "llama-3.1-8b-instruct"),
        ("RedHatAI/Meta-Llama-3.1-8B-Instruct-FP8", "llama-3.1-8b-instruct"),
        ("mixtral:8x7b", "mixtral-8x7b-instruct-v0.1"),
        ("mistralai/Mistral-7B-Instruct-v0.3", "mistral-7b-instruct-v0.3"),
        ("gpt-4o", "gpt-4o-2024-05-13"),
        ("openai/gpt-4", "gpt-4-0613"),
        ("anthropic/claude-3.5-sonnet", "claude-3-5-sonnet-20240620"),
        ("claude-3-5-sonnet-latest", "claude-3-5-sonnet-20240620"),
        ("gemma-2-9b-it", None),
        ("gpt-4o-mini", None),
        ("big", None),
        ("", None),
    ],
)
def test_a_name_finds_its_model(asked: str, found: str | None) -> None:
    at = names.match([asked], names.index(KNOWN))
    assert (KNOWN[at][0] if at is not None else None) == found


@pytest.mark.parametrize(
    ("name", "whole", "active"),
    [
        ("qwen3:8b", 8.0, None),
        ("Qwen/Qwen3-30B-A3B", 30.0, 3.0),
        ("mixtral-8x7b", 46.5, 12.9),
        ("gpt-4o", None, None),
        ("phi-3.5-mini", None, None),
    ],
)
def test_sizes_are_read_off_names(name: str, whole: float | None, active: float | None) -> None:
    read = tuple(None if size is None else round(size, 1) for size in names.sizes(name))
    assert read == (whole, active)
