import subprocess
import sys
from pathlib import Path

import yaml

from router.config import environment, fingerprint, load, parse, shown

FULL = Path(__file__).parent / "full.yaml"
ENVIRON = {
    "FARTHING_KEY_ALICE": "sixteen-letters-and-more",
    "CLOUD_KEY": "cloud-key",
    "PROXY": "http://u:pw@h:1",
    "DB_PASSWORD": "db-password",
}
SMALL = (
    "upstreams: {a: {kind: openai, base_url: 'http://h/v1', api_key: k1}}\nmodels: [{name: m, upstream: a}]\n"
)


def test_what_is_shown_has_no_secret():
    text = shown(load(FULL, environ=ENVIRON))
    for secret in (*ENVIRON.values(), "9f86d081884c", "eu-central-1"):
        assert secret not in text
    assert text.count("**********") == 9


def test_what_is_shown_has_the_defaults_and_exact_prices():
    text = shown(parse(SMALL.replace("a}]", "a, price: {input: 0.10, output: 0.000001}}]"), environ={}))
    assert "port: 9600" in text
    assert "input: 0.1\n" in text
    assert "output: 0.000001\n" in text
    assert yaml.safe_load(text)["policies"]["default"]["stream_release"] == "gated"


def test_a_fingerprint_is_short_and_the_same_for_the_same_decisions():
    base = fingerprint(parse(SMALL, environ={}))
    assert len(base) == 12
    for same in (
        SMALL + "# a comment\n",
        SMALL.replace("k1", "k2"),
        SMALL + "server: {port: 1}\n",
        SMALL + "policies: {default: {quality: 0.90}}\n",
        SMALL + "keys: [{name: a, secret: sixteen-letters-and-more}]\n",
    ):
        assert fingerprint(parse(same, environ={})) == base


def test_a_fingerprint_changes_with_what_decides():
    texts = [
        SMALL,
        SMALL.replace("http://h", "http://i"),
        SMALL.replace("name: m", "name: n"),
        SMALL.replace("name: m", "name: m, price: {input: 1, output: 1}"),
        SMALL.replace("name: m", "name: m, capabilities: [tools, vision, audio]"),
        SMALL + "policies: {default: {quality: 0.8}}\n",
        SMALL + "policies: {careful: {}}\n",
    ]
    assert len({fingerprint(parse(text, environ={})) for text in texts}) == len(texts)


def test_a_fingerprint_is_the_same_in_every_process():
    code = (
        "from router.config import environment, fingerprint, load; import sys, pathlib;"
        "print(fingerprint(load(pathlib.Path(sys.argv[1]), environ=eval(sys.argv[2]))))"
    )
    made = subprocess.run(
        [sys.executable, "-c", code, str(FULL), repr(ENVIRON)],
        env={**environment(), "PYTHONHASHSEED": "1"},
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=True,
    )
    assert made.stdout.strip() == fingerprint(load(FULL, environ=ENVIRON))
