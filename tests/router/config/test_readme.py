import re

import yaml

from router.config import parse
from tests.router.config.table import PAGE, written


def test_the_table_of_settings_is_in_step():
    page = PAGE.read_text()
    assert page == written(page), "python -m tests.router.config.table writes it anew"


def test_the_smallest_example_is_one():
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert parse(example, environ={}).models[0].name == yaml.safe_load(example)["models"][0]["name"]
