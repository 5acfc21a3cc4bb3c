"""Does the answer speak the user's language?"""

import pytest

from evaluators.language import Language, language_of
from tests.evaluators.checking import passes, seen

ENGLISH = "Could you tell me what the difference is between the two and which of them is the one to take?"
SPEECH = {
    "en": "It is the first of the two that you have to take, as it was made for this kind of work.",
    "de": "Das ist nicht einfach, denn der Unterschied zwischen den beiden ist auf den ersten Blick klein.",
    "fr": "La différence est que le premier est dans la boîte et que vous ne pouvez pas le prendre.",
    "es": "La diferencia es que el primero no se puede usar para el trabajo, y los otros son más caros.",
    "it": "La differenza è che il primo non è per questo lavoro e gli altri sono più cari nel negozio.",
    "nl": "Het verschil is dat de eerste niet voor het werk is en dat je de andere ook niet met geld kan.",
    "pl": "To jest tak, że nie ma w tym nic, co się może przez to stać, ale czy to jest dla nas?",
    "Cyrillic": "Разница в том, что первый не подходит для работы.",
    "Han": "区别在于第一个不适合这项工作\uff0c其他的更贵。",
    "Hangul": "차이점은 첫 번째가 이 일에 적합하지 않다는 것입니다.",
    "Arabic": "الفرق هو أن الأول لا يصلح لهذا العمل",
}


@pytest.mark.parametrize(("name", "text"), SPEECH.items())
def test_languages_are_told_apart(name, text):
    assert language_of(text) == name


@pytest.mark.parametrize("text", ["", "42", "x = f(y) + g(z)", "Anna Karenina, Leo Tolstoy, 1878"])
def test_what_has_no_language_has_none(text):
    assert language_of(text) is None


@pytest.mark.parametrize("name", SPEECH)
async def test_an_answer_in_another_language_fails(name):
    assert await passes(Language(), SPEECH[name], to=ENGLISH) is (name == "en")
    assert await passes(Language(), SPEECH["en"], to=SPEECH[name]) is (name == "en")


@pytest.mark.parametrize(
    "wish", ["Translate this into Spanish: the cat is here", "Antworte auf Spanisch!", "Answer in español."]
)
async def test_a_language_that_is_named_may_be_spoken(wish):
    assert await passes(Language(), SPEECH["es"], to=f"{ENGLISH} {wish}")


async def test_code_and_short_quotations_are_no_language():
    quoted = f"{SPEECH['en']} It is called \u5b59\u5b50\u5175\u6cd5.\n```\n{SPEECH['Cyrillic'] * 9}\n```\n"
    assert await passes(Language(), quoted, to=ENGLISH)


async def test_a_lapse_into_another_script_fails_late_in_the_answer_too():
    assert not await passes(Language(), SPEECH["en"] * 20 + SPEECH["Han"] * 6, to=ENGLISH)


def test_it_is_known_after_a_few_lines():
    assert seen(Language(), *[SPEECH["es"]] * 20, to=ENGLISH) <= 5
