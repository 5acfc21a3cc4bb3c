import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from router.commands.config import command

FULL = Path(__file__).parent / "full.yaml"
SMALL = "upstreams: {a: {kind: simulated}}\nmodels: [{name: m, upstream: a}]\n"


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    environ = {"FARTHING_KEY_ALICE": "sixteen-letters-and-more", "CLOUD_KEY": "cloud-key"}
    return lambda *arguments: CliRunner().invoke(command, [str(each) for each in arguments], env=environ)


def test_check_says_what_is_in_a_right_file(run):
    result = run("check", FULL)
    assert (result.exit_code, result.output) == (0, f"{FULL} is right: 5 upstreams, 4 models, 7 policies.\n")


def test_check_takes_farthing_yaml_if_no_file_is_named(run, tmp_path):
    (tmp_path / "farthing.yaml").write_text(SMALL)
    assert run("check").output == "farthing.yaml is right: 1 upstream, 1 model, 1 policy.\n"


def test_check_lists_every_problem_and_fails(run, tmp_path):
    (tmp_path / "f.yaml").write_text(SMALL + "server: {prot: 1}\nauth: key\n")
    result = run("check", "f.yaml")
    assert result.exit_code == 1
    assert [line.partition(" ")[0] for line in result.stderr.splitlines()] == ["f.yaml:3:10:", "f.yaml:4:7:"]
    assert result.stdout == ""


def test_check_of_no_file_fails_without_a_traceback(run):
    result = run("check", "nowhere.yaml")
    assert (result.exit_code, result.stderr) == (1, "nowhere.yaml: there is no such file\n")


def test_schema_prints_json(run):
    assert json.loads(run("schema").stdout)["title"] == "Farthing"


def test_show_masks_secrets(run):
    text = run("show", FULL).stdout
    assert "auth: keys" in text
    assert "sixteen-letters" not in text


def test_show_is_coloured_on_a_terminal(run, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    assert "\x1b[" in run("show", FULL).stdout
