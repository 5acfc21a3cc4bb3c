import os

import pytest

from router.config import environment, parse
from router.config.references import FromEnvironment, expand

SMALL = "upstreams: {a: {kind: simulated}}\nmodels: [{name: m, upstream: a}]\n"
ENVIRON = {"A": "one", "EMPTY": "", "PORT": "9700", "DASHBOARD": "false", "PRICE": "0.1"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("${A}", "one"),
        ("<${A}-${A}>", "<one-one>"),
        ("${EMPTY}", ""),
        ("${EMPTY:-two}", "two"),
        ("${NONE:-two}", "two"),
        ("${NONE:-}", ""),
        ("${A:-two}", "one"),
        ("$${A}", "${A}"),
        ("$A $$ {A}", "$A $$ {A}"),
        ("${NONE:-http://h:1/?a=b}", "http://h:1/?a=b"),
    ],
)
def test_references_are_filled_in(text, value):
    assert expand(text, ENVIRON) == value


@pytest.mark.parametrize("text", ["${NONE}", "${}", "${a b}", "${A", "${1}", "${A:-${B}}", "${A-x}", "${É}"])
def test_what_cannot_be_filled_in_is_refused(text):
    with pytest.raises(ValueError, match=r"no NONE|is written \$\{NAME\}"):
        expand(text, ENVIRON)


def test_what_a_variable_holds_is_not_expanded_again():
    assert expand("${A}", {"A": "${B}", "B": "x"}) == "${B}"


def test_text_from_the_environment_is_marked_as_such():
    assert isinstance(expand("x${A}", ENVIRON), FromEnvironment)
    assert not isinstance(expand("$${A}", ENVIRON), FromEnvironment)


def test_a_variable_may_hold_a_number_or_a_truth():
    config = parse(
        SMALL
        + 'server: {port: "${PORT}", dashboard: "${DASHBOARD}"}\n'
        + 'policies: {p: {quality: "${NONE:-0.75}", max_cost_usd: "${PRICE}", strategy: "${S:-cascade}"}}\n',
        environ=ENVIRON,
    )
    assert (config.server.port, config.server.dashboard) == (9700, False)
    policy = config.policies["p"]
    assert (policy.quality, str(policy.max_cost_usd), policy.strategy) == (0.75, "0.1", "cascade")


def test_numbers_in_a_variable_stay_text_where_text_is_wanted():
    config = parse(
        SMALL + 'keys: [{name: "${PORT}", secret: "${LONG}"}]\n', environ={**ENVIRON, "LONG": "1" * 16}
    )
    assert config.keys[0].name == "9700"


def test_the_environment_is_a_copy_of_the_process_s():
    assert environment() == dict(os.environ)  # noqa: TID251 - compared with what is tested
