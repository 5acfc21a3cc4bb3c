import pytest

from router.catalog import Catalog
from router.errors import ConfigError
from router.types import Model


def model(name):
    return Model(name=name, upstream="u", upstream_name=name)


def test_models_are_found_by_name_and_kept_in_their_order():
    catalog = Catalog([model("b"), model("a")])
    assert catalog.get("a") == model("a")
    assert catalog.get("c") is None
    assert [one.name for one in catalog] == ["b", "a"]
    assert (len(catalog), "a" in catalog, "c" in catalog) == (2, True, False)


@pytest.mark.parametrize("wrote", ["qwen3-8", "Qwen3-8B", "qwen-3-8b"])
def test_a_misspelt_name_finds_the_nearest(wrote):
    assert Catalog([model("qwen3-8b"), model("llama-3.1-8b")]).nearest(wrote) == "qwen3-8b"


def test_a_name_like_nothing_finds_nothing():
    assert Catalog([model("qwen3-8b")]).nearest("zzz") is None


def test_two_models_of_one_name_are_an_error():
    with pytest.raises(ConfigError, match="'a'"):
        Catalog([model("a"), model("b"), model("a")])


def test_a_catalogue_shows_its_names():
    assert repr(Catalog([model("b"), model("a")])) == "Catalog(b, a)"
