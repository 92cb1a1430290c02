"""Scores by people: eight seconds of a Bach chorale or of a fiddle tune, as they are written."""

from __future__ import annotations

import pretty_midi

from curation.arrangement.grid import tempo_word
from curation.concepts._grid import full_volume, score_of
from curation.corpus import BEATS, COLLECTIONS, SECONDS, Excerpt, excerpts, notes_of
from curation.spec import ClipSpec, Family, Label, Making, seed_for
from listening.theory import PITCH_CLASSES

MODES = ("major", "minor")
VELOCITY = 90
ENSEMBLES: dict[str, dict[str, tuple[int, ...]]] = {
    "bach": {
        "choir": (52,),
        "organ": (19,),
        "piano": (0,),
        "strings": (40, 40, 41, 42),
        "winds": (73, 68, 71, 70),
        "brass": (56, 56, 57, 58),
    },
    "ryansMammoth": {
        "violin": (40,),
        "flute": (73,),
        "clarinet": (71,),
        "accordion": (21,),
        "piano": (0,),
        "steel guitar": (25,),
    },
}
"""Who plays a folder's pieces: a General MIDI program a part, the last one for all that follow."""

_NAMES = tuple(dict.fromkeys(name for one in ENSEMBLES.values() for name in one))
_WORDS = {one.folder: one.word for one in COLLECTIONS}


def compose(spec: ClipSpec) -> pretty_midi.PrettyMIDI:
    """The notes of a stretch, in the score's own lengths; no touch is added."""
    one = excerpts()[spec.index]
    programs = ENSEMBLES[one.piece.collection.folder][spec.labels["ensemble"]]
    beat = 60 / one.bpm / BEATS[one.piece.metre]
    parts: dict[int, pretty_midi.Instrument] = {}
    for note in notes_of(one.piece):
        start, end = ((time - one.start) * beat for time in (note.start, note.end))
        if end <= 0 or start >= SECONDS:
            continue
        part = parts.setdefault(note.part, _instrument(programs[min(note.part, len(programs) - 1)]))
        part.notes.append(pretty_midi.Note(VELOCITY, note.pitch, max(start, 0.0), end))
    return score_of(*(parts[place] for place in sorted(parts)), bpm=one.bpm)


def _instrument(program: int) -> pretty_midi.Instrument:
    instrument = pretty_midi.Instrument(program)
    instrument.control_changes.append(full_volume())
    return instrument


def spec(seed: int, index: int) -> ClipSpec:
    one = excerpts()[index]
    folder = one.piece.collection.folder
    clip_seed = seed_for(seed, "scores", index)
    players = tuple(ENSEMBLES[folder])
    ensemble = players[seed_for(clip_seed, "ensemble") % len(players)]
    return ClipSpec(
        family="scores",
        index=index,
        labels={
            "key": one.piece.tonic,
            "mode": one.piece.mode,
            "bpm": one.bpm,
            "tempo_from": "the score" if one.written else "drawn",
            "time_signature": one.piece.metre,
            "key_in_clip": "same" if one.agreed else "another",
            "collection": one.piece.collection.word,
            "ensemble": ensemble,
            "terms": one.piece.collection.terms,
        },
        seed=clip_seed,
        source_id=f"music21/{one.piece.path}",
        group=f"tune-{one.piece.tune}",
        stratum=folder,
        caption=caption(one, ensemble),
        seconds=SECONDS,
        compose=compose,
    )


def caption(one: Excerpt, ensemble: str) -> str:
    """What is played, by whom, and the labels in words."""
    piece = one.piece
    name = piece.title or piece.path.rsplit("/", 1)[-1].rsplit(".", 1)[0].upper()
    return (
        f"A {piece.collection.word}, {name}, for {ensemble}, in {piece.tonic} {piece.mode}, "
        f"{piece.metre}, {tempo_word(one.bpm)}, {one.bpm:g} bpm."
    )


family = Family(
    name="scores",
    title="Scores by people",
    summary="Eight seconds of Bach chorales and of fiddle tunes, from a bar line on, as written.",
    labels={
        "key": Label("tonic of the piece's key", PITCH_CLASSES, heard_by="key"),
        "mode": Label("mode of the piece's key", MODES),
        "bpm": Label(
            "beats per minute, of dotted quarters in 6/8", dtype="float32", heard_by="bpm"
        ),
        "tempo_from": Label("where the tempo is from: few scores give one", ("the score", "drawn")),
        "time_signature": Label("the metre", tuple(BEATS)),
        "key_in_clip": Label(
            "which key music21's analysis finds in the clip's own notes: the piece's, or another",
            ("same", "another"),
        ),
        "collection": Label("what the piece is", tuple(_WORDS.values())),
        "ensemble": Label("who plays", _NAMES),
        "terms": Label("public domain, and whose encoding", tuple(c.terms for c in COLLECTIONS)),
    },
    target="mode",
    grouping="the tune: pieces that share sixteen steps of melody are one",
    size=len(excerpts()),
    small=600,
    spec=spec,
    backdrop=("collection", "ensemble"),
    register_free=True,
    extras=("scores",),
    making=Making(
        "Each clip is a stretch of a score out of music21's corpus, whose file `source_id` names. Key "
        "and metre are as written; only pieces are taken whose key music21's own analysis of the notes "
        "finds too. Tempo is the score's where it gives one (`tempo_from`) and else drawn. The notes "
        "were written with `pretty_midi` and played by FluidSynth with",
        "People wrote the music, and others its files, which music21 ships. Eight seconds of each piece, "
        "from a bar line on, are played by FluidSynth on a sound font.",
        "Key and metre are what the files say, where an analysis of the notes finds the same key. Nobody "
        "listened to the clips.",
        "Nobody is heard: no clip is a recording. The pieces bear the names that they are known by.",
    ),
    sources=tuple(f"{one.word} ({one.terms})" for one in COLLECTIONS),
    limits=(
        "A clip may lie where its piece has left its key: `key_in_clip` says so.",
        "Two kinds of music, four voices or one, that keep to few keys: they are not transposed.",
        "Pieces whose written key and analysed key differ were left out, modal ones among them.",
    ),
)
