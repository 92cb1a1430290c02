"""Teach: a concept of one's own out of a few clips, with an honest word on it, and a fader for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import gradio as gr

from curation.errors import BadInput
from steering.teaching.material import MOST
from steering.teaching.variants import check_parts
from studio.assets import component
from studio.endpoints import endpoint
from studio.events import told_by
from studio.examples import Heard, carried, hear, hear_take
from studio.kept_concepts import as_file, from_file, renamed
from studio.lessons import Asked
from studio.loaded_models import LoadedModel
from studio.panels import Panel
from studio.playback import Event
from studio.services import Services

LISTENING = 2
"""Clips that are listened to at once: each takes a process that decodes."""
MOST_SENT = MOST + 1
"""Clips of a lesson that are read: one more than may be, so that it is told."""


def draw(services: Services) -> gr.HTML:
    """Clips, takes and what is said of them, drawn by its scripts."""
    return component("teach", "wav", "recorder")


def endpoints(services: Services) -> None:
    """What programs can do here."""
    models, places = services.engine.models, asyncio.Semaphore(LISTENING)

    def loaded_of(model: str) -> LoadedModel:
        return models[model or models.names[0]]

    def heard(raw: Any, belongs: list, of: int, loaded: LoadedModel) -> Heard:
        if not isinstance(raw, dict):
            raise BadInput("a clip is not a JSON object: send {'name': ..., 'sound': base64}")
        if "codes" in raw:
            return carried(raw, loaded.model)
        if "take" in raw:
            pair = services.engine.clips[raw["take"]]
            if pair.recipe["model"] != loaded.name:
                raise BadInput(
                    f"this take is of {pair.recipe['model']}: choose one of {loaded.name}"
                )
            return hear_take(raw, pair, loaded.model.frame_rate)
        return hear(raw, belongs, of, loaded.model, services.lessons.use)

    async def in_turn(raw: Any, belongs: list, of: int, loaded: LoadedModel) -> Heard:
        check_parts(belongs if all(isinstance(one, str) for one in belongs) else ["?"])
        if isinstance(raw, dict) and "sound" in raw:
            async with places:
                return await asyncio.to_thread(heard, raw, belongs, of, loaded)
        return await asyncio.to_thread(heard, raw, belongs, of, loaded)

    async def listen_to(clip: dict, belongs: list, of: int, model: str = "") -> dict:
        """Listen to a clip that a concept is to be taught by, and get it as codes, to be sent to `teach`.

        The clip is decoded in memory, in a process of its own, and gone when this is answered: nothing
        of it is kept here. WAV, FLAC, OGG and MP3 are read, up to 12 MB and a minute, of which the first 12
        seconds count. A file of more than 500 kB is sent to /gradio_api/run/listen_to, no other address
        takes it. A take that was played here is {"take": its clip's id, "side": "steered"}.

        Args:
            clip: {"name": "a.wav", "sound": the file in base64}, or a take.
            belongs: what is part of the concept and stays as it is: "pitch", "level", "tempo".
            of: how many clips there are in all: of few, variants are made.
            model: which model listens; the first one unless it is named.
        """
        loaded = await asyncio.to_thread(loaded_of, model)
        return (await in_turn(clip, belongs, of, loaded)).record()

    async def teach(
        clips: list, against: list, name: str, belongs: list, model: str = ""
    ) -> AsyncIterator[dict]:
        """Teach a concept out of a few clips; as `python -m steering teach` does.

        Yields events: "started" (session id, for `stop`), "lesson" (what is being done, how much of it is
        done, of how much), and at the end "done", "stopped" or "error". "done" says whether the model tells
        the concept at all ("told", "known", the AUC of held-out clips with its interval, what chance
        reaches), whether a push of it is heard ("trials"), which shipped concepts it overlaps with, the
        same in words, the strength that was chosen, and under "bank" the concept itself as text: nothing
        of it is kept here. A recipe carries it under "banks" as "own/<name>", and names that bank.

        A clip may have "spans", [[start, end], ...] in seconds: the rest of it then has the concept not.
        One with the concept and one without that are the same piece have the same name.

        Args:
            clips: 3 to 50 that have it: what `listen_to` gave, or what it takes.
            against: the same of clips that have it not; an empty list compares with neutral ones.
            name: of the concept, as "staccato".
            belongs: what is part of it and stays as it is: "pitch", "level", "tempo".
            model: which model is taught; the first one unless it is named.
        """
        loaded = await asyncio.to_thread(loaded_of, model)
        having, lacking = [
            [await in_turn(one, belongs, len(group), loaded) for one in group]
            for group in (clips[:MOST_SENT], against[:MOST_SENT])
        ]

        def begin(listen: Callable[[Event], None]) -> str:
            return services.lessons.begin(Asked(name, having, lacking, belongs, loaded), listen)

        async for event in told_by(begin, services.lessons.stop):
            yield event

    def rename_concept(bank: str, name: str) -> dict:
        """A taught concept under another name: its name, the text of its bank, and its strength.

        Args:
            bank: the text that `teach` gave.
            name: the new one.
        """
        return renamed(bank, name)

    def concept_file(bank: str) -> dict:
        """A taught concept as a file: its name, its MIME type and its bytes in base64.

        It is a ZIP of the bank's folder, with safetensors and JSON: `python -m steering` takes it unpacked.

        Args:
            bank: the text that `teach` gave.
        """
        return as_file(bank)

    def open_concept(file: str, model: str = "") -> dict:
        """What `concept_file` gave: its name, the text of its bank, and its strength.

        Args:
            file: its bytes in base64.
            model: which model it is for; the first one unless it is named.
        """
        return from_file(file, loaded_of(model).model.origin)

    endpoint(listen_to, quick=True)
    endpoint(teach)
    endpoint(rename_concept, quick=True)
    endpoint(concept_file, quick=True)
    endpoint(open_concept, quick=True)


panel = Panel("Teach", 45, draw, endpoints)
