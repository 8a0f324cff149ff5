"""Real proxies (nginx, HAProxy) in front of a server."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agenciaos_jobs.dev import embedded
from support.processes import running

_NGINX = """
user root; daemon off; master_process off; pid {directory}/nginx.pid; error_log stderr;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy; fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi; scgi_temp_path {directory}/scgi;
  {http}
}}
"""
_HAPROXY = """
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  option forwardfor
frontend clients
  bind 127.0.0.1:{port}
  default_backend servers
backend servers
  server one {upstream}
"""


@asynccontextmanager
async def nginx(directory: Path, http: str, port: int | None = None) -> AsyncIterator[str]:
    """nginx with these directives for HTTP, in which PORT stands for its port; yields its address."""
    port = port or embedded.free_port()
    config = directory / f"nginx-{port}.conf"
    config.write_text(_NGINX.format(directory=directory, http=http.replace("PORT", str(port))))
    async with _proxy("nginx", "nginx-light", port, "-c", str(config), "-p", str(directory), "-e", "stderr"):
        yield f"http://127.0.0.1:{port}"


@asynccontextmanager
async def haproxy(directory: Path, upstream: str) -> AsyncIterator[str]:
    """HAProxy in front of ``host:port``; yields its address."""
    port = embedded.free_port()
    config = directory / "haproxy.cfg"
    config.write_text(_HAPROXY.format(port=port, upstream=upstream))
    async with _proxy("haproxy", "haproxy", port, "-f", str(config)):
        yield f"http://127.0.0.1:{port}"


@asynccontextmanager
async def caddy(directory: Path, config: str, port: int) -> AsyncIterator[str]:
    """Caddy with this Caddyfile, which listens on ``port``; yields its address."""
    path = directory / "Caddyfile"
    path.write_text(f"{{\n\tadmin off\n\tauto_https off\n}}\n{config}")
    home = {"HOME": str(directory), "XDG_DATA_HOME": str(directory), "XDG_CONFIG_HOME": str(directory)}
    async with _proxy("caddy", "caddy", port, "run", "--config", str(path), "--adapter", "caddyfile", env=home):
        yield f"http://127.0.0.1:{port}"


@asynccontextmanager
async def _proxy(
    program: str, package: str, port: int, *words: str, env: Mapping[str, str] | None = None
) -> AsyncIterator[None]:
    found = shutil.which(program, path="/usr/sbin:/usr/bin:/usr/local/bin")
    if not found:
        pytest.skip(f"{program} is not installed (Debian: {package})")
    async with running(found, *words, env=env) as process:
        async with asyncio.timeout(10):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    break
                except OSError:
                    assert process.process.returncode is None, process.text
                    await asyncio.sleep(0.02)
        writer.close()
        yield
