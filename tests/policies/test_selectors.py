"""What a policy demands of models must be known of them, and lately."""

from datetime import date

import pytest

from policies.selectors import Deny, Selection, Where, denied, listed, selection_of, unmet
from router.types import Evidence, Fact
from tests.support.world import model

TODAY = date(2026, 11, 24)


def claimed(**facts):
    """A model of which these facts are claimed."""
    return model("m", facts={name: Fact(value=value, as_of=TODAY) for name, value in facts.items()})


@pytest.mark.parametrize(
    ("where", "served", "said"),
    [
        ({"open_weight": True}, model("m", open_weight=True), None),
        ({"open_weight": True}, model("m"), "its openness is not known"),
        ({"open_weight": True}, model("m", open_weight=False), "its openness is not so"),
        ({"licence": ["MIT", "Apache-*"]}, claimed(licence="Apache-2.0"), None),
        ({"licence": "MIT"}, claimed(licence="llama3"), "its licence is llama3"),
        ({"licence": "MIT"}, model("m"), "its licence is not known"),
        ({"provider": "o*"}, model("m", provider="ollama"), None),
        ({"provider": "o*"}, model("m"), "its provider is not known"),
        ({"not_provider": "groq"}, model("m", provider="groq"), "its provider is groq"),
        ({"not_provider": "groq"}, model("m"), "its provider is not known"),
        ({"jurisdiction": "EU"}, claimed(jurisdiction=("DE", "FR")), None),
        ({"jurisdiction": "EU"}, claimed(jurisdiction=("DE", "US")), "its operator's country is US"),
        ({"jurisdiction": ["EU", "US"]}, claimed(jurisdiction=("DE", "US")), None),
        ({"not_jurisdiction": "US"}, claimed(jurisdiction=("DE",)), None),
        ({"not_jurisdiction": "US"}, model("m"), "its operator's country is not known"),
        ({"not_region": "EEA"}, claimed(region=("NO",)), "its machines' country is NO"),
        ({"retention_days": {"at_most": 0}}, claimed(retention_days=0), None),
        ({"retention_days": {"at_most": 0}}, claimed(retention_days=3), "its retention is 3, not at most 0"),
        ({"retention_days": {"at_most": 0}}, model("m"), "its retention is not known"),
        ({"trains": False}, claimed(trains=False), None),
        ({"trains": False}, claimed(trains=True), "its training on what it is sent is so"),
        ({"trains": False}, model("m"), "its training on what it is sent is not known"),
        ({"params_b": {"at_least": 9}}, model("m", params_b=8), "its size is 8, not at least 9"),
        ({"params_b": {"below": 70}}, model("m", params_b=8.0), None),
    ],
)  # fmt: skip
def test_what_is_demanded_must_be_known(where, served, said):
    assert unmet(Where(**where), served, TODAY) == said


@pytest.mark.parametrize(
    ("fact", "said"),
    [
        (Fact(value=0, evidence=Evidence.ATTESTED, as_of=date(2026, 11, 1)), None),
        (Fact(value=0, evidence=Evidence.OWN), None),
        (Fact(value=0, as_of=TODAY), "its retention is only declared, not attested"),
        (
            Fact(value=0, evidence=Evidence.VERIFIED, as_of=date(2026, 8, 25)),
            "its retention was looked up on 2026-08-25, and a claim counts for 90 days",
        ),
        (
            Fact(value=0, evidence=Evidence.ATTESTED),
            "its retention has no date, and a claim counts for 90 days",
        ),
    ],
)
def test_a_claim_counts_while_it_is_strong_and_new_enough(fact, said):
    where = Where(retention_days={"at_most": 0}, evidence="attested", max_age_days=90)
    assert unmet(where, model("m", facts={"retention_days": fact}), TODAY) == said


def test_models_are_listed_in_the_order_of_their_names_then_of_their_families():
    models = [model("c"), model("b1", family="x"), model("a", family="y"), model("b2")]
    chosen = listed(Selection(names=["b*", "c"], families="y"), models)
    assert [each.name for each in chosen] == ["b1", "b2", "c", "a"]
    assert listed(selection_of(None), models) == tuple(models)


@pytest.mark.parametrize(
    ("deny", "served", "said"),
    [
        (Deny(models=["m*"]), model("m"), "is denied by name"),
        (Deny(providers=["groq"]), model("m", provider="groq"), "its provider 'groq' is denied"),
        (Deny(providers=["up"]), model("m", upstream="up"), "its provider 'up' is denied"),
        (
            Deny(jurisdictions=["US"]),
            claimed(jurisdiction=("US",)),
            "its operator's country is US, and US is denied",
        ),
        (
            Deny(jurisdictions=["US"]),
            claimed(jurisdiction=("DE",)),
            "its machines' country is not known, and US is denied",
        ),
        (Deny(jurisdictions=["US"]), claimed(jurisdiction=("DE",), region=("DE",)), None),
        (Deny(jurisdictions=["US"]), claimed(jurisdiction=("local",), region=("local",)), None),
        (Deny(), model("m"), None),
    ],
)
def test_what_is_denied_serves_nobody_and_the_unknown_is_no_excuse(deny, served, said):
    assert denied(deny, served) == said
