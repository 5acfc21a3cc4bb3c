"""The shipped classifier: any text, any model, never an error and never certainty."""

import math
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router import difficulty
from router.difficulty.model import LEAST, MOST, Difficulty
from router.types import Model, Prices, Turn


@pytest.fixture(scope="module")
def shipped() -> Difficulty:
    return difficulty.load()


def model(name: str, **facts) -> Model:
    return Model(name=name, upstream="local", upstream_name=name, **facts)


SMALL, BIG = model("llama3.1:8b"), model("meta-llama/Llama-3.1-405B-Instruct")
PROOF = "Let $G$ be a finite group of order $p^2 q$. Prove that $G$ is not simple.\nA. True\nB. False"
SUM = "Tom has 3 apples and buys 2 more. How many apples does he have?"


def predict(shipped: Difficulty, text: str, *models: Model) -> list[float]:
    found = shipped.predict(shipped.describe([Turn(role="user", text=text)]), models)
    return [found[one.name].success for one in models]


def test_a_stronger_model_is_likelier_to_do_well_and_a_sum_is_easier_than_a_proof(
    shipped: Difficulty,
) -> None:
    assert predict(shipped, PROOF, SMALL)[0] < predict(shipped, PROOF, BIG)[0]
    assert predict(shipped, PROOF, SMALL)[0] < predict(shipped, SUM, SMALL)[0]


def test_one_model_under_three_names_is_one_model(shipped: Difficulty) -> None:
    names = ("Qwen/Qwen2.5-72B-Instruct", "qwen2.5:72b", "qwen2.5-72b-instruct")
    assert len({round(one, 9) for one in predict(shipped, PROOF, *map(model, names))}) == 1


def test_an_unknown_model_is_placed_by_size_and_price(shipped: Difficulty) -> None:
    small, big = model("mystery-a", params_b=1.5), model("mystery-b", params_b=120)
    cheap = model("mystery-c", prices=Prices(input=50_000, output=100_000))
    dear = model("mystery-d", prices=Prices(input=5_000_000, output=20_000_000))
    nothing = predict(shipped, SUM, model("mystery-e"))[0]
    low, high = predict(shipped, SUM, small, big)
    assert low < high
    assert predict(shipped, SUM, cheap)[0] < predict(shipped, SUM, dear)[0]
    assert 0.2 < nothing < 0.9


def test_ability_overrides_the_placing_in_logits_from_the_mean_model(shipped: Difficulty) -> None:
    pool = [model("m-low", ability=-2.0), model("m-mean", ability=0.0), model("m-high", ability=2.0)]
    low, mean, high = predict(shipped, "", *pool)
    assert low < mean < high


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "\x00", "?", "🤖🎉" * 500, "aGVsbG8gd29ybGQ=" * 2000,
        "日本語の質問です。",
        "Почему небо синее?", "x" * 1_000_000, '{"type": "object", "properties": {}}' * 300, "\ud800",
        "<tools>" * 5000, "a\n" * 50_000,
    ],
)  # fmt: skip
def test_odd_prompts_get_a_shrug(shipped: Difficulty, text: str) -> None:
    low, high = predict(shipped, text, SMALL, BIG)
    assert 0.1 < low < 0.95
    assert 0.2 < high < 0.97


