"""Nginx in two parts: as the static upstream of JSON answers, and as the plainest proxy there is."""

import os
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from tests.bench.processes import Process, answers, free_port
from tests.bench.works import Missing, Place, Target, Work

MAIN = """\
{user}
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  default_type application/json;
  keepalive_requests 1000000000;
  client_max_body_size 100m;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  {http}
}}
"""

ANSWER = """\
server {{
    listen 127.0.0.1:{port} backlog=512;
    location = /count {{ stub_status; }}
    location / {{ return 200 '{body}'; }}
  }}
"""

UPSTREAM = "upstream {name} {{ server {address}; keepalive 256; keepalive_requests 1000000000; }}"

LOCATION = """\
    location /{name}/ {{
      proxy_pass http://{name}{path}/;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering {buffering};
    }}
"""


def version() -> str:
    """Nginx's version; raises `Missing` where there is no nginx."""
    if shutil.which("nginx") is None:
        raise Missing("nginx is not installed (Debian: apt-get install nginx-light, then service nginx stop)")
    told = subprocess.run(["nginx", "-v"], capture_output=True, text=True, check=True).stderr
    return told.strip().rpartition("/")[2]


def launched(folder: Path, http: str, *, core: int | None) -> Process:
    """Run nginx with what stands in its `http` block."""
    folder.mkdir()
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(MAIN.format(user=user, folder=folder, http=http))
    command = ["nginx", "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")]
    return Process(command, log=folder / "log", core=core)


class StaticNginx:
    """Answers every POST with `body`; nobody's JSON upstream is faster."""

    def __init__(self, folder: Path, body: bytes, *, core: int | None) -> None:
        version()
        port = free_port()
        self.base = f"http://127.0.0.1:{port}"
        self._asked = 0
        self.process = launched(folder, ANSWER.format(port=port, body=body.decode()), core=core)
        self.process.wait(lambda: answers(f"{self.base}/v1", body=b"{}"), within=10)

    def calls(self) -> int:
        """How many calls there were, these questions not counted."""
        with urllib.request.urlopen(f"{self.base}/count") as answer:
            status = answer.read().decode()
        self._asked += 1
        found = re.search(r"\n ?\d+ \d+ (\d+)", status)
        assert found is not None, status
        return int(found.group(1)) - self._asked


class Nginx:
    """Nginx as a proxy: passes everything on and knows nothing of what it is."""

    name = "nginx"
    slow = 1

    def __init__(self) -> None:
        self.version = version()
        self._base = ""

    def start(self, place: Place) -> Process:
        port = free_port()
        self._base = f"http://127.0.0.1:{port}"
        process = launched(place.folder, _proxy(port, place.upstream), core=place.core)
        process.wait(lambda: answers(self.target(Work.JSON).url, body=b"{}"), within=10)
        return process

    def target(self, work: Work) -> Target:
        return Target(url=f"{self._base}/{work}/chat/completions", model="static", key="none")


def _proxy(port: int, upstream: Mapping[Work, str]) -> str:
    parts = {work: urlsplit(url) for work, url in upstream.items()}
    pools = [UPSTREAM.format(name=work, address=url.netloc) for work, url in parts.items()]
    places = [
        LOCATION.format(name=work, path=url.path, buffering="on" if work is Work.JSON else "off")
        for work, url in parts.items()
    ]
    return (
        "\n  ".join(pools)
        + f"\n  server {{\n    listen 127.0.0.1:{port} backlog=512;\n{''.join(places)}  }}\n"
    )
