"""Where pieces of work are made: how many machines, what kind, and the options that say so."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, fields

from curation.errors import BadInput

KINDS = ("local", "slurm", "ray")
"""datatrove's, by name; `curation.executors` runs them."""


@dataclass(frozen=True)
class Machines:
    """Where pieces are made.

    Attributes:
        executor: ``local``, ``slurm`` or ``ray``.
        tasks: that the pieces are dealt to, in turn.
        at_once: tasks that run at a time; as many as there is room for by default.
        cpus, memory, gpus: of a task: cores, GB a core, GPUs.
        partition, hours: of Slurm's. sbatch: more of its options, as ``account=music``.
    """

    executor: str
    tasks: int = 100
    at_once: int | None = None
    cpus: int = 1
    memory: int = 2
    gpus: int = 0
    partition: str = ""
    hours: int = 24
    sbatch: Sequence[str] = ()

    def __post_init__(self) -> None:
        if self.executor not in KINDS:
            raise BadInput(f"no executor {self.executor!r}: choose from {', '.join(KINDS)}")
        if min(self.tasks, self.cpus, self.memory, self.hours, self.at_once or 1) < 1:
            raise BadInput("tasks, at-once, cpus, memory and hours: give at least one of each")
        if self.executor == "slurm" and not self.partition:
            raise BadInput("Slurm wants to know where: give --partition, `sinfo` lists them")
        if wrong := [option for option in self.sbatch if "=" not in option]:
            raise BadInput(f"--sbatch {wrong[0]}: write it as name=value, as account=music")


def add_machines(parser: argparse.ArgumentParser) -> None:
    """The options that say where pieces are made."""
    group = parser.add_argument_group("many machines (extra cluster)")
    group.add_argument(
        "--executor", help=f"datatrove's: {', '.join(KINDS)}; Ray's cluster is RAY_ADDRESS's"
    )
    group.add_argument("--tasks", type=int, help="that the work is dealt to (default 100)")
    group.add_argument("--at-once", type=int, help="tasks (default: as many as there is room for)")
    group.add_argument("--cpus", type=int, help="cores of a task (default 1)")
    group.add_argument("--memory", type=int, help="GB a core (default 2)")
    group.add_argument("--gpus", type=int, help="of a task (default 0)")
    group.add_argument("--partition", help="of Slurm's")
    group.add_argument("--hours", type=int, help="that Slurm gives a task (default 24)")
    group.add_argument(
        "--sbatch", nargs="+", metavar="NAME=VALUE", help="more of Slurm's, as account=music"
    )


def machines_of(options: argparse.Namespace) -> Machines | None:
    """What the options say; None where no executor is asked for.

    Raises:
        BadInput: there is no such executor, or options want one.
    """
    names = [one.name for one in fields(Machines)]
    given = {name: value for name in names if (value := getattr(options, name)) is not None}
    if given and "executor" not in given:
        option = next(iter(given)).replace("_", "-")
        raise BadInput(f"--{option} is for many machines: give --executor too")
    return Machines(**given) if given else None
