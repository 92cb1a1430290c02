"""One preset played through the page's own API, as a program would: a check that all of it works."""

from __future__ import annotations

from typing import Any

import numpy as np
from gradio_client import Client

from curation.errors import BadInput
from studio.clips import SIDES
from studio.encodings import unpacked


def play(client: Client, recipe: dict[str, Any]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """A recipe's clips, int16 ``[N]`` by side, and the last event.

    Raises:
        BadInput: nothing was played.
    """
    parts: dict[str, list[np.ndarray]] = {side: [] for side in SIDES}
    last: dict[str, Any] = {}
    for event in client.submit(recipe, api_name="/generate"):
        last = event
        if event["event"] == "audio":
            for side, samples in unpacked(event).items():
                parts[side].append(samples)
    if last.get("event") != "done":
        raise BadInput(f"nothing was played: {last.get('message', last)}")
    return {side: np.concatenate(rows) for side, rows in parts.items()}, last


def play_a_preset(address: str, seconds: float = 2.0) -> str:
    """The first preset, shortened, on a running page; what came of it in a line.

    Raises:
        BadInput: nothing was played, or both clips are the same.
    """
    client = Client(address, verbose=False)
    preset = client.predict(api_name="/presets")[0]
    recipe = preset["recipe"] | {"seconds": seconds}
    clips, last = play(client, recipe)
    if np.array_equal(clips["steered"], clips["unsteered"]):
        raise BadInput(f"'{preset['name']}' steers nothing: both clips are the same")
    return (
        f"played '{preset['name']}': {last['seconds']:g} s of both clips, first sound after "
        f"{last['first_sound_after']:.2f} s, all after {last['took']:.2f} s"
    )
