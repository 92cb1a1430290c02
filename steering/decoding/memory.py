"""How much memory is free, and whether a batch fits into it."""

from __future__ import annotations

import os
from pathlib import Path

import torch

from curation.errors import BadInput

MEMINFO = Path("/proc/meminfo")
GROUP = Path("/sys/fs/cgroup")


def available(device: torch.device) -> int:
    """Bytes that can still be had on a device."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return min(_of_machine(), _of_group())


def check_fit(needed_per_clip: int, clips: int, seconds: float, free: int) -> None:
    """Refuse a batch that does not fit.

    Raises:
        BadInput: it does not fit; it says what would.
    """
    needed = needed_per_clip * clips
    if needed <= free:
        return
    fitting = free // needed_per_clip
    fix = f"at most {fitting} fit" if fitting else "not even one fits, ask for fewer seconds"
    raise BadInput(
        f"{clips} clips of {seconds:g} s need {needed / 1e9:.3g} GB beside the weights, "
        f"{free / 1e9:.3g} GB are free: {fix}"
    )


def _of_machine() -> int:
    try:
        lines = MEMINFO.read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if "MemAvailable" in line)
    except (OSError, StopIteration, ValueError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _of_group() -> int:
    """What a container may still take; no limit where none is set."""
    try:
        limit = int((GROUP / "memory.max").read_text())
        return max(0, limit - int((GROUP / "memory.current").read_text()))
    except (OSError, ValueError):
        return 1 << 62
