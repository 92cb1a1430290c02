"""How fast the page answers, and how it bears a crowd; on the sketch with its shipped banks.

    python -m benchmarks.page                          all parts
    python -m benchmarks.page --only first             time to first sound, median of 20
    python -m benchmarks.page --only crowd             1, 2, 4 and 8 clients at once, 16 and 100 for 5 minutes
    python -m benchmarks.page --only crowd --clients 8 so many alone
    python -m benchmarks.page --only nonsense          a client that sends nonsense
    python -m benchmarks.page --only listeners         1, 2, 4 and 8 browser tabs that listen at once
    python -m benchmarks.page --only network           one tab on fast and on slow 3G
    python -m benchmarks.page --only live              from a fader to its sound, past the window's slides
    python -m benchmarks.page --only lighthouse        Lighthouse's scores, medians of three

First: from the call to the first samples at the client, over the page's own API. Crowd: each client hears a
clip of 8 s, steered and its twin, with a seed of its own; 16 and 100 clients come back for some minutes, and every
fifth visit is broken off. What was heard must be, sample by sample, what its recipe gives to who is
alone, asked for afterwards. The clients are a process of their own (`benchmarks/crowd.py`), each with an address
of its own behind a proxy that is trusted; the memory is the server's two processes'. Live: from the call of `move` to the moment at which
its step sounds, for who plays from the first sound on; and how far ahead of the clock each chunk came,
below 0 too late. Listeners and network are `benchmarks/listeners.py`. What a part needs and lacks it says
in one line, and the others go on.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from gradio_client import Client

from benchmarks.crowd import Visit, figures
from benchmarks.lighthouse import lighthouse
from benchmarks.listeners import listeners, network
from curation.errors import BadInput
from sketch.cli import quieten
from studio.answers import Answers
from studio.callers import Share
from studio.clips import SIDES
from studio.encodings import unpacked
from studio.engine_apart import EngineApart
from studio.loaded_models import LoadedModels, load_with_banks
from studio.page import launch, make_page

LIVE_SECONDS, MOVES = 75.0, 24
TRIES = 20
CROWDS, CROWD_SECONDS = (1, 2, 4, 8, 16, 100), 8.0
LONG = (16, 100)
"""Crowds that come back for some minutes."""

POOL, CHECKED = 60, 20
"""Seeds of a crowd that comes back, and how many of them are played alone afterwards."""

PARTS = ("first", "crowd", "nonsense", "listeners", "network", "live", "lighthouse")


@contextmanager
def served(banks: Path | None) -> Iterator[tuple[str, EngineApart]]:
    """The page: its address, and what plays behind it."""
    quieten()
    models = LoadedModels(partial(load_with_banks, folder=banks))
    models.load(models.names[0])
    engine, answers = EngineApart(models), Answers()
    page = make_page(engine, answers)
    try:
        yield launch(page, share=Share(proxies=1), prevent_thread_lock=True), engine
    finally:
        page.close(verbose=False)
        engine.close()
        answers.close()


def one_recipe(client: Client, seconds: float, seed: int = 1) -> dict[str, Any]:
    """The first preset's recipe at a length.

    Raises:
        BadInput: no bank fits the sketch.
    """
    presets = client.predict(api_name="/presets")
    if not presets:
        raise BadInput("no bank fits the sketch: make them with 'python -m steering banks'")
    return presets[0]["recipe"] | {"seconds": seconds, "seed": seed}


def heard(client: Client, recipe: dict[str, Any]) -> tuple[float, dict[str, str], dict[str, Any]]:
    """Seconds until the first sound, SHA-256 of what came in by side, and the last event."""
    began, first = time.perf_counter(), 0.0
    digests = {side: hashlib.sha256() for side in SIDES}
    last: dict[str, Any] = {}
    job = client.submit(recipe, api_name="/generate")
    for event in job:
        last = event
        if event["event"] == "audio":
            first = first or time.perf_counter() - began
            for side, samples in unpacked(event).items():
                digests[side].update(samples.tobytes())
    if not last:
        job.result()  # raises what the loop above keeps to itself
    return first, {side: digest.hexdigest() for side, digest in digests.items()}, last


def first_sound(address: str, tries: int = TRIES) -> dict[str, Any]:
    """Time from the call to the first samples."""
    client = Client(address, verbose=False)
    recipe = one_recipe(client, 4.0)
    times = [heard(client, recipe | {"seed": n})[0] for n in range(tries + 1)][1:]
    return {
        "tries": tries,
        "median_s": round(statistics.median(times), 3),
        "slowest_s": round(max(times), 3),
    }


def resident_mb(engine: EngineApart) -> float:
    """Memory of this process and of the one that plays in MB, from the kernel; what both have is counted once."""
    kilobytes = 0
    for process in (os.getpid(), engine.process):
        status = Path(f"/proc/{process}/smaps_rollup").read_text()
        kilobytes += int(status.split("Pss:")[1].split()[0])
    return kilobytes / 1024


def processor_seconds(engine: EngineApart) -> float:
    """Processor time of the same."""
    said = Path(f"/proc/{engine.process}/stat").read_text().rsplit(")", 1)[1].split()
    return time.process_time() + (int(said[11]) + int(said[12])) / os.sysconf("SC_CLK_TCK")


def crowd(
    address: str, engine: EngineApart, minutes: float, sizes: Sequence[int]
) -> list[dict[str, Any]]:
    """Clients at once: who plays without a gap, how long the rest wait, whose clip is right, the memory."""
    alone = Client(address, verbose=False)
    recipe = one_recipe(alone, CROWD_SECONDS)
    heard(alone, recipe | {"seconds": 2.0})
    table = []
    for size in sizes:
        long = minutes if size in LONG else 0.0
        engine.twins.clear()
        visits, memory, playing, spent = _visited(address, engine, recipe, size, long)
        seeds = sorted({one.seed for one in visits if one.digests})[:CHECKED]
        engine.twins.clear()
        right = {seed: heard(alone, recipe | {"seed": seed})[1] for seed in seeds}
        half = memory[len(memory) // 2 :]
        row = {
            "clients": size,
            "minutes": long,
            "at_once": playing,
            **figures(visits, right),
            "server_cpu_s": round(spent, 1),
            "memory_mb": [round(one) for one in memory[:: max(1, len(memory) // 10)]],
            "memory_spread_second_half": f"{(max(half) - min(half)) / max(half):.1%}",
        }
        print(row, flush=True)
        table.append(row)
    return table


def _visited(
    address: str, engine: EngineApart, recipe: dict[str, Any], clients: int, minutes: float
) -> tuple[list[Visit], list[float], int, float]:
    """Visits of another process; memory every 2 s, most who played at once, the server's processor time."""
    given = {"clients": clients, "minutes": minutes, "first": 1000 * clients, "pool": POOL}
    named = [f"--{name}={value}" for name, value in given.items()]
    command = [sys.executable, "-m", "benchmarks.crowd", address, "--recipe", json.dumps(recipe)]
    spent, memory, most = processor_seconds(engine), [resident_mb(engine)], 0
    with subprocess.Popen([*command, *named], stdout=subprocess.PIPE, text=True) as process:
        out: list[str] = []
        assert process.stdout is not None
        reader = threading.Thread(
            target=lambda pipe: out.append(pipe.read()), args=(process.stdout,)
        )
        reader.start()
        begun = time.monotonic()
        while process.poll() is None:
            most = max(most, engine.busy["playing"])
            if time.monotonic() > begun + 2 * len(memory):
                memory.append(resident_mb(engine))
            time.sleep(0.05)
        reader.join()
    visits = [Visit(**one) for one in json.loads(out[0])]
    return visits, memory, most, processor_seconds(engine) - spent


