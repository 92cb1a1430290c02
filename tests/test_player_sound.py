"""What leaves the player's audio graph, sample by sample: its script alone, in an audio context without a clock."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest

from studio.assets import script
from tests.visit import needs_chromium, staged

pytestmark = needs_chromium
RATE, EDGE, SOON = 32_000, 320, 960

STAGE = """async ({ rate, seconds, clip, cues, setup }) => {
  const Offline = OfflineAudioContext, go = Offline.prototype.resume;
  let context = null, now = 0;
  window.AudioContext = function () {
    context = new Offline(1, Math.round(seconds * rate), rate);
    context.resume = () => Promise.resolve();
    return context;
  };
  performance.now = () => 1000 * (context?.currentTime ?? 0);
  const sound = (window.sound = new PairSound());
  const both = Object.fromEntries(Object.entries(clip).map(([side, text]) => [side, unpack(text)]));
  const chunk = (from, to) => ({ steered: both.steered.subarray(from * rate, to * rate), unsteered: both.unsteered.subarray(from * rate, to * rate) });
  const said = [];
  sound.clear(rate, both.steered.length / rate);
  new Function("sound", "chunk", setup)(sound, chunk);
  sound.wake();
  const { startRendering } = context;
  for (const [time, text] of cues)
    context.suspend(time).then(async () => {
      await new Promise((done) => setTimeout(done, 5));
      said.push(new Function("sound", "chunk", text)(sound, chunk) ?? null);
      await new Promise((done) => setTimeout(done, 5));
      go.call(context);
    });
  const made = await startRendering.call(context);
  const heard = new Uint8Array(made.getChannelData(0).buffer);
  let text = "";
  for (let n = 0; n < heard.length; n += 8192) text += String.fromCharCode(...heard.subarray(n, n + 8192));
  return { heard: btoa(text), said };
}"""
"""Plays a scene: cues are [time, script], run while the context stands still at that time."""


@pytest.fixture(scope="module")
def stage():
    with staged(f"{script('arrival', 'sound')}\nwindow.PairSound = PairSound;") as page:
        yield page


def clip(seconds: float) -> dict[str, np.ndarray]:
    """A low tone and noise, int16 by side: neither repeats itself, so that every sample has its place."""
    time = np.arange(round(seconds * RATE)) / RATE
    noise = np.random.default_rng(0).normal(0, 0.02, len(time))
    sounds = {
        "steered": 0.3 * np.sin(2 * np.pi * (110 + 9 * time) * time) + noise,
        "unsteered": 0.3 * np.cos(2 * np.pi * (80 + 7 * time) * time) - noise,
    }
    return {side: np.round(32767 * row).astype("<i2") for side, row in sounds.items()}


def play(stage, sound, seconds, cues, setup=""):
    """What is heard, float ``[N]``, and what the cues gave."""
    packed = {side: base64.b64encode(row.tobytes()).decode() for side, row in sound.items()}
    scene = {"rate": RATE, "seconds": seconds, "clip": packed, "cues": cues, "setup": setup}
    given = stage.evaluate(STAGE, json.loads(json.dumps(scene)))
    heard = np.frombuffer(base64.b64decode(given["heard"]), dtype="<f4")
    return heard.astype(float), given["said"]


def arriving(seconds: float, every: float = 0.25, ahead: float = 0.0) -> list[list]:
    """Chunks twice as fast as they are played, the end, and what the setup has had of them."""
    times = np.arange(every, seconds - 1e-9, every)
    cues = [
        [round(float(at) / 2 + ahead, 4), f"sound.append(chunk({at}, {min(at + every, seconds)}))"]
        for at in times
    ]
    return [*cues, [cues[-1][0] + 0.05, "sound.finish()"]]


FIRST = "sound.append(chunk(0, 0.25)); sound.wake(); sound.play(0);"


def floating(row):
    return row.astype(float) / 32768


def largest_step(heard):
    return np.abs(np.diff(heard)).max()


def test_a_first_listen_is_the_clip_sample_for_sample(stage):
    sound = clip(2.0)
    heard, _ = play(stage, sound, 4.5, arriving(2.0), FIRST)
    row = floating(sound["steered"])
    ramp = np.arange(EDGE) / EDGE
    once = row.copy()
    once[:EDGE] *= ramp
    once[-EDGE:] *= ramp[::-1]
    wanted = np.concatenate([np.zeros(SOON), once, once, once])[: len(heard)]
    assert np.abs(heard - wanted).max() < 1e-6


def test_the_level_moves_by_a_decibel_a_second_while_somebody_listens(stage):
    sound = clip(6.0)
    settle = [[2.01, "sound.matchDb = -6; sound.levelDb = 3; sound.settle()"]]
    cues = sorted(arriving(6.0) + settle)
    heard, _ = play(stage, sound, 5.9, cues, FIRST)
    row = floating(sound["steered"])[: len(heard) - SOON]
    heard = heard[SOON:]
    loud = np.flatnonzero(np.abs(row) > 0.1)
    loud = loud[loud > EDGE]
    db = 20 * np.log10(heard[loud] / row[loud])
    seconds = loud / RATE
    assert np.abs(np.interp(seconds + 0.1, seconds, db) - db).max() < 0.102
    assert db[0] == pytest.approx(0, abs=1e-4) and db[-1] == pytest.approx(-3, abs=0.01)


def test_the_other_side_has_its_level_before_it_is_heard(stage):
    sound = clip(2.0)
    cues = [
        *arriving(2.0),
        [1.2, "sound.matchDb = 6; sound.settle()"],
        [1.4, "sound.heard('unsteered')"],
    ]
    heard, _ = play(stage, sound, 1.9, cues, FIRST)
    then = slice(round(1.45 * RATE), round(1.9 * RATE))
    row = np.concatenate([np.zeros(SOON), floating(sound["unsteered"])])[then]
    assert np.abs(heard[then] - row * 10 ** (-6 / 20)).max() < 1e-4


@pytest.mark.parametrize(
    "cue",
    [
        "sound.pause()",
        "sound.seek(0.3)",
        "sound.stop()",
        "sound.setRegion(0.2, 0.5)",
        "sound.clear(32000, 1)",
    ],
)
def test_whatever_begins_or_ends_does_so_in_a_ramp(stage, cue):
    tone = 20_000 * np.cos(2 * np.pi * 50 * np.arange(2 * RATE) / RATE)
    sound = {side: np.round(tone).astype("<i2") for side in ("steered", "unsteered")}
    whole = "sound.append(chunk(0, 2)); sound.finish(); sound.wake(); sound.play(0);"
    heard, _ = play(stage, sound, 3.0, [[1.003, cue]], whole)
    assert np.abs(heard[: RATE // 2]).max() > 0.6
    assert largest_step(heard) < largest_step(floating(sound["steered"])) + 2 * 0.62 / EDGE


def test_a_region_goes_round_and_the_rest_is_not_heard(stage):
    sound = clip(2.0)
    whole = "sound.append(chunk(0, 2)); sound.finish(); sound.setRegion(0.5, 1); sound.wake(); sound.play(0.5);"
    heard, said = play(stage, sound, 2.0, [[1.9, "return sound.position"]], whole)
    part = floating(sound["steered"])[RATE // 2 : RATE]
    ramp = np.arange(EDGE) / EDGE
    part[:EDGE] *= ramp
    part[-EDGE:] *= ramp[::-1]
    wanted = np.concatenate([np.zeros(SOON), np.tile(part, 4)])[: len(heard)]
    assert np.abs(heard - wanted).max() < 1e-6
    assert 0.5 <= said[0] < 1


def test_a_change_of_plan_is_not_heard(stage):
    sound = clip(2.0)
    cues = sorted(
        [*arriving(2.0), [0.5, "sound.setLoop(false)"], [1.3, "sound.setRegion(0.2, 1.8)"]]
    )
    heard, _ = play(stage, sound, 1.7, cues, FIRST)
    row = np.concatenate([np.zeros(SOON), floating(sound["steered"])])[: len(heard)]
    assert np.abs(heard - row)[SOON + EDGE :].max() < 1e-3


def test_a_take_is_switched_at_the_playhead(stage):
    sound = clip(2.0)
    swap = (
        "sound.swap({ whole: { steered: sound.whole.unsteered, unsteered: sound.whole.steered },"
        " rate: 32000, levelDb: 0, matchDb: 0 })"
    )
    whole = "sound.append(chunk(0, 2)); sound.finish(); sound.wake(); sound.play(0);"
    heard, _ = play(stage, sound, 1.8, [[1.0, swap]], whole)
    later = slice(round(1.1 * RATE), round(1.7 * RATE))
    row = floating(sound["unsteered"])
    late = [
        np.abs(heard[later] - row[later.start - n : later.stop - n]).max() for n in range(0, 2200)
    ]
    assert min(late) < 1e-6 and np.argmin(late) == pytest.approx(SOON, abs=SOON + 128)


SLOW = [
    [round(0.25 * n / 0.6, 3), f"sound.append(chunk({0.25 * n}, {0.25 * n + 0.25}))"]
    for n in range(1, 16)
]
"""4 s of sound that arrive at 0.6 s a second."""


def test_a_slow_page_is_waited_for_and_then_played_through(stage):
    sound = clip(4.0)
    ready = [[t + 0.01, "return [sound.waiting, sound.ready, sound.dry]"] for t, _ in SLOW]
    cues = sorted([*SLOW, *ready, [6.4, "sound.finish()"]])
    patient = (
        "sound.patient = true; sound.loop = false; sound.arrival.sharing = 4;"
        " sound.arrival.marks[0].at = -0.25;" + FIRST
    )
    heard, said = play(stage, sound, 9.5, cues, patient)
    states = [one for one in said if one]
    assert states[0][0] and states[0][1] < 0.5 and not states[-1][0]
    assert max(dry for _, _, dry in states) == 0
    begins = np.flatnonzero(heard)[0]
    row = floating(sound["steered"])[EDGE : 4 * RATE - EDGE]
    at = next(
        n
        for n in range(begins - 3, begins + 3)
        if np.abs(heard[n + EDGE :][: len(row)] - row).max() < 1e-6
    )
    assert 1.5 * RATE < at < 4 * RATE


def test_a_slow_network_is_told_from_a_slow_start(stage):
    rate = """([gone, making]) => {
      const arrival = new (new PairSound().arrival.constructor)();
      arrival.marks = [{ at: 0, seconds: 0 }, { at: gone, seconds: 0.25 }];
      arrival.making = making;
      return [arrival.rate, arrival.needs(8)];
    }"""
    quick, needed = stage.evaluate(rate, [0.3, 0.29])
    assert quick > 1 and needed < 0.25
    slow, needed = stage.evaluate(rate, [0.5, 0.1])
    assert slow == pytest.approx(0.625) and needed > 3
    assert stage.evaluate(rate, [0.02, 0.3]) == [0, 8]


def test_a_clip_that_ran_dry_is_buffered_before_it_goes_on(stage):
    sound = clip(4.0)
    states = [[t + 0.01, "return [sound.waiting, sound.dry]"] for t, _ in SLOW]
    cues = sorted([*SLOW, *states, [6.4, "sound.finish()"]])
    hasty = "sound.patient = true; sound.loop = false; sound.arrival.sharing = 1;" + FIRST
    heard, said = play(stage, sound, 9.5, cues, f"sound.arrival.marks[0].at = -0.1; {hasty}")
    assert said and max(dry for _, dry in [one for one in said if one]) == 1
    quiet = np.flatnonzero(np.diff(np.flatnonzero(np.abs(heard) > 0)) > 1000)
    assert len(quiet) <= 1
    assert largest_step(heard) < largest_step(floating(sound["steered"])) + 0.02
