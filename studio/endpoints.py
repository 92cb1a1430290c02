"""How an endpoint is made of a function: named, described, and polite about bad input."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable
from typing import Any

import gradio as gr

from curation.errors import BadInput


def endpoint(function: Callable[..., Any], quick: bool = False) -> None:
    """Offer a function under its own name, to the page, to programs and to agents.

    Its docstring describes it, and its type hints its arguments. Bad input comes back as one line.

    Args:
        quick: done at once, without standing in Gradio's queue.
    """
    gr.api(
        _polite(function),
        api_name=function.__name__,
        queue=not quick,
        concurrency_limit=None,
    )


def _polite(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with bad input as an error that a page can show; it never blocks the server."""
    if inspect.isasyncgenfunction(function):

        @functools.wraps(function)
        async def streaming(*arguments: Any) -> Any:
            try:
                async for event in function(*arguments):
                    yield event
            except BadInput as error:
                raise gr.Error(str(error), print_exception=False) from None

        return streaming

    @functools.wraps(function)
    async def answering(*arguments: Any) -> Any:
        try:
            return await asyncio.to_thread(function, *arguments)
        except BadInput as error:
            raise gr.Error(str(error), print_exception=False) from None

    return answering
