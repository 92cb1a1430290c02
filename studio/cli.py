"""The page's command line."""

from __future__ import annotations

import argparse
import errno
import logging
import math
import os
import socket
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from curation.command_line import Parser, ended
from curation.errors import BadInput
from curation.extras import need
from sketch.cli import quieten
from steering.metrics.kept_listeners import load_listeners
from steering.models.loading import SKETCH
from studio.answers import Answers
from studio.callers import CALLS_A_MINUTE, OPEN_CALLS, Share
from studio.engine import MOST_PLAYING, MOST_WAITING, Engine
from studio.engine_apart import EngineApart
from studio.loaded_models import LoadedModels, load_with_banks
from studio.logs import FORMS, join_logs, write_logs
from studio.study.sitting import Studies, open_study
from studio.warm_up import warm_up

ANSWERS = Path("build/answers.sqlite")
MODELS_VARIABLE = "STEERING_MODELS"
"""Names the page's models where there is no command line to give, as on a Space."""
HERE = "127.0.0.1"
LARGEST_PORT = 65_535

log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve the page until it is interrupted; 2 for bad input."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["study"]:
        from studio.study.cli import main as study

        return study(given[1:])
    options = _parser().parse_args(given)
    write_logs(options.log, options.log_prompts)
    quieten()
    return ended("studio", lambda: _serve(options), stopped="stopped")


def _serve(options: argparse.Namespace) -> int:
    need("page")
    from studio.page import launch, make_page

    check_address(options.host or HERE, options.port)
    if options.banks is not None and not options.banks.is_dir():
        raise BadInput(f"--banks {options.banks} is no folder: give one with MODEL/FAMILY/METHOD/")
    studies = Studies([open_study(folder) for folder in options.study])
    answers = Answers(options.answers)
    listeners = load_listeners()
    models = LoadedModels(partial(load_with_banks, folder=options.banks), options.models)
    say = partial(_say, log.info if options.log == "json" else None)
    say(f"loading {models.names[0]}")
    models.load(models.names[0])
    make = EngineApart if _plays_apart(models, options.one_process) else Engine
    engine = make(models, options.playing, options.waiting)
    warm_up(engine)
    page = make_page(engine, answers, listeners, options.code, studies)
    try:
        address = launch(
            page,
            server_name=options.host,
            hosts=options.allow_host,
            share=Share(options.calls_a_minute, options.calls_at_once, options.proxies),
            server_port=options.port,
            inbrowser=options.open,
            prevent_thread_lock=True,
        )
        if options.log == "json":
            join_logs()
        say(f"the page is at {address} (Ctrl+C ends it)")
        for study in studies:
            say(f"{study.design.name} is at {address}{study.stimuli.link}")
        if options.check:
            from studio.self_check import play_a_preset

            say(play_a_preset(address))
            return 0
        wait()
        return 0
    finally:
        page.close(verbose=False)
        engine.close()
        answers.close()
        studies.close()


def _plays_apart(models: LoadedModels, one_process: bool) -> bool:
    """Whether the engine has a process of its own: on a GPU the models would be in its memory twice."""
    return not one_process and models[models.names[0]].played_on[0] == "cpu"


def _say(write: Callable[[str], object] | None, line: str) -> None:
    """Tell the operator: in the log where programs read it, on the terminal where people do."""
    if write is None:
        print(f"studio: {line}", flush=True)
    else:
        write(line)


def wait() -> None:
    """Until Ctrl+C, by which a page is meant to end."""
    with suppress(KeyboardInterrupt):
        while True:
            time.sleep(3600)


def named_models() -> list[str]:
    """The models that the environment names, separated by spaces or commas; else the sketch alone."""
    return os.environ.get(MODELS_VARIABLE, "").replace(",", " ").split() or [SKETCH]


def page_options(arguments: Sequence[str]) -> argparse.Namespace:
    """The options of a page that stands behind others.

    Raises:
        BadInput: one is of a page that stands alone.
    """
    options = _parser().parse_args(arguments)
    if options.study or options.check or options.open:
        raise BadInput("--study, --check and --open are of one page alone: python -m studio")
    return options


