"""Live in the player's audio graph: it goes on, keeps ten minutes, and its file is what was heard."""

from __future__ import annotations

import numpy as np
import pytest

from studio.assets import script
from tests.test_player_sound import RATE, SOON, clip, floating, play
from tests.visit import needs_chromium, staged

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def stage():
    scripts = script("arrival", "sound", "memory", "pitches", "midi")
    named = "Object.assign(window, { PairSound: LiveSound, Memory, Pitches, Knobs, unpack });"
    with staged(f"{{ {scripts}\n{named} }}") as page:
        yield page


CHUNKS = [[n / 8 - 0.05, f"sound.append(chunk({n / 8}, {(n + 1) / 8}))"] for n in range(1, 19)]
"""2.375 s of sound, an eighth at a time and in time."""

FIRST = "sound.append(chunk(0, 0.125)); sound.wake(); sound.play(0);"
FILE = "const rows = [...sound.render({}, {})]; return rows.flatMap((row) => Array.from(row));"


def test_a_file_is_what_was_heard(stage):
    """With a switch, one within the ramp of another, and a level that glides."""
    sound = clip(3.0)
    cues = sorted([
        *CHUNKS,
        [0.5, "sound.heard('unsteered')"],
        [1.0, "sound.levelDb = 3; sound.settle()"],
        [1.2, "sound.heard('steered')"],
        [1.21, "sound.heard('unsteered')"],
        [1.6, "sound.heard('steered')"],
        [2.4, FILE.format(0, 2 * RATE)],
    ])  # fmt: skip
    heard, said = play(stage, sound, 2.5, cues, FIRST)
    (made,) = [one for one in said if one]
    wanted = heard[SOON : SOON + 2 * RATE]
    off = np.abs(np.array(made) / 32768 - wanted)
    edge = 320  # the player begins with a ramp, a file does not
    assert off[edge:].max() < 3e-3 and np.median(off[edge:]) < 2e-5
    steered, unsteered = (floating(sound[side])[: 2 * RATE] for side in ("steered", "unsteered"))
    early, middle = slice(edge, RATE // 3), slice(round(0.6 * RATE), round(0.9 * RATE))
    assert np.abs(np.array(made)[early] / 32768 - steered[early]).max() < 1e-4
    assert np.abs(np.array(made)[middle] / 32768 - unsteered[middle]).max() < 1e-4


def test_it_plays_on_from_chunk_to_chunk(stage):
    sound = clip(3.0)
    heard, said = play(stage, sound, 2.5, [*CHUNKS, [2.4, "return [sound.dry]"]], FIRST)
    wanted = floating(sound["steered"])[: len(heard) - SOON]
    assert np.abs(heard[SOON:] - wanted)[320 : 2 * RATE].max() < 1e-6 and said[-1] == [0]


def test_the_more_often_it_ran_dry_the_more_it_waits_for(stage):
    sound = clip(3.0)
    late = [[time + (0.4 if time > 1 else 0), cue] for time, cue in CHUNKS[:11]]
    cues = sorted([*late, [1.3, "return [sound.waiting, sound.dry, sound.ready]"]])
    _, said = play(stage, sound, 2.0, cues, FIRST)
    waiting, dry, ready = next(one for one in said if one)
    assert waiting and dry == 1 and ready < 1


def test_ten_minutes_and_the_first_half_minute_are_kept(stage):
    kept = stage.evaluate(
        """() => {
          const memory = new Memory(100), chunk = (n) => ({ steered: new Int16Array(70).fill(n), unsteered: new Int16Array(70).fill(-n) });
          for (let n = 0; n < 1000; n++) memory.add(chunk(n));
          const one = (side, at) => memory.part(side, at, at + 1)[0];
          return { from: memory.from, filled: memory.filled, blocks: memory.blocks.size,
            read: [0, 2999, 5000, memory.from, 69999].map((at) => one("unsteered", at)) };
        }"""
    )
    assert kept["filled"] == 70_000 and kept["from"] == 10_000 and kept["blocks"] <= 3 + 61
    assert kept["read"] == [0, -42, 0, -142, -999]


def test_notes_are_seen_in_their_rows(stage):
    """A C major triad on one side, A alone on the other, each in its own picture."""
    rows = stage.evaluate(
        """(rate) => {
          const memory = new Memory(rate), count = 2 * rate;
          const tone = (n, f) => Math.sin((2 * Math.PI * f * n) / rate);
          memory.add({ steered: Int16Array.from({ length: count }, (_, n) => 6000 * (tone(n, 261.63) + tone(n, 329.63) + tone(n, 392))),
            unsteered: Int16Array.from({ length: count }, (_, n) => 9000 * tone(n, 220)) });
          const pitches = new Pitches(memory);
          pitches.look();
          const at = 12 * 10;
          return { count: pitches.count, steered: [...pitches.classes.steered.slice(at, at + 12)], unsteered: [...pitches.classes.unsteered.slice(at, at + 12)],
            peaks: [pitches.peaks.steered[5], pitches.peaks.unsteered[5]] };
        }""",
        RATE,
    )
    assert rows["count"] == 25
    steered, unsteered = np.array(rows["steered"]), np.array(rows["unsteered"])
    assert set(np.flatnonzero(steered > 150)) == {0, 4, 7} and steered[[1, 2, 3, 9]].max() < 40
    assert list(np.flatnonzero(unsteered > 100)) == [9]
    assert rows["peaks"][1] == pytest.approx(9000 / 128, abs=2) and rows["peaks"][0] > 110


def test_a_knob_has_its_middle_at_nothing(stage):
    assert stage.evaluate("[0, 32, 64, 127].map(Knobs.share)") == [-1, -0.5, 0, 1]
