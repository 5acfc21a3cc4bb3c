import pytest

from router.catalog.facts import Facts
from router.types import Capability


@pytest.mark.parametrize(
    ("name", "id_"),
    [
        ("Qwen/Qwen3-8B", "qwen3-8b"),
        ("qwen3:8b", "qwen3-8b"),
        ("qwen3:latest", "qwen3-8b"),
        ("qwen3:8b-q4_K_M", "qwen3-8b"),
        ("qwen/qwen3-8b", "qwen3-8b"),
        ("mlx-community/Qwen3-8B-4bit", "qwen3-8b"),
        ("/models/Qwen3-8B-Q4_K_M.gguf", "qwen3-8b"),
        ("qwen-3-32b", "qwen3-32b"),
        ("unsloth/Qwen3-30B-A3B-Instruct-2507-GGUF", "qwen3-30b-a3b-instruct-2507"),
        ("accounts/fireworks/models/llama-v3p1-8b-instruct", "llama-3.1-8b"),
        ("meta-llama/Meta-Llama-3.1-8B-Instruct-Turbo", "llama-3.1-8b"),
        ("llama3.1:8b-instruct-q4_K_M", "llama-3.1-8b"),
        ("bartowski/Llama-3.3-70B-Instruct-GGUF:Q4_K_M", "llama-3.3-70b"),
        ("google/gemma-3-27b-it", "gemma-3-27b"),
        ("gemma3:27b-it-qat", "gemma-3-27b"),
        ("openai/gpt-oss-20b:free", "gpt-oss-20b"),
        ("deepseek-ai/DeepSeek-R1-0528-Qwen3-8B", "deepseek-r1-0528-qwen3-8b"),
        ("mistralai/Mistral-7B-Instruct-v0.3", "mistral-7b-v0.3"),
        ("Qwen/Qwen3.6-35B-A3B-FP8", "qwen3.6-35b-a3b"),
    ],
)
def test_a_model_is_known_by_every_name_it_goes_by(name, id_):
    assert Facts.load().find(name).id == id_


@pytest.mark.parametrize(
    "name",
    ["gpt-4o", "Qwen/Qwen3-235B-A22B-Thinking-2507", "Qwen2.5-Coder-7B", "Qwen3-8B-Base", "", "/", "auto"],
)
def test_a_name_that_is_only_like_another_is_not_known(name):
    assert Facts.load().find(name) is None


def test_a_name_that_means_two_models_is_an_error():
    rows = [
        {"id": "one", "family": "f", "names": ["same"]},
        {"id": "two", "family": "f", "names": ["Same:latest"]},
    ]
    with pytest.raises(ValueError, match="means both one and two"):
        Facts(rows)


def test_every_row_of_our_list_makes_sense():
    facts = list(Facts.load())
    assert len(facts) > 40
    assert len({one.id for one in facts}) == len(facts)
    for one in facts:
        assert one.params_b is None or one.active_params_b is None or one.active_params_b < one.params_b
        assert one.params_b is None or 0.1 < one.params_b < 3000
        assert one.context_window is None or one.context_window >= 2048
        assert one.capabilities <= {Capability.TOOLS, Capability.VISION, Capability.AUDIO, Capability.FILES}
        assert one.rung in {None, 1, 2, 3, 4}
