"""Style sheets and scripts, held in memory and served under a version that changes with their content."""

import gzip
from collections.abc import Mapping
from hashlib import sha256
from importlib.resources import files

from aiohttp import web

from agenciaos_jobs.http import rate_limits

STYLE = (
    *("base", "frame", "pieces", "forms", "gate", "phone", "run", "content", "charts", "records"),
    *("costs", "reference", "find", "print"),
)
"""The sheets that are concatenated into ``style.css``, in cascade order."""

_KINDS = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_FOREVER = "public, max-age=31536000, immutable"


def _read() -> Mapping[str, bytes]:
    folder = files("agenciaos_jobs.dashboard").joinpath("static")
    found = {file.name: file.read_bytes() for file in sorted(folder.iterdir(), key=lambda file: file.name)}
    style = b"\n".join(found.pop(f"{name}.css") for name in STYLE)
    return {**found, "style.css": style}


FILES = _read()
VERSION = sha256(b"\0".join(FILES.values())).hexdigest()[:12]
_SMALL = {name: gzip.compress(content, 9, mtime=0) for name, content in FILES.items()}


def url(name: str) -> str:
    """The versioned path of a file."""
    assert name in FILES, name
    return f"/static/{VERSION}/{name}"


async def serve(request: web.Request) -> web.Response:
    """``/static/{version}/{name}``: cacheable forever under the current version, revalidated under any other."""
    name = request.match_info["name"]
    if name not in FILES:
        rate_limits.count_address(request)
        raise web.HTTPNotFound
    is_current = request.match_info["version"] == VERSION
    headers = {
        "Cache-Control": _FOREVER if is_current else "no-cache",
        "Content-Type": _KINDS[name.rpartition(".")[2]] + "; charset=utf-8",
        "X-Content-Type-Options": "nosniff",
        "Vary": "Accept-Encoding",
    }
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        return web.Response(body=_SMALL[name], headers=headers | {"Content-Encoding": "gzip"})
    return web.Response(body=FILES[name], headers=headers)
