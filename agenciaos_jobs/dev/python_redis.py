"""``python -m agenciaos_jobs.dev.python_redis PORT``: fakeredis as a server on 127.0.0.1."""

import sys

from fakeredis import TcpFakeServer


def main() -> None:
    TcpFakeServer(("127.0.0.1", int(sys.argv[1])), server_type="redis").serve_forever()


if __name__ == "__main__":
    main()