def check_address(host: str, port: int | None) -> None:
    """Refuse an address that cannot be served on, before a model is loaded for it."""
    try:
        family = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)[0]
        with socket.socket(*family[:3]) as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind(family[4][:2] if port else (family[4][0], 0))
    except PermissionError:
        raise BadInput(f"port {port} is not open to this user: choose one above 1023") from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise BadInput(f"port {port} is in use: choose another with --port") from None
        raise BadInput(f"--host {host} is no address of this machine: {error.strerror}") from None


def whole(least: int, most: float = math.inf) -> Callable[[str], int]:
    """Reads a whole number from an option."""

    def read(text: str) -> int:
        with suppress(ValueError):
            if least <= int(text) <= most:
                return int(text)
        upper = f" to {most}" if most < math.inf else " on"
        raise argparse.ArgumentTypeError(f"{text!r:.20}: give a whole number from {least}{upper}")

    return read


def _address(text: str) -> str:
    """Reads an address from an option: a link to anything else might run in a visitor's browser."""
    if text and not text.startswith(("https://", "http://")):
        raise argparse.ArgumentTypeError(f"{text!r:.40}: give an address that begins with https://")
    return text


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m studio",
        description="The page: compose, listen, play live, test blind.",
        epilog="'python -m studio study --help' tells of listening studies.",
    )
    on_space = "SPACE_ID" in os.environ
    parser.add_argument(
        "--host", default="0.0.0.0" if on_space else None, help="address to serve on"
    )
    parser.add_argument(
        "--allow-host",
        nargs="+",
        default=[],
        metavar="NAME",
        help="more names that the page answers to, as music.example.org; '*' for any",
    )
    parser.add_argument(
        "--port",
        type=whole(1, LARGEST_PORT),
        help="port to serve on; the first free one from 7860",
    )
    parser.add_argument("--open", action="store_true", help="open a browser")
    parser.add_argument(
        "--models",
        nargs="+",
        default=named_models(),
        help=f"models that visitors may choose, the first one to begin with, as 'sketch "
        f"facebook/musicgen-small'; what {MODELS_VARIABLE} names, else the sketch alone. One that was "
        "used stays in memory",
    )
    parser.add_argument("--banks", type=Path, help="more banks, as MODEL/FAMILY/METHOD/")
    parser.add_argument("--answers", type=Path, default=ANSWERS, help="database of the blind test")
    parser.add_argument(
        "--study",
        type=Path,
        nargs="+",
        default=[],
        metavar="FOLDER",
        help="studies that are open for listeners, as 'python -m studio study design.toml' made them",
    )
    parser.add_argument(
        "--playing",
        type=whole(1),
        default=MOST_PLAYING,
        help="sessions played at once at most: as many as the machine is fast enough for",
    )
    parser.add_argument(
        "--waiting", type=whole(1), default=MOST_WAITING, help="listeners in line at most"
    )
    parser.add_argument(
        "--one-process",
        action="store_true",
        help="play in the process that answers visitors, as on a GPU; on the CPU music has its own, "
        "which takes 0.5 GB more and is held up by no request",
    )
    parser.add_argument(
        "--calls-a-minute",
        type=whole(1),
        default=CALLS_A_MINUTE,
        help="share of every address; the usual one is enough for a class of thirty behind one",
    )
    parser.add_argument(
        "--calls-at-once",
        type=whole(1),
        default=OPEN_CALLS,
        help="calls of one address that wait, play or are being answered",
    )
    parser.add_argument(
        "--proxies",
        type=whole(0),
        default=int(on_space),
        help="how many proxies stand before the page, so that a visitor's address is read from "
        "X-Forwarded-For; 1 on a Space, else 0",
    )
    parser.add_argument(
        "--code",
        type=_address,
        default="",
        metavar="ADDRESS",
        help="where the page's source is read, for a link; a Space knows its own",
    )
    parser.add_argument(
        "--log",
        choices=FORMS,
        default=FORMS[0],
        help="text: what goes wrong, for people; json: one object a line, with every session that ended",
    )
    parser.add_argument(
        "--log-prompts", action="store_true", help="write prompts down in them, too"
    )
    parser.add_argument(
        "--check", action="store_true", help="play one preset through the API, and end"
    )
    return parser
