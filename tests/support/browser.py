"""A headless Chromium, spoken to by its own protocol: enough to look, press keys and hear complaints."""

import asyncio
import base64
import itertools
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--remote-debugging-port=0",
    "--hide-scrollbars", "--force-color-profile=srgb",
)  # fmt: skip


class Page:
    """One tab; `complaints` is whatever the console or the network said that is an error."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, session: str) -> None:
        self._socket, self._session = socket, session
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self.complaints: list[str] = []
        self.asked: list[str] = []

    async def listen(self) -> None:
        async for message in self._socket:
            told = json.loads(message.data)
            if "id" in told:
                self._waiting.pop(told["id"]).set_result(told)
            else:
                self._hear(told.get("method", ""), told.get("params", {}))

    def _hear(self, method: str, told: dict[str, Any]) -> None:
        if method == "Runtime.exceptionThrown":
            self.complaints.append(str(told["exceptionDetails"].get("exception", told)))
        elif method == "Log.entryAdded" and told["entry"]["level"] in {"error", "warning"}:
            self.complaints.append(f"{told['entry']['text']} {told['entry'].get('url', '')}")
        elif method == "Runtime.consoleAPICalled" and told["type"] in {"error", "warning", "assert"}:
            self.complaints.append(str([part.get("value") for part in told["args"]]))
        elif method == "Network.requestWillBeSent":
            self.asked.append(told["request"]["url"])

    async def send(self, method: str, **params: Any) -> Any:
        number = next(self._numbers)
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        call = {"id": number, "sessionId": self._session, "method": method, "params": params}
        await self._socket.send_json(call)
        told = await asyncio.wait_for(answer, 60)
        assert "error" not in told, told
        return told["result"]

    async def look(self, width: int, height: int, *, dark: bool) -> None:
        """Be a window of this size, on a machine that likes it dark or light."""
        await self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.send("Emulation.setEmulatedMedia", features=[scheme])

    async def open(self, url: str) -> None:
        await self.send("Page.navigate", url=url)

    async def tell(self, expression: str) -> Any:
        """Evaluate, waiting for a promise; the policy of the page does not bind us."""
        told = await self.send(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    async def until(self, expression: str, seconds: float = 60) -> None:
        async with asyncio.timeout(seconds):
            while not await self.tell(expression):  # noqa: ASYNC110 - nothing tells when
                await asyncio.sleep(0.05)

    async def press(self, key: str) -> None:
        for kind in ("keyDown", "keyUp"):
            text = {"text": "\r"} if key == "Enter" and kind == "keyDown" else {}
            code = {"Tab": 9, "Enter": 13, "Escape": 27, "ArrowRight": 39}[key]
            await self.send(
                "Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **text
            )

    async def picture(self, path: Path, *, whole: bool = True) -> None:
        shot = await self.send("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(shot["data"]))  # noqa: ASYNC240 - nothing else runs


@asynccontextmanager
async def browser(folder: Path) -> AsyncIterator[Page]:
    """Start one with a new profile in `folder`, and end it."""
    assert CHROMIUM is not None
    process = await asyncio.create_subprocess_exec(
        CHROMIUM, *QUIET, f"--user-data-dir={folder}", "about:blank",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stderr is not None
        while b"DevTools listening on " not in (
            line := await asyncio.wait_for(process.stderr.readline(), 60)
        ):
            assert line, "chromium ended"
        url = line.decode().split("listening on ")[1].strip()
        drain = asyncio.ensure_future(process.stderr.read())
        async with aiohttp.ClientSession() as session, session.ws_connect(url, max_msg_size=0) as socket:
            await socket.send_json(
                {"id": 0, "method": "Target.createTarget", "params": {"url": "about:blank"}}
            )
            target = (await _result(socket, 0))["targetId"]
            attach = {"targetId": target, "flatten": True}
            await socket.send_json({"id": 0, "method": "Target.attachToTarget", "params": attach})
            page = Page(socket, (await _result(socket, 0))["sessionId"])
            listener = asyncio.ensure_future(page.listen())
            for domain in ("Page", "Runtime", "Log", "Network"):
                await page.send(f"{domain}.enable")
            yield page
            listener.cancel()
        drain.cancel()
    finally:
        process.kill()
        await process.wait()


async def _result(socket: aiohttp.ClientWebSocketResponse, number: int) -> Any:
    while (told := json.loads((await socket.receive()).data)).get("id") != number:
        pass
    return told["result"]
