"""Embeddings, as openai-python's users ask for them: they ask for base64, and read floats."""

from typing import Any

from openai import BadRequestError, InternalServerError

from tests.end_to_end.dropin.runner import World, raises


def vectors_are_read_as_numbers(world: World) -> None:
    answer = _create(world)

    assert answer.data[0].embedding == [1.0, 0.30000001192092896, -0.5, -0.5]
    assert world.received("vectors")[0]["body"]["encoding_format"] == "base64"
    assert (answer.object, answer.model) == ("list", "vectors")
    assert (answer.usage.prompt_tokens, answer.usage.total_tokens) == (2, 2)


def floats_come_digit_for_digit(world: World) -> None:
    answer = world.post(
        {"model": "vectors", "input": "Hi there", "encoding_format": "float"}, path="/v1/embeddings"
    )

    assert '"embedding":[1.0, 0.30000000000000004, -0.5, -0.5]'.replace(" ", "") in answer.text.replace(
        " ", ""
    )
    assert answer.json()["data"][0]["embedding"][1] == 0.1 + 0.2


def many_texts_keep_their_order(world: World) -> None:
    answer = _create(world, input=["x" * 8 * n for n in range(1, 65)])

    assert [row.index for row in answer.data] == list(range(64))
    assert [row.embedding[0] for row in answer.data] == [float(n) for n in range(1, 65)]


def tokens_and_dimensions_reach_the_model(world: World) -> None:
    answer = _create(world, input=[[1, 2, 3], [4]], dimensions=2, user="ada")
    body = world.received("vectors")[0]["body"]

    assert [len(row.embedding) for row in answer.data] == [2, 2]
    assert (body["input"], body["user"]) == ([[1, 2, 3], [4]], "ada")


def a_vector_says_what_it_cost(world: World) -> None:
    raw = world.client().embeddings.with_raw_response.create(model="auto:spaces", input="Hi there")

    assert (raw.headers["x-farthing-model"], raw.headers["x-farthing-asked"]) == ("vectors", "auto:spaces")
    assert round(float(raw.headers["x-farthing-cost-usd"]) * 1e12) == 2 * 50_000


def auto_never_chooses_between_spaces(world: World) -> None:
    for model in ("auto", "auto:two-spaces"):
        error = raises(BadRequestError, lambda model=model: _create(world, model=model))
        assert error.code == "no_candidate"
        assert "cannot be compared" in str(error) or "not embeddings" in str(error)


def a_vector_of_another_model_is_refused(world: World) -> None:
    error = raises(InternalServerError, lambda: _create(world, model="vectors-alias"))

    assert "another-model" in str(error)


def a_model_that_chats_gives_no_vectors(world: World) -> None:
    error = raises(BadRequestError, lambda: _create(world, model="large"))

    assert "serves chat, not embeddings" in str(error)


def the_list_of_models_says_what_each_serves(world: World) -> None:
    served = {model.id: model.farthing["serves"] for model in world.client().models.list() if _shows(model)}

    assert (served["small"], served["writer"], served["vectors"]) == (
        ["chat"],
        ["completions"],
        ["embeddings"],
    )
    assert (served["auto"], served["auto:spaces"]) == (["chat"], ["chat", "embeddings"])
    assert (served["auto:texts"], served["auto:two-spaces"]) == (["chat", "completions"], [])


def _shows(model: Any) -> bool:
    return "farthing" in (model.model_extra or {})


def _create(world: World, **options: Any) -> Any:
    return world.client().embeddings.create(**{"model": "vectors", "input": "Hi there", **options})
