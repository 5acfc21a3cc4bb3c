"""What policies may ask of a request that no field of it tells."""

from dataclasses import replace

import pytest

from policies.labels import labels_of, language_of, role_of
from router.types import Turn
from tests.support.world import request


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("What is the capital of France, and how do I get there?", "en"),
        ("Wie komme ich zum Bahnhof und was kostet das?", "de"),
        ("Comment est-ce que je fais pour aller à la gare ?", "fr"),
        ("¿Cómo puedo llegar a la estación y qué cuesta?", "es"),
        ("Как мне доехать до вокзала?", "ru"),
        ("東京はどこにありますか", "ja"),
        ("北京在哪里", "zh"),
        ("12345 + 6789", "und"),
        ("", "und"),
        ("def f(x): return x ** 2", "und"),
    ],
)
def test_a_language_is_told_by_its_script_or_its_commonest_words(text, code):
    assert language_of(request(text)) == code


def with_turns(*turns):
    return replace(request(), turns=tuple(Turn(role=role, text=text) for role, text in turns))


@pytest.mark.parametrize(
    ("turns", "headers", "role"),
    [
        ([("user", "Hello")], {}, "main"),
        ([("user", "Hello")], {"x-farthing-role": "subagent"}, "subagent"),
        ([("user", "Hello")], {"x-farthing-role": "boss"}, "main"),
        ([("system", "Generate a concise, 3-5 word title for the chat"), ("user", "Hi")], {}, "housekeeping"),
        ([("user", "### Task:\nGenerate a concise, 3-5 word title with an emoji")], {}, "housekeeping"),
        ([("system", "You are an agent for Claude Code."), ("user", "Find it")], {}, "subagent"),
        ([("system", "Be nice."), ("user", "Please generate a title for my thesis.")], {}, "main"),
    ],
)
def test_a_role_is_what_the_client_says_or_how_its_prompts_begin(turns, headers, role):
    assert role_of(with_turns(*turns), headers) == role


def test_only_what_is_wanted_is_told_and_no_other_header():
    headers = {"x-team": "b" * 900, "x-other": "secret"}
    told = labels_of(request("Hello"), headers, wanted=frozenset({"role"}), named=frozenset({"x-team"}))
    assert told == {"header:x-team": "b" * 200, "role": "main"}
