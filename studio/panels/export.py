"""Export, 'Keep' on the page: sound files, the recipe, and a link that makes the very same clips again."""

from __future__ import annotations

import base64
import io

import gradio as gr
import numpy as np
import soundfile

from curation.errors import BadInput
from studio import permalink as links
from studio.assets import component
from studio.clips import Pair
from studio.endpoints import endpoint
from studio.panels import Panel
from studio.services import Services

FORMS = {"wav": "audio/wav", "flac": "audio/flac"}


def draw(services: Services) -> gr.HTML:
    """Buttons, a link and a place to drop a recipe, drawn by their script."""
    return component("export", box="keep")


def sound_file(pair: Pair, side: str, form: str, samples: np.ndarray) -> dict[str, str]:
    """Samples, int16 ``[N]``, as a file that says in its name what it is.

    Raises:
        BadInput: there is no such form.
    """
    if form not in FORMS:
        raise BadInput(f"form {form!r:.20}: choose wav or flac")
    file = io.BytesIO()
    soundfile.write(file, samples, pair.sample_rate, format=form, subtype="PCM_16")
    content = base64.b64encode(file.getvalue()).decode()
    return {"name": f"{pair.title}, {side}.{form}", "mime": FORMS[form], "base64": content}


def endpoints(services: Services) -> None:
    """What programs can do here."""

    def download(clip: str, side: str, form: str = "wav") -> dict:
        """A sound file of one side of a clip: its name, its MIME type and its bytes in base64.

        It is at the level that the page plays it with: one gain for both sides, to stand at -16 LUFS.

        Args:
            clip: the id that the "done" event gave.
            side: "steered" or "unsteered".
            form: "wav" or "flac", both of 16 bits.
        """
        pair = services.engine.clips[clip]
        return sound_file(pair, side, form, pair.levelled(side))

    def download_raw(clip: str, side: str, form: str = "wav") -> dict:
        """The same as `download` without any gain: what the recipe makes, and what the SHA-256 is of.

        Args:
            clip: the id that the "done" event gave.
            side: "steered" or "unsteered".
            form: "wav" or "flac", both of 16 bits.
        """
        pair = services.engine.clips[clip]
        return sound_file(pair, side, form, pair.side(side))

    def permalink(recipe: dict) -> str:
        """The code of a link that makes a recipe's clips again: append it to the page's address as #r=.

        Args:
            recipe: as `generate` takes it.
        """
        return links.encode(services.engine.check(recipe).record())

    def open_permalink(code: str) -> dict:
        """The recipe that a link's code carries, checked as `check_recipe` does.

        Args:
            code: what follows #r= in the link.
        """
        return services.engine.check(links.decode(code)).record()

    endpoint(download, slow=True)
    endpoint(download_raw, slow=True)
    endpoint(permalink)
    endpoint(open_permalink)


panel = Panel("Studio", 40, draw, endpoints, column=1)
