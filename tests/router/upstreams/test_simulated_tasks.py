"""Tasks are read from files of prompts."""

import pytest

from router.errors import ConfigError
from router.upstreams.simulated_tasks import Call, Task, normalised, read_tasks

FILE = """
prompts:
  - {id: a, difficulty: 1.5, user: "What  is\\n2 + 2?", answer: "4", wrong: ["5"]}
  - {id: b, difficulty: 0, user: Weather?, call: {name: weather, arguments: {city: Turku}}}
  - {id: c, difficulty: -1, user: As JSON, answer: {city: Turku}}
"""


def test_a_task_is_found_by_its_last_user_message_whatever_its_case_and_spacing(tmp_path):
    (tmp_path / "tasks.yaml").write_text(FILE)
    tasks = read_tasks(tmp_path / "tasks.yaml")
    assert tasks[normalised(" what is 2 + 2? ")] == Task(difficulty=1.5, answer="4", wrong=("5",))


def test_answers_are_texts_or_calls_and_json_is_text(tmp_path):
    (tmp_path / "tasks.yaml").write_text(FILE)
    tasks = read_tasks(tmp_path)
    assert tasks["weather?"].answer == Call(name="weather", arguments={"city": "Turku"})
    assert tasks["as json"].answer == '{"city":"Turku"}'


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "prompts: 3",
        "prompts: [{id: a, user: b}]",
        "prompts: [3]",
        "prompts: [{user: 3, difficulty: 1, answer: 2}]",
    ],
)
def test_a_file_that_is_none_is_named(tmp_path, text):
    file = tmp_path / "tasks.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=r"tasks\.yaml"):
        read_tasks(file)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"nowhere\.yaml"):
        read_tasks(tmp_path / "nowhere.yaml")
