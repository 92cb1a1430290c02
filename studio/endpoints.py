"""How an endpoint is made of a function: named, described, and polite about bad input."""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, get_type_hints

import gradio as gr
from pydantic import ConfigDict, TypeAdapter, ValidationError

from curation.errors import BadInput
from studio.callers import CALLER
from studio.judging import Judging

JUDGING = Judging()

log = logging.getLogger(__name__)

_AS_SENT = ConfigDict(strict=True, allow_inf_nan=False)
"""Nothing is taken for something else: no text for a number, no truth for a whole one."""

_WORDS = {
    dict: "a JSON object",
    list: "a list",
    str: "text",
    int: "a whole number",
    float: "a number",
}
_SEE = "see /gradio_api/info"
LONGEST_LINE = 400


def endpoint(function: Callable[..., Any], quick: bool = False, slow: bool = False) -> None:
    """Offer a function under its own name, to the page, to programs and to agents.

    Its docstring describes it, and its type hints its arguments, which the page checks before it is
    called. Bad input comes back as one line.

    Args:
        quick: done at once, without standing in Gradio's queue. slow: it listens or draws, in threads of its
            own, once its caller reads: see `Judging`.
    """
    gr.api(
        _polite(_judged(function) if slow else function),
        api_name=function.__name__,
        queue=not quick,
        concurrency_limit=None,
    )


def _judged(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function in the judges' threads, if somebody reads what it gives."""

    @functools.wraps(function)
    async def judged(*arguments: Any) -> Any:
        if not await CALLER.get().reads():
            raise BadInput(f"{function.__name__}: nobody read the answer: ask for it and read it")
        return await JUDGING.run(function, *arguments)

    return judged


def broken(what: str) -> str:
    """Log the exception at hand under a random reference.

    Returns:
        The line that a visitor gets instead: the same reference, and nothing of the insides.
    """
    reference = secrets.token_hex(4)
    log.exception("%s broke, reference %s", what, reference)
    return f"{what} broke here, reference {reference}: try again, and report it if it stays so"


def one_line(text: str) -> str:
    """A message as one line of bounded length, whatever a client has put into it.

    >>> one_line("no bank 'a\\nb': choose one")
    "no bank 'a b': choose one"
    """
    return " ".join(text.encode(errors="replace").decode().split())[:LONGEST_LINE]


def check_arguments(function: Callable[..., Any], arguments: Sequence[Any]) -> None:
    """Check what a client sent against a function's parameters and their type hints.

    Raises:
        BadInput: there are too few or too many, or one is of another type.
    """
    name = function.__name__
    try:
        bound = inspect.signature(function).bind(*arguments)
    except TypeError as error:
        raise BadInput(f"{name}: {error}: {_SEE}") from None
    hints = get_type_hints(function)
    for parameter, value in bound.arguments.items():
        try:
            TypeAdapter(hints[parameter], config=_AS_SENT).validate_python(value)
        except ValidationError:
            wanted = _WORDS.get(hints[parameter], "of its type")
            raise BadInput(f"{name}: {parameter} is not {wanted}: {_SEE}") from None


def _polite(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with errors that a page can show; it never blocks the server."""
    if inspect.isasyncgenfunction(function):

        @functools.wraps(function)
        async def streaming(*arguments: Any) -> Any:
            with in_one_line(function.__name__):
                async for event in function(*arguments):
                    yield event

        return streaming

    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def awaiting(*arguments: Any) -> Any:
            with in_one_line(function.__name__):
                return await function(*arguments)

        return awaiting

    @functools.wraps(function)
    async def answering(*arguments: Any) -> Any:
        with in_one_line(function.__name__):
            return await asyncio.to_thread(function, *arguments)

    return answering


@contextmanager
def in_one_line(name: str) -> Iterator[None]:
    """Whatever is raised, as an error of one line of plain text.

    Raises:
        gr.Error: bad input in its own words; anything else as `broken` tells it.
    """
    try:
        yield
    except BadInput as error:
        raise gr.Error(one_line(str(error)), print_exception=False) from None
    except Exception:  # noqa: BLE001  logged, and answered with its reference
        raise gr.Error(broken(name), print_exception=False) from None
