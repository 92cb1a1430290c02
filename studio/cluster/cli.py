"""The command line of several pages."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Sequence

from curation.command_line import ended
from curation.extras import need
from studio.cli import HERE, LARGEST_PORT, check_address, page_options, wait, whole

PORT = 7860


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until it is interrupted; 2 for bad input."""
    options, rest = _parser().parse_known_args(arguments)
    return ended("cluster", lambda: _serve(options, rest), stopped="stopped")


def _serve(options: argparse.Namespace, rest: Sequence[str]) -> int:
    need("page")
    need("cluster", "ray")
    proxies = page_options(rest).proxies + 1  # the door is one, too
    check_address(options.host, options.port)
    from studio.cluster.serving import Pages, opened

    pages = Pages(
        options.replicas,
        options.cores,
        options.gpus,
        [*rest, "--proxies", str(proxies)],
        options.host,
        options.port,
        options.allow_host,
        options.ray,
    )
    with opened(pages) as address:
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # Ray would end at once
        print(f"cluster: {options.replicas} pages are at {address} (Ctrl+C ends them)", flush=True)
        wait()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m studio.cluster",
        description="The page on several machines, or several times on one, behind one address.",
        epilog="All other options are those of each page: 'python -m studio --help' tells of them.",
        allow_abbrev=False,
    )
    parser.add_argument("--replicas", type=whole(1, 1000), default=2, help="pages to start")
    parser.add_argument("--host", default=HERE, help="address to serve on")
    parser.add_argument(
        "--port", type=whole(1, LARGEST_PORT), default=PORT, help="port to serve on"
    )
    parser.add_argument(
        "--allow-host",
        nargs="+",
        default=[],
        metavar="NAME",
        help="more names that are answered to, as music.example.org; '*' for any",
    )
    parser.add_argument("--cores", type=whole(1), default=1, help="of each page")
    parser.add_argument("--gpus", type=whole(0), default=0, help="of each page")
    parser.add_argument(
        "--ray",
        default="",
        metavar="ADDRESS",
        help="of a Ray cluster that runs already, as 'auto'; without one it is started on this machine",
    )
    return parser
