"""One holder at a time, in threads and in processes, and none that is dead."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from curation.errors import BadInput
from curation.files import write_whole
from curation.locks import locked

HOLD = """
import sys, time
from pathlib import Path
from curation.locks import locked
with locked(Path(sys.argv[1]), print):
    print("held", flush=True)
    time.sleep(600)
"""
WRITE = """
import sys, time
from pathlib import Path
from curation.files import whole
with whole(Path(sys.argv[1])) as part:
    part.write_text("half")
    print("half", flush=True)
    time.sleep(600)
"""


def started(code: str, path: Path) -> subprocess.Popen[str]:
    """A process that has come to its line."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, path], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline()
    return process


def refuse(holder: str) -> None:
    raise BadInput(f"{holder} is at work")


def test_another_process_is_named_and_a_killed_one_holds_nothing(tmp_path):
    path = tmp_path / "new" / ".lock"
    process = started(HOLD, path)
    with pytest.raises(BadInput, match=f"process {process.pid} is at work"), locked(path, refuse):
        pass
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert path.read_text() == str(process.pid)
    with locked(path, refuse):
        assert path.read_text() == str(os.getpid())
    assert not path.exists()


def test_of_many_threads_one_is_inside_and_each_has_its_turn(tmp_path):
    inside, most, turns = 0, 0, []

    def work(number: int) -> None:
        nonlocal inside, most
        for _ in range(20):
            with locked(tmp_path / "lock", lambda holder: None):
                inside += 1
                most = max(most, inside)
                time.sleep(0.001)
                turns.append(number)
                inside -= 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1 and sorted(turns) == sorted(list(range(6)) * 20)
    assert not list(tmp_path.iterdir())


def test_what_fails_inside_lets_go(tmp_path):
    with pytest.raises(KeyError), locked(tmp_path / "lock", refuse):
        raise KeyError
    with locked(tmp_path / "lock", refuse):
        pass


def test_a_killed_writers_part_goes_with_the_next_write_and_a_living_ones_stays(tmp_path):
    path = tmp_path / "facts.json"
    process = started(WRITE, path)
    write_whole(path, "ours")
    assert len(list(tmp_path.glob("*.part"))) == 1
    process.kill()
    process.wait()
    write_whole(path, "again")
    assert [one.name for one in tmp_path.iterdir()] == ["facts.json"]
