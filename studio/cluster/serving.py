"""Ray Serve over pages: it starts them, looks whether they are well, and starts another where one is not.

The door before them (`studio.cluster.relay`) has one address for all. One page alone needs none of this.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from curation.errors import BadInput, first_line
from studio.cli import HERE
from studio.cluster.actors import DOOR, Door, Replica
from studio.doors import hosts_of

PAGES = "pages"
"""As Serve calls them, and their app."""

MOST_ONGOING = 100_000
"""Requests that the door hands on at once: the pages bound them."""

MEMORY = 100 * 2**20
"""Bytes of Ray's store of objects, which nothing here needs."""

_SURROUNDINGS = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"}
"""Ray tells nobody that it runs, and does not put its workers behind all else, as it would: people listen."""

_QUIET = {"log_level": "WARNING", "enable_access_log": False}


@dataclass(frozen=True)
class Pages:
    """What is to be served.

    Attributes:
        replicas: how many pages. cores, gpus: of each.
        options: of each, as ``python -m studio`` reads them.
        host, port: where the door is. names: more names that it answers to.
        ray: address of a Ray cluster that runs already; without one it is started on this machine.
    """

    replicas: int
    cores: int = 1
    gpus: int = 0
    options: Sequence[str] = ()
    host: str = "127.0.0.1"
    port: int = 7860
    names: Sequence[str] = ()
    ray: str = ""


@contextmanager
def opened(pages: Pages) -> Iterator[str]:
    """The address of the pages, for as long as it is needed.

    Raises:
        BadInput: Ray or a page does not start.
    """
    import ray
    from ray import serve

    try:
        host = _start_ray(pages)
        try:
            _deploy(pages, host)
        except (RuntimeError, OSError) as error:
            raise BadInput(f"the pages do not start ({first_line(error)}): look above") from error
        yield f"http://{pages.host}:{pages.port}/"
    finally:
        if ray.is_initialized():
            serve.shutdown()
            ray.shutdown()


def _deploy(pages: Pages, host: str) -> None:
    """Start the door, then the pages; wait until all are well."""
    from ray import serve

    names = sorted(hosts_of(pages.host, pages.names))
    serve.start(
        proxy_location="HeadOnly",
        http_options={"host": pages.host, "port": pages.port},
        logging_config=_QUIET,
    )
    door = serve.deployment(
        serve.ingress()(Door),
        name=DOOR,
        ray_actor_options={"num_cpus": 0},
        max_ongoing_requests=MOST_ONGOING,
        logging_config=_QUIET,
    )
    serve.run(door.bind(names), name=DOOR, route_prefix="/")
    each = serve.deployment(
        Replica,
        name=PAGES,
        num_replicas=pages.replicas,
        ray_actor_options={"num_cpus": pages.cores, "num_gpus": pages.gpus},
        health_check_period_s=5.0,
        graceful_shutdown_timeout_s=5.0,
        logging_config=_QUIET,
    )
    serve.run(each.bind(list(pages.options), host, names), name=PAGES, route_prefix=None)


def _start_ray(pages: Pages) -> str:
    """Join a Ray cluster, or start one here; this machine's address where it is the only one, else nothing.

    Raises:
        BadInput: it is not there, or has too few cores.
    """
    import ray

    os.environ |= _SURROUNDINGS
    quiet: dict[str, Any] = {"logging_level": logging.ERROR}
    cores = pages.replicas * pages.cores
    try:
        if pages.ray:
            ray.init(pages.ray, **quiet)
        else:
            place = {"num_cpus": cores, "object_store_memory": MEMORY, "include_dashboard": False}
            ray.init("local", **place, **quiet)
    except Exception as error:  # Ray raises bare ones
        raise BadInput(f"Ray does not start ({first_line(error)}): look at --ray") from error
    found = ray.cluster_resources()
    for kind, wanted in (("CPU", cores), ("GPU", pages.replicas * pages.gpus)):
        if found.get(kind, 0) < wanted:
            raise BadInput(
                f"{pages.replicas} pages need {wanted:g} {kind}s and Ray has {found.get(kind, 0):g}: "
                "give fewer --replicas"
            )
    return "" if pages.ray else HERE
