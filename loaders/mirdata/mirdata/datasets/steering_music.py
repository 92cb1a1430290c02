"""Steering Music Dataset Loader

.. admonition:: Dataset Info
    :class: dropdown

    Short clips with exact labels, made to find out where a music model keeps a musical concept. Each clip
    is composed by rule from its labels, or is a stretch of a score by people; is played by FluidSynth on
    the sound font FluidR3; and comes with its score as MIDI and a caption. There are ten families, each a
    version of this dataset:

    - notes: 9,936 single notes, MIDI 0 to 107 on 92 instruments
    - intervals: 39,744, 12 roots, 12 sizes, up, down and together
    - scales: 15,456, the seven church modes on 12 roots, up and down
    - chords: 13,248 triads of four qualities on 12 roots in three inversions
    - progressions: 20,976, 19 progressions of four triads in 12 keys
    - tempos: 4,025, a metronome at 50 to 210 bpm
    - time_signatures: 1,200, a metronome in eight metres
    - genres: 4,320, twelve genres, each by six bands
    - songs: 6,000 captioned pieces with key, tempo, genre, lead and mood
    - scores: 1,855 stretches of Bach chorales and of fiddle tunes, as written

    Songs last 12 seconds, genres and scores 8, all others 4; about 150 hours in all, 32 kHz mono. The
    splits train, validation and test never share a split group (an instrument family, a click, a band, a
    piece), so a classifier cannot lean on it. The first seven families follow the grid of SynTheory (Wei
    et al., ISMIR 2024, https://arxiv.org/abs/2410.00872); the clips were made anew.

    The annotations are notes for all clips that have pitch, and, where a family has them, the tempo, the
    key and the chord; every label is in `Track.labels`. They are right by construction, and in scores what
    the file says where an analysis of its notes finds the same key: nobody listened to the clips.

    The dataset was made in 2026 by the Steering Music authors, and is under CC BY 4.0. It is not downloaded
    but made, the same bytes on every machine, by the program of the same name: see `DOWNLOAD_INFO`.

"""

import json
import os
from typing import Any, BinaryIO

import librosa
import numpy as np
import pretty_midi
from mirdata import annotations, core, io
from smart_open import open

BIBTEX = """@misc{steering_music,
  title = {Steering Music: labelled clips for probes of music models},
  author = {{The Steering Music authors}},
  year = {2026},
  version = {1.0.0}
}"""

FAMILIES = (
    "notes",
    "intervals",
    "scales",
    "chords",
    "progressions",
    "tempos",
    "time_signatures",
    "genres",
    "songs",
    "scores",
)

INDEXES = {
    "default": "notes",
    "test": "sample",
    "sample": core.Index(filename="steering_music_index_sample.json"),
    **{family: core.Index(filename=f"steering_music_index_{family}.json") for family in FAMILIES},
}

DOWNLOAD_INFO = """
    The clips are made on your machine, in a minute to half an hour for each family. With FluidSynth and
    the sound font FluidR3_GM.sf2 installed:

        pip install 'steering-music[curation,scores]'
        python -m curation build notes --preset full
        python -m curation export build/notes-full --as mirdata

    The last command writes the index too, beside the clips. Give its folder as the data_home:

        mirdata.initialize("steering_music", "build/notes-full-mirdata", version="notes")
"""

LICENSE_INFO = """Creative Commons Attribution 4.0 International (CC BY 4.0). The sound font is MIT.
The music of the version scores is in the public domain; whose file each is, and its terms, is in the
label `terms`.
"""

QUALITIES = {"major": "maj", "minor": "min"}

# Degrees that are lowest in root position and in the two inversions, as Harte writes them
INVERSIONS = ("root position", "first inversion", "second inversion")
BASSES = {
    "maj": ("", "/3", "/5"),
    "min": ("", "/b3", "/5"),
    "aug": ("", "/3", "/#5"),
    "dim": ("", "/b3", "/b5"),
}


