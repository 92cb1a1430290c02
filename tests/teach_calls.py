"""Sounds to teach by, and a visitor's calls of the page's endpoints with them."""

from __future__ import annotations

import base64
import io
import json
import urllib.error
import urllib.request

import numpy as np
import soundfile

RATE = 32_000


def tone(hz: float = 440.0, seconds: float = 1.5, level: float = 0.2) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    return (level * np.sin(2 * np.pi * hz * time)).astype(np.float32)


def as_sound(audio: np.ndarray, kind: str = "WAV", rate: int = RATE, **how) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, audio, rate, format=kind, **how)
    return file.getvalue()


def clip(name: str, content: bytes) -> dict:
    return {"name": name, "sound": base64.b64encode(content).decode()}


def post(address: str, path: str, *data, **headers: str):
    """Status and answer."""
    body = json.dumps({"data": data}).encode()
    head = {"Content-Type": "application/json"} | headers
    request = urllib.request.Request(f"{address}gradio_api/{path}", body, head)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


def listen(address: str, raw: dict, belongs=(), of: int = 3):
    status, said = post(address, "run/listen_to", raw, list(belongs), of)
    return said["data"][0] if status == 200 else said["error"]


def taught(address: str, *data) -> list[dict]:
    """The events of a lesson."""
    _, said = post(address, "call/teach", *data)
    call = f"{address}gradio_api/call/teach/{said['event_id']}"
    found = []
    with urllib.request.urlopen(call, timeout=120) as stream:
        for line in stream:
            said = json.loads(line[6:]) if line.startswith(b"data: ") else None
            if isinstance(said, dict):
                found.append({"event": "error", "message": said["error"]})
            elif said:
                found.append(said[0])
    return found
