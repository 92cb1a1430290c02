"""How every command line of the project ends: with its job done, or with one line that names the fix."""

from __future__ import annotations

import argparse
import io
import os
import select
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

from curation.errors import BadInput, first_line, plain

AGAIN = "stopped; give the same command again to go on"
BAD_INPUT, STOPPED = 2, 130


class Parser(argparse.ArgumentParser):
    """One whose errors are one line; its commands' parsers are of this kind by themselves."""

    def error(self, message: str) -> NoReturn:
        name = self.prog.removeprefix("python -m ").split()[0]
        self.exit(BAD_INPUT, f"{name}: {message}: see `{self.prog} --help`\n")


def ended(name: str, run: Callable[[], int | None], stopped: str = AGAIN) -> int:
    """Run a command; the status that its process ends with.

    0 where it did its job, or where whoever read what it wrote has gone; what it gives itself; 2 for bad
    input, and for a file or place that cannot be used; 130 where it was interrupted.

    Args:
        name: of the command line, before each message.
        stopped: what is said of one that was interrupted.
    """
    _write_what_the_terminal_lacks_as_escapes()
    try:
        status = run() or 0
        sys.stdout.flush()
    except BadInput as error:
        return _told(name, str(error), BAD_INPUT)
    except OSError as error:
        if isinstance(error, BrokenPipeError) and _nobody_reads():
            return 0
        place = plain(str(error.filename)) if error.filename else "a file"
        why = error.strerror or first_line(error)
        return _told(name, f"{place} cannot be used ({why}): mend or choose another", BAD_INPUT)
    except KeyboardInterrupt:
        return _told(name, stopped, STOPPED)
    return status


def _told(name: str, message: str, status: int) -> int:
    sys.stderr.write(f"{name}: {message}\n")
    return status


def _write_what_the_terminal_lacks_as_escapes() -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _nobody_reads() -> bool:
    """Whether it is our output that is broken; what is left of it is dropped, or Python complains at its end."""
    with suppress(OSError, ValueError):  # of an output that is no file
        output, asked = sys.stdout.fileno(), select.poll()
        asked.register(output, 0)
        if any(event & select.POLLERR for _, event in asked.poll(0)):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, output)
            os.close(nowhere)
            return True
    return False
