"""The dashboard in a real browser, on a live proxy whose ledger holds 50,000 rows."""

from pathlib import Path

import aiohttp
import pytest

from tests.bench.ledgers import make
from tests.support.browser import CHROMIUM, browser
from tests.support.server import running

pytestmark = [
    pytest.mark.service,
    pytest.mark.timeout(240),
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium"),
]

LOOKS = [("desktop", 1280, 900), ("phone", 390, 844)]

CONFIG = """
upstreams:
  sim: {kind: simulated, first_token_ms: 1, tokens_per_second: 9000}
models:
  - {name: small, upstream: sim, price: {input: 0.05, output: 0.2}, context_window: 32768}
  - {name: large, upstream: sim, price: {input: 0.9, output: 3.6}, context_window: 32768}
policies:
  default: {control: {share: 0.02}}
"""

PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dashboard")
    assert make(folder / "data", 50_000) > 49_000
    with running(CONFIG, folder) as server:
        yield server


async def everything(page, server, *, dark=False, width=1280, height=900):
    """Open the page and choose the whole ledger, once it has shown what it shows by itself."""
    await page.look(width, height, dark=dark)
    await page.open(f"{server.base}/dashboard")
    await page.until("document.body?.hasAttribute('data-ready')", 90)
    await page.tell("document.querySelector('#period input[value=\"\"]').click()")
    await page.until("document.querySelectorAll('#requests ~ * tbody tr').length >= 50", 60)
    await page.until("document.querySelectorAll('.chart svg').length >= 8", 60)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(("name", "width", "height"), LOOKS, ids=[name for name, *_ in LOOKS])
async def test_it_is_painted_at_once_and_nothing_is_amiss(server, tmp_path, name, width, height, dark):
    async with browser(tmp_path) as page:
        await everything(page, server, dark=dark, width=width, height=height)
        assert await page.tell("document.documentElement.scrollWidth") <= width, "it scrolls sideways"
        assert 0 < await page.tell(PAINTED) < 1500
        # For people to look at: pytest's --basetemp=FOLDER tells where they are.
        picture = Path(tmp_path) / f"dashboard-{name}-{'dark' if dark else 'light'}.png"
        await page.picture(picture)
        assert page.complaints == []
        assert all(url.startswith((server.base, "data:", "about:")) for url in page.asked), page.asked


async def test_charts_are_drawn_and_say_in_words_what_they_show(server, tmp_path):
    async with browser(tmp_path) as page:
        await everything(page, server)
        labels = await page.tell("[...document.querySelectorAll('.chart')].map(c => c.ariaLabel)")
        assert len(labels) >= 8
        assert all(labels)
        assert await page.tell("document.querySelectorAll('.tile').length") >= 7
        assert "Saved, net" in await page.tell("document.getElementById('tiles').textContent")


async def test_why_this_model_is_told_to_who_has_only_a_keyboard(server, tmp_path):
    async with browser(tmp_path) as page:
        await everything(page, server)
        await page.press("Tab")
        assert await page.tell("document.activeElement.textContent") == "Skip to the figures"
        await page.tell("document.querySelector('td button').focus()")
        await page.press("Enter")
        await page.until("document.getElementById('why').open")
        told = await page.tell("document.getElementById('why').textContent")
        assert "chances of success" in told
        assert "verdicts" in told
        await page.press("Escape")
        await page.until("!document.getElementById('why').open")


async def test_a_request_is_on_the_page_soon_and_its_label_is_only_text(server, tmp_path):
    hostile = "<img src=x onerror=document.title=1>"
    body = {"model": "auto", "messages": [{"role": "user", "content": "2+2?"}]}
    headers = {"x-request-id": "seen-on-the-page", "x-farthing-user": hostile}
    async with aiohttp.ClientSession() as session:
        answer = await session.post(f"{server.url}/chat/completions", json=body, headers=headers)
        assert answer.status == 200
    async with browser(tmp_path) as page:
        await everything(page, server)
        await page.until("document.body.textContent.includes('seen-on-the-')", 60)
        rows = "fetch('/dashboard/reports/spend?by=user').then(r => r.text())"
        assert "<img" not in await page.tell(rows)
        assert await page.tell("document.title") == "Farthing"
        assert page.complaints == []
