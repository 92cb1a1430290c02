"""A page that plays nothing, in a process of its own: as well as a file says, and gone when told so."""

from __future__ import annotations

import json
import os
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path


class Answer(BaseHTTPRequestHandler):
    line: Path

    def do_GET(self) -> None:
        said = self.line.read_text()
        self.send_response(503 if said else 200)
        self.end_headers()
        self.wfile.write(
            json.dumps({"line": said, "mark": os.environ["STEERING_REPLICA"]}).encode()
        )

    def log_message(self, *_: object) -> None:
        pass


def page(arguments: list[str]) -> None:
    """As `studio.cluster.actors.page`; the first argument is the file."""
    line, given = Path(arguments[0]), dict(zip(arguments[1::2], arguments[2::2], strict=False))
    if not line.exists():
        raise SystemExit(2)
    Answer.line = line
    HTTPServer((given["--host"], int(given["--port"])), Answer).serve_forever()
