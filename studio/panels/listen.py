"""Listen: both clips while they are made, and what there is to see of them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import gradio as gr

from curation.errors import BadInput
from studio.analysis import chromagrams, curves, pitch_rows, probe_readings, transcripts
from studio.assets import component
from studio.clips import SIDES
from studio.encodings import as_flac
from studio.endpoints import endpoint
from studio.events import events, in_flac
from studio.example import load_example
from studio.panels import Panel
from studio.playback import packed, told_of
from studio.services import Services


def draw(services: Services) -> gr.HTML:
    """The player, drawn by its scripts."""
    return component("listen", "arrival", "sound", "tracks")


def endpoints(services: Services) -> None:
    """What programs can do here."""
    models = services.engine.models
    made = load_example(models[models.names[0]].model.origin.revision)

    async def generate(recipe: dict) -> AsyncIterator[dict]:
        """Play a recipe: the steered clip and its unsteered twin, streamed while they are made.

        Yields events: "waiting" (place in line, and seconds that it may take), "started" (session id,
        sample rate), "audio" (16-bit little-endian mono samples of both clips in base64), and at the
        end "done" with the clip's id, the complete recipe, the permalink's code and a SHA-256 of each clip's samples; or
        "error". The samples are raw, and the recipe makes them: "level_db" is the gain for both sides
        that the page plays them by, to stand at -16 LUFS, "match_db" what the steered side needs
        besides to be as loud as the other.

        Args:
            recipe: prompt, seconds, seed, sampling and interventions; `presets` gives examples.
        """
        async for event in events(services.engine, recipe, live=False):
            yield event

    async def generate_flac(recipe: dict) -> AsyncIterator[dict]:
        """The same as `generate` in half the bytes, for slow networks: the very same samples as FLAC.

        An "audio" event has both sides as the channels of one stream under "flac", in base64: left is
        steered, right is not; under "sharing" how many take turns at being played for, under
        "made_in" the seconds since "started": what comes later was on its way.

        Args:
            recipe: as `generate` takes it.
        """
        async for event in in_flac(services.engine, recipe, live=False):
            yield event

    def example() -> dict:
        """A pair that was made beforehand: what "done" says of one, and its sound under "flac".

        Both sides are the channels of one stream in base64: left is steered, right is not.
        """
        if made is None:
            raise BadInput(
                "no pair was made beforehand by this model: play a preset with `generate`"
            )
        services.engine.clips.add(made)
        sound = dict(zip(SIDES, map(packed, made.sound), strict=True))
        told = told_of(made) | {"sample_rate": made.sample_rate}
        return as_flac(told | sound, made.sample_rate)

    def stop(session: str) -> bool:
        """Stop a session, whether it plays or waits, or a lesson. What was played until then is kept.

        Args:
            session: the id that the "waiting" or "started" event gave.
        """
        return services.engine.stop(session) or services.lessons.stop(session)

    def analyse(clip: str) -> dict:
        """What there is to see of a clip: notes, chromagrams, strengths over time, what the probes read.

        Notes are those that an independent transcriber hears: start, end, MIDI number, chance.

        Args:
            clip: the id that the "done" event gave.
        """
        pair = services.engine.clips[clip]
        loaded = services.model_of(pair.recipe)
        probes = services.engine.errand(lambda: probe_readings(pair, loaded)).result(timeout=120)
        return {
            "seconds": pair.sound.shape[1] / pair.sample_rate,
            "notes": transcripts(pair),
            "chroma": chromagrams(pair),
            "targets": pitch_rows(pair),
            "curves": curves(pair, loaded),
            "probes": probes,
        }

    endpoint(generate)
    endpoint(generate_flac)
    endpoint(example)
    endpoint(stop, quick=True)
    endpoint(analyse, slow=True)


panel = Panel("Studio", 20, draw, endpoints, column=1)
