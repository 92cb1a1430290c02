"""What the page writes down as it runs: lines for people, or one JSON object a line for programs.

Neither has an address, a whole session's id, or what was asked for, unless the operator wants prompts.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from studio.ids import MARK_VARIABLE

FORMS = ("text", "json")
TOLD = ("session", "seconds", "waited", "gaps", "live", "why")
"""What a record may have beside its message."""

SERVERS = ("uvicorn", "uvicorn.error", "uvicorn.access", "asyncio", "httpx")
"""Loggers of the server, which writes elsewhere by itself."""


class Objects(logging.Formatter):
    """A record as one JSON object: time, level, event, and what is known of its session.

    Args:
        prompts: whether prompts are written down, too.
    """

    def __init__(self, prompts: bool = False) -> None:
        super().__init__()
        self._names = (*TOLD, "prompt") if prompts else TOLD

    def format(self, record: logging.LogRecord) -> str:
        """The record's line."""
        when = datetime.fromtimestamp(record.created, UTC)
        told: dict[str, Any] = {
            "time": when.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            "from": record.name,
        }
        told |= {name: vars(record)[name] for name in self._names if name in vars(record)}
        if mark := os.environ.get(MARK_VARIABLE):
            told["replica"] = mark
        if record.exc_info:
            told["traceback"] = self.formatException(record.exc_info)
        return json.dumps(told, ensure_ascii=False, default=str)


def write_logs(form: str, prompts: bool = False) -> None:
    """Write down on standard error what goes wrong; as JSON, also each session that ends or is refused.

    Args:
        form: of `FORMS`.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Objects(prompts) if form == "json" else logging.Formatter("%(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.captureWarnings(form == "json")
    logging.getLogger("studio").setLevel(logging.INFO if form == "json" else logging.NOTSET)


def join_logs(names: Iterable[str] = SERVERS) -> None:
    """Let the server's own loggers write where all do; each start of it sets them up anew."""
    for name in names:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