def live(address: str, memory_mb: Callable[[], float], seconds: float) -> dict[str, Any]:
    """A live session whose fader moves every 0.7 s: from the move to its sound, and what was too late."""
    client = Client(address, verbose=False)
    recipe = one_recipe(client, 20.0)
    begun, sent, session = 0.0, list[float](), ""
    memory, lead = list[float](), list[float]()
    last: dict[str, Any] = {}
    for last in client.submit(recipe, api_name="/play_live"):
        now = time.perf_counter()
        session = last.get("session") or session
        if last["event"] != "audio" or not unpacked(last)[SIDES[0]].size:
            continue
        begun = begun or now
        lead.append(last["start"] - (now - begun))
        memory.append(memory_mb())
        if now - begun > 0.7 * (len(sent) + 1) and len(sent) < MOVES:
            sent.append(time.perf_counter() - begun)
            client.predict(session, 0, 0.001 * len(sent), api_name="/move")
        if last["done"] >= 50 * seconds:
            client.predict(session, api_name="/stop")
    steps = [move["step"] / 50 for move in last["recipe"]["moves"]]
    waits = sorted(step - at for step, at in zip(steps, sent, strict=False))
    return {
        "moves": len(waits),
        "fader_to_sound_median_s": round(statistics.median(waits), 2),
        "fader_to_sound_slowest_s": round(waits[-1], 2),
        "played_s": round(seconds),
        "least_lead_s": round(min(lead), 2),
        "memory_mb": [round(memory[0]), round(memory[-1])],
    }


