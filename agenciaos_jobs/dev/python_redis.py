"""``python -m agenciaos_jobs.dev.python_redis PORT``: fakeredis as a server on 127.0.0.1.

fakeredis lacks INFO, which arq's worker calls at start-up; this adds the fields that arq prints.
"""

import sys
from typing import Any

from fakeredis import TcpFakeServer
from fakeredis import __version__ as version
from fakeredis._commands import command
from fakeredis._socket import FakeSocket


@command((), (bytes,), name="info")
def _info(*_: Any) -> bytes:
    facts = {"redis_version": f"fakeredis-{version}", "used_memory_human": "?", "connected_clients": 1}
    return "".join(f"{name}:{value}\r\n" for name, value in facts.items()).encode()


setattr(FakeSocket, "_info", _info)  # noqa: B010


def main() -> None:
    TcpFakeServer(("127.0.0.1", int(sys.argv[1])), server_type="redis").serve_forever()


if __name__ == "__main__":
    main()