class Track(core.Track):
    """Steering Music track class

    Args:
        track_id (str): track id of the track

    Attributes:
        audio_path (str): path of the audio file
        midi_path (str): path of the score
        track_id (str): track id

    Properties:
        audio (Tuple[np.ndarray, float]): the clip, and its sample rate
        caption (str): the clip in words
        genre (str): genre, where the family has one
        group (str): split group, of which none stands in two splits
        labels (dict): every label of the family by name
        split (str): train, validation or test
        tempo (float): beats per minute, where the family has a tempo

    Cached Properties:
        chord (ChordData): the chord, where the clip is of one
        key (KeyData): the key or church mode, where the family has one
        midi (pretty_midi.PrettyMIDI): the score
        notes (NoteData): pitched notes of the score; None where there are none

    """

    def __init__(self, track_id, data_home, dataset_name, index, metadata):
        super().__init__(track_id, data_home, dataset_name, index, metadata)
        self.audio_path = self.get_path("audio")
        self.midi_path = self.get_path("midi")

    @property
    def split(self) -> str:
        """The track's split

        Returns:
            * str - train, validation or test

        """
        return self._track_metadata["split"]

    @property
    def group(self) -> str:
        """What no two splits share

        Returns:
            * str - an instrument family, a click, a band or a piece

        """
        return self._track_metadata["split_group"]

    @property
    def caption(self) -> str:
        """The clip in words

        Returns:
            * str - caption

        """
        return self._track_metadata["caption"]

    @property
    def labels(self) -> dict[str, Any]:
        """Every label of the clip

        Returns:
            * dict - labels by name

        """
        return self._track_metadata["labels"]

    @property
    def tempo(self) -> float | None:
        """The clip's tempo

        Returns:
            * float - beats per minute, dotted quarters in 6/8

        """
        return self.labels.get("bpm")

    @property
    def genre(self) -> str | None:
        """The clip's genre

        Returns:
            * str - genre

        """
        return self.labels.get("genre")

    @property
    def audio(self) -> tuple[np.ndarray, float] | None:
        """The track's audio

        Returns:
            * np.ndarray - audio signal
            * float - sample rate

        """
        return load_audio(self.audio_path)

    @core.cached_property
    def midi(self) -> pretty_midi.PrettyMIDI | None:
        """The track's score

        Returns:
            * pretty_midi.PrettyMIDI - the score that was played

        """
        return load_midi(self.midi_path)

    @core.cached_property
    def notes(self) -> annotations.NoteData | None:
        """The pitched notes of the score

        Returns:
            * NoteData - notes, or None where only percussion plays

        """
        return io.load_notes_from_midi(midi=self.midi)

    @core.cached_property
    def key(self) -> annotations.KeyData | None:
        """The clip's key

        Returns:
            * KeyData - one key, from the first note to the end of the last

        """
        labels = self.labels
        if "mode" not in labels:
            return None
        tonic = labels.get("key", labels.get("root"))
        name = "{}:{}".format(tonic, labels["mode"])
        return annotations.KeyData(self._whole, "s", [name], "key_mode")

    @core.cached_property
    def chord(self) -> annotations.ChordData | None:
        """The clip's chord

        Returns:
            * ChordData - one chord, from the first note to the end of the last

        """
        labels = self.labels
        if "quality" not in labels:
            return None
        quality = QUALITIES.get(labels["quality"], labels["quality"])
        bass = BASSES[quality][INVERSIONS.index(labels["inversion"])]
        name = "{}:{}{}".format(labels["root"], quality, bass)
        return annotations.ChordData(self._whole, "s", [name], "harte")

    @property
    def _whole(self) -> np.ndarray:
        return np.array([[0.0, self.midi.get_end_time()]])


@io.coerce_to_bytes_io
def load_audio(fhandle: BinaryIO) -> tuple[np.ndarray, float]:
    """Load a Steering Music audio file.

    Args:
        fhandle (str or file-like): File-like object or path to audio file

    Returns:
        * np.ndarray - the mono audio signal
        * float - The sample rate of the audio file

    """
    return librosa.load(fhandle, sr=None, mono=True)


@io.coerce_to_bytes_io
def load_midi(fhandle: BinaryIO) -> pretty_midi.PrettyMIDI:
    """Load the score of a Steering Music clip.

    Args:
        fhandle (str or file-like): File-like object or path to midi file

    Returns:
        * pretty_midi.PrettyMIDI - the score

    """
    return pretty_midi.PrettyMIDI(fhandle)


@core.docstring_inherit(core.Dataset)
class Dataset(core.Dataset):
    """
    The steering_music dataset
    """

    def __init__(self, data_home=None, version="default"):
        super().__init__(
            data_home,
            version,
            name="steering_music",
            track_class=Track,
            bibtex=BIBTEX,
            indexes=INDEXES,
            download_info=DOWNLOAD_INFO,
            license_info=LICENSE_INFO,
        )
        if self.version in FAMILIES:  # the index is made with the clips, and lies beside them
            self.index_path = os.path.join(self.data_home, self._index_data.filename)

    @core.cached_property
    def _metadata(self):
        try:
            with open(os.path.join(self.data_home, "clips.json"), encoding="utf-8") as fhandle:
                return json.load(fhandle)
        except FileNotFoundError:
            raise FileNotFoundError("clips.json not found. Did you run .download()?")