def on_the_wire(address: str, recipe: dict[str, Any]) -> str:
    """The answer to JSON that `gradio_client` cannot send: it waits without end for its own error."""
    call = f"{address}gradio_api/call/check_recipe"
    body = json.dumps({"data": [recipe]}).encode()
    request = urllib.request.Request(call, body, {"Content-Type": "application/json"})
    try:
        event = json.load(urllib.request.urlopen(request, timeout=30))["event_id"]
        with urllib.request.urlopen(f"{call}/{event}", timeout=30) as stream:
            return str(stream.read().decode().strip()[:120])
    except urllib.error.HTTPError as refused:
        return f"refused with {refused.code}"


def nonsense(address: str) -> dict[str, Any]:
    """What a client gets for nonsense, and that the page plays on."""
    client = Client(address, verbose=False)
    good = one_recipe(client, 1.0)
    one = good["interventions"][0] | {"coefficient": float("nan")}
    answers = {"NaN strength": on_the_wire(address, good | {"interventions": [one]})}
    bad: dict[str, Any] = {
        "10,000 s": good | {"seconds": 10_000},
        "500 concepts": good | {"interventions": good["interventions"] * 500},
        "a path for a model": good | {"model": "../../etc/passwd"},
        "a path for a bank": good
        | {"interventions": [good["interventions"][0] | {"bank": "/etc"}]},
        "a long prompt": good | {"prompt": "<script>" * 1000},
        "no recipe at all": "recipe",
    }
    for name, recipe in bad.items():
        try:
            answers[name] = f"PLAYED: {heard(client, recipe)[2].get('event')}"
        except Exception as error:  # noqa: BLE001  the answer that is wanted
            answers[name] = str(error)[:120]
    script = heard(client, good | {"prompt": "<script>alert(1)</script> jazz"})[2]
    answers["script in a prompt (plays, as text)"] = script["event"]
    return answers


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.page", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument(
        "--minutes", type=float, default=5.0, help="of the largest crowds; 0 for a clip each"
    )
    parser.add_argument("--clients", type=int, nargs="+", default=CROWDS, help="sizes of crowds")
    parser.add_argument("--tries", type=int, default=TRIES)
    parser.add_argument("--banks", type=Path, help="more banks, as MODEL/FAMILY/METHOD/")
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    options = parser.parse_args(arguments)
    with served(options.banks) as (address, engine):
        parts: dict[str, Callable[[str], Any]] = {
            "first": partial(first_sound, tries=options.tries),
            "crowd": partial(crowd, engine=engine, minutes=options.minutes, sizes=options.clients),
            "nonsense": nonsense,
            "listeners": partial(listeners, memory_mb=partial(resident_mb, engine)),
            "network": network,
            "live": partial(live, memory_mb=partial(resident_mb, engine), seconds=LIVE_SECONDS),
            "lighthouse": lighthouse,
        }
        figures: dict[str, Any] = {}
        missed = 0
        for name in [options.only] if options.only else PARTS:
            try:
                figures[name] = parts[name](address)
            except BadInput as error:
                missed = 2
                print(f"page: {name}: {error}", file=sys.stderr)
    text = json.dumps(figures, indent=1)
    print(text)
    if options.json:
        options.json.write_text(text + "\n")
    return missed


if __name__ == "__main__":
    raise SystemExit(main())
