"""The page is a page, whatever the labels are."""

from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest

from dashboards.live import page
from dashboards.page import SHOWN, html
from router.ledger.drain import drain_once
from router.ledger.spool import Spool
from router.ledger.store import Ledger
from tests.support.world import row

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Tags(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.opened, self.closed = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.opened.append(tag)

    def handle_endtag(self, tag):
        self.closed.append(tag)


@pytest.fixture
def data(tmp_path):
    spool = Spool(tmp_path / "spool", "w")
    spool.write([row(model="<script>alert(1)</script>"), row(request_id="r2", model="b", status="failed")])
    spool.close()
    drain_once(Ledger(tmp_path))
    return tmp_path


def test_every_report_has_its_section(data):
    tags = Tags(html(data, now=NOW))
    assert tags.opened.count("section") == tags.closed.count("section") == len(SHOWN)


def test_a_hostile_label_is_only_text(data):
    text = html(data, now=NOW)
    assert "script" not in Tags(text).opened
    assert "&lt;script&gt;" in text


def test_it_loads_nothing_from_anywhere(data):
    assert "http:" not in html(data, now=NOW)
    assert "https:" not in html(data, now=NOW)


async def test_the_server_has_it_made_in_another_process(data):
    assert "<h1>Farthing</h1>" in await page(data)
