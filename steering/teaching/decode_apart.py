"""A program of its own that decodes one file of sound, with limits on memory, time and files.

It is run by its path, with the file on standard input and the limits as arguments, and knows nothing of
the project: whatever a file does to a decoder, it does it here. It answers with a line in JSON, and with
float32 samples, mono, after it.
"""

from __future__ import annotations

import io
import json
import resource
import sys

MOST_MEMORY = 1 << 30
"""Bytes of address space that decoding may take beyond what is taken before it."""


def main() -> None:
    """Read, limit, decode, answer."""
    most_seconds, most_cpu = float(sys.argv[1]), int(sys.argv[2])
    content = sys.stdin.buffer.read()
    import numpy as np
    import soundfile

    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
        taken = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + MOST_MEMORY, taken + MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (most_cpu, most_cpu))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    try:
        with soundfile.SoundFile(io.BytesIO(content)) as sound:
            rate, channels = sound.samplerate, sound.channels
            if sound.frames > most_seconds * rate:
                answer({"seconds": sound.frames / rate})
                return
            most = int(most_seconds * rate) + 1
            samples = sound.read(most, dtype="float32", always_2d=True).mean(axis=1)
    except (soundfile.LibsndfileError, RuntimeError, ValueError, TypeError):
        answer({"error": "it does not decode as sound"})
    except MemoryError:
        answer({"error": "it takes too much memory to decode"})
    else:
        answer({"rate": rate, "channels": channels, "seconds": len(samples) / rate})
        sys.stdout.buffer.write(samples.astype(np.float32).tobytes())


def answer(said: dict[str, object]) -> None:
    """A line on standard output."""
    sys.stdout.buffer.write(json.dumps(said).encode() + b"\n")


if __name__ == "__main__":
    main()
