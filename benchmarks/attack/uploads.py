"""A visitor fills the page's disk with files, fetches what it has, and sends more than any recipe is."""

from __future__ import annotations

import json
import urllib.error

from benchmarks.attack import Attack, Outcome
from benchmarks.attack.target import Page, Target

MEGABYTES = 60
UNUSED = (
    "upload_progress?upload_id=a", "file=/etc/hostname", "proxy=https://example.org/", "dev/reload",
    "vibe-code", "token", "user", "login_check", "queue/status", "runs", "openapi.json",
    "stream/a/b/1/playlist.m3u8", "custom_component/1/client/component/style.css",
)  # fmt: skip
"""What Gradio serves and this page does not need: none of it should be there."""


def _fill(target: Target) -> Outcome:
    with target.page() as page:
        sent, said = _upload(page)
        opened = [path for path in UNUSED if _status(page, f"/gradio_api/{path}") != 404]
        large = _status(page, "/gradio_api/call/presets", b" " * 1_000_000)
        component = _status(page, "/gradio_api/component_server", b"{}")
        named = {"path": "/etc/hostname", "meta": {"_type": "gradio.FileData"}}
        answer = page.call("check_recipe", named)
        alive = page.call("presets")["event"] == "complete"
    refused = isinstance(answer["data"], dict) and bool(answer["data"].get("error"))
    held = sent == 0 and not opened and large == 413 and component == 404 and refused and alive
    return Outcome(
        held,
        f"{sent} of {MEGABYTES} MB were taken ({said}), {len(opened)} of {len(UNUSED)} unused routes "
        f"answered, 1 MB of a call got {large}, a file's name in a recipe {answer['data']}",
    )


def _upload(page: Page) -> tuple[int, str]:
    """Megabytes that were kept, one file each."""
    head = b'Content-Disposition: form-data; name="files"; filename="f.bin"\r\n\r\n'
    body = b"--x\r\n" + head + b"0" * 1_000_000 + b"\r\n--x--\r\n"
    kept, said = 0, ""
    for _ in range(MEGABYTES):
        try:
            page.fetch(
                "/gradio_api/upload",
                body,
                content_type="multipart/form-data; boundary=x",
                timeout=30,
            )
            kept += 1
        except urllib.error.HTTPError as error:
            said = str(error.code)
        except OSError as error:
            said = type(error).__name__
    return kept, said or "200"


def _status(page: Page, path: str, body: bytes | None = None) -> int:
    try:
        page.fetch(path, body, timeout=5)
    except urllib.error.HTTPError as error:
        return error.code
    except (OSError, json.JSONDecodeError):
        return 0  # open, and it keeps the line
    return 200


attacks = (Attack(8, "fill the disk with uploads, and reach what Gradio serves", _fill),)