LANGUAGES = (
    "Warum ist der Himmel blau?", "¿Por qué el cielo es azul?", "Pourquoi le ciel est-il bleu ?",
    "Perché il cielo è blu?", "Por que o céu é azul?", "Waarom is de lucht blauw?", "Varför är himlen blå?",
    "Hvorfor er himlen blå?", "Miksi taivas on sininen?", "Dlaczego niebo jest niebieskie?",
    "Proč je obloha modrá?", "Prečo je obloha modrá?", "Miért kék az ég?", "De ce este cerul albastru?",
    "Защо небето е синьо?", "Чому небо синє?", "Зашто је небо плаво?", "Γιατί ο ουρανός είναι μπλε;",
    "Gökyüzü neden mavi?", "چرا آسمان آبی است؟", "لماذا السماء زرقاء؟", "למה השמיים כחולים?",
    "आसमान नीला क्यों है?", "আকাশ নীল কেন?", "வானம் ஏன் நீலமாக இருக்கிறது?", "ఆకాశం ఎందుకు నీలంగా ఉంది?",
    "ทำไมท้องฟ้าถึงเป็นสีฟ้า", "Tại sao bầu trời xanh?", "Mengapa langit berwarna biru?",
    "Bakit asul ang langit?", "天空为什么是蓝色的？", "空はなぜ青いのですか？", "하늘은 왜 파란가요?",
    "Kwa nini anga ni bluu?", "Hvers vegna er himinninn blár?", "Kodėl dangus mėlynas?",
    "Kāpēc debesis ir zilas?", "Miks on taevas sinine?", "რატომ არის ცა ლურჯი?", "Ինչու՞ է երկինքը կապույտ։",
)  # fmt: skip


@pytest.mark.parametrize("text", LANGUAGES)
def test_a_question_in_any_language_is_answered_with_reserve(shipped: Difficulty, text: str) -> None:
    low, high = predict(shipped, text, SMALL, BIG)
    assert 0.1 < low < 0.95
    assert low < high < 0.97


def test_an_agents_boilerplate_does_not_make_a_question_harder(shipped: Difficulty) -> None:
    turns = [
        Turn(
            role="system",
            text="x-anthropic-billing-header: cc=1\nYou are an agent. " + "Use the tools. " * 2000,
        ),
        Turn(role="user", text=f"<system-reminder>{'Be careful. ' * 400}</system-reminder>\n{SUM}"),
        Turn(role="user", text=f'{SUM}\n\nFunctions:\n[{{"name": "grep", "parameters": {{}}}}]'),
    ]
    plain = [Turn(role="user", text=SUM), Turn(role="user", text=SUM)]
    assert shipped.describe(turns) == shipped.describe(plain)


@settings(deadline=None, max_examples=60)
@given(
    turns=st.lists(
        st.builds(
            Turn,
            role=st.sampled_from(["user", "assistant", "system", "tool", ""]),
            text=st.text(st.characters(), max_size=200),
        ),
        max_size=4,
    )
)
def test_any_conversation_has_finite_numbers(turns: list[Turn]) -> None:
    shipped = LOADED
    vector = shipped.describe(turns)
    assert len(vector) == shipped.size < 64
    assert all(math.isfinite(number) for number in vector)
    found = shipped.predict(vector, [SMALL, BIG, model("mystery")])
    assert all(LEAST <= one.success <= MOST and 1 <= one.output_tokens < 20_000 for one in found.values())


LOADED = difficulty.load()


@pytest.mark.parametrize("vector", [(), (0.0,), (1.0,) * 500])
def test_a_vector_of_another_artefact_means_that_nothing_is_known(shipped: Difficulty, vector) -> None:
    found = shipped.predict(vector, [SMALL, BIG])
    assert 0.2 < found[SMALL.name].success < found[BIG.name].success < 0.95


def test_no_models_is_no_predictions(shipped: Difficulty) -> None:
    assert shipped.predict(shipped.describe([]), []) == {}


def test_the_same_is_said_twice(shipped: Difficulty) -> None:
    assert predict(shipped, PROOF, SMALL, BIG) == predict(difficulty.load(), PROOF, SMALL, BIG)


def test_serving_needs_numpy_alone() -> None:
    program = (
        "import sys\n"
        "from router import difficulty\n"
        "from router.types import Model, Turn\n"
        "one = difficulty.load()\n"
        "pool = [Model(name='a', upstream='b', upstream_name='c')]\n"
        "one.predict(one.describe([Turn(role='user', text='hi')]), pool)\n"
        "heavy = {'sklearn', 'scipy', 'pyarrow', 'duckdb', 'torch'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
