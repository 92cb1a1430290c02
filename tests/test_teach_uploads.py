"""What is sent as a clip and is none: refused in a line, and let go of."""

from __future__ import annotations

import re
import struct
import urllib.error
import urllib.request
import zlib

import numpy as np
import pytest

from studio import doors
from studio.limits import LARGEST_SOUND
from tests.teach_calls import RATE, as_sound, clip, listen, tone
from tests.visit import served


@pytest.fixture(scope="module")
def address(model):
    with served(model) as found:
        yield found


def wav(**change: object) -> bytes:
    """A WAV with entries of its head changed, by their place."""
    content = bytearray(as_sound(tone()))
    for place, (form, value) in change.items():
        struct.pack_into(form, content, int(place[1:]), value)
    return bytes(content)


def flac_of_hours() -> bytes:
    """A FLAC whose head says ten hours; the sound behind it is a second."""
    content = bytearray(as_sound(tone(seconds=1.0), "FLAC"))
    samples = 36_000 * RATE
    content[21] = (content[21] & 0xF0) | (samples >> 32)
    content[22:26] = (samples & 0xFFFFFFFF).to_bytes(4, "big")
    return bytes(content)


SOUND, NOISE = as_sound(tone()), np.random.default_rng(0).bytes(4000)
MP3, OGG, FLAC = (as_sound(tone(), kind) for kind in ("MP3", "OGG", "FLAC"))
NO_SOUND = "cannot be taken, it does not decode as sound: give WAV, FLAC, OGG or MP3"
BAD_UPLOADS = {
    "empty": (b"", "is empty"),
    "one byte": (b"R", NO_SOUND),
    "text": (b"hello " * 100, NO_SOUND),
    "json": (b'{"data": []}', NO_SOUND),
    "html": (b"<script>alert(1)</script>" * 20, NO_SOUND),
    "png": (b"\x89PNG\r\n\x1a\n" + bytes(500), NO_SOUND),
    "jpeg": (b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(500), NO_SOUND),
    "pdf": (b"%PDF-1.7\n" + bytes(500), NO_SOUND),
    "zip": (b"PK\x03\x04" + bytes(500), NO_SOUND),
    "gzip bomb": (zlib.compress(bytes(10_000_000)), NO_SOUND),
    "elf": (b"\x7fELF\x02\x01\x01" + bytes(500), NO_SOUND),
    "pickle": (b"\x80\x04\x95\x1a\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix", NO_SOUND),
    "midi": (b"MThd\x00\x00\x00\x06\x00\x01\x00\x01\x00\x60" + bytes(100), NO_SOUND),
    "m4a": (b"\x00\x00\x00\x20ftypM4A " + bytes(500), NO_SOUND),
    "webm": (b"\x1a\x45\xdf\xa3" + bytes(500), NO_SOUND),
    "noise": (NOISE, NO_SOUND),
    "nothing but zeros": (bytes(4000), NO_SOUND),
    "a wav's head": (SOUND[:20], NO_SOUND),
    "a wav without sound": (SOUND[:44], "lasts 0 s"),
    "a wav of no rate": (wav(p24=("<I", 0)), NO_SOUND),
    "a wav of no channel": (wav(p22=("<H", 0)), NO_SOUND),
    "a wav of 65535 channels": (wav(p22=("<H", 0xFFFF)), NO_SOUND),
    "a wav of 2^32 Hz": (wav(p24=("<I", 0xFFFFFFFF)), "cannot be taken|lasts"),
    "a wav of an unknown coding": (wav(p20=("<H", 0x7777)), NO_SOUND),
    "a wav of 255 bits": (wav(p34=("<H", 255)), NO_SOUND),
    "a flac cut off in its head": (FLAC[:40], "cannot be taken|lasts"),
    "a flac cut off": (FLAC[: len(FLAC) // 8], "cannot be taken|lasts"),
    "a flac of ten hours": (flac_of_hours(), "lasts 36,000 s: cut it to 60 s or less"),
    "an ogg cut off": (OGG[:60], "cannot be taken|lasts|broke"),
    "an mp3 cut off": (MP3[:40], "cannot be taken|lasts|broke"),
    "silent": (as_sound(np.zeros(RATE)), "is silent in its first 12 s"),
    "silent where it counts": (
        as_sound(np.concatenate([np.zeros(8 * 13), tone()]), rate=8, subtype="PCM_16"), "cannot be|lasts|silent",
    ),
    "too quiet": (as_sound(tone(level=1e-4), subtype="FLOAT"), "is silent"),
    "too short": (as_sound(tone(seconds=0.2)), "lasts 0.2 s: give 0.5 s or more"),
    "too long": (as_sound(np.zeros(8000 * 61), rate=8000), "lasts 61 s: cut it to 60 s"),
    "no numbers": (as_sound(np.full(RATE, np.nan), subtype="FLOAT"), "holds samples that are no numbers"),
    "infinite": (as_sound(np.full(RATE, np.inf), subtype="FLOAT"), "holds samples that are no numbers"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_UPLOADS)
def test_a_bad_upload_gets_one_line_with_its_name(address, case):
    content, message = BAD_UPLOADS[case]
    said = listen(address, clip("../../x\n.wav", content))
    assert isinstance(said, str) and said.startswith("x.wav ")
    assert re.search(message, said) and "\n" not in said and len(said) < 200


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"name": "a.wav"}, "a clip is not as it is sent"),
        ({"name": 7, "sound": ""}, "a clip is not as it is sent"),
        ({"name": "a.wav", "sound": "%%%"}, "a.wav did not arrive whole"),
        ({"name": "a.wav", "sound": ["a"]}, "a clip is not as it is sent"),
        ({"name": "a" * 9999, "sound": "AAAA"}, "aaa"),
        ({"take": "../../etc/passwd"}, "this clip is no longer kept here"),
        ({"take": ["a"]}, "this clip is no longer kept here"),
        ({"codes": "AAAA"}, "is not as it was heard"),
        ({"path": "/etc/hostname", "meta": {"_type": "gradio.FileData"}}, "a clip is not as it is sent"),
    ],
)  # fmt: skip
def test_what_is_no_upload_gets_one_line(address, raw, message):
    said = listen(address, raw)
    assert message in said and "\n" not in said and len(said) < 300


def test_more_than_a_clip_may_have_is_not_carried_in(address, monkeypatch):
    """Told by what the request says of itself: nothing of the body is read."""
    for path, most in (("run/listen_to", LARGEST_SOUND * 4 // 3), ("run/presets", 600_000)):
        request = urllib.request.Request(f"{address}gradio_api/{path}", b"{}", method="POST")
        request.add_unredirected_header("Content-Length", str(most + 1_000_000))
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=20)
        assert refused.value.code == 413
    said = listen(address, {"name": "a.wav", "sound": "A" * 700_000})
    assert said.startswith("a.wav cannot be taken")  # it came in, and is no sound
    monkeypatch.setattr(doors, "MOST_LARGE", 0)
    assert "send it again in a few seconds" in listen(
        address, {"name": "a", "sound": "A" * 700_000}
    )


def test_a_large_request_that_does_not_arrive_is_let_go_of(address, monkeypatch):
    monkeypatch.setattr(doors, "BODY_SECONDS", 0.3)
    import socket
    from urllib.parse import urlsplit

    place = urlsplit(address)
    with socket.create_connection((place.hostname, place.port), timeout=20) as line:
        head = f"POST /gradio_api/run/listen_to HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Type: application/json\r\n"
        line.sendall(f"{head}Content-Length: 1000000\r\n\r\n{{".encode())
        assert line.recv(1000).split()[1] in (b"400", b"408")
