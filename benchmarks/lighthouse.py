"""What Lighthouse says of the page: an npm package of a fixed version, fetched by `npx`, in headless Chromium."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
from typing import Any

from curation.errors import BadInput

VERSION = "13.5.0"
PRESETS = {"desktop": ["--preset=desktop"], "mobile": []}
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
TAKES, PATIENCE_SECONDS = 3, 300
TIMES = {
    "first_paint_s": "first-contentful-paint",
    "largest_paint_s": "largest-contentful-paint",
    "blocked_s": "total-blocking-time",
}


def lighthouse(address: str, takes: int = TAKES) -> dict[str, dict[str, Any]]:
    """Scores from 0 to 100 by preset, each the median of some takes, and what keeps them below 100.

    Raises:
        BadInput: npx or chromium is missing, or Lighthouse gives no report.
    """
    found = {}
    for preset, flags in PRESETS.items():
        reports = [_report(address, flags) for _ in range(takes)]
        row: dict[str, Any] = {
            name: statistics.median(_points(one, name) for one in reports) for name in CATEGORIES
        }
        for name, audit in TIMES.items():
            times = [one["audits"][audit]["numericValue"] for one in reports]
            row[name] = round(statistics.median(times) / 1000, 2)
        row["objections"] = sorted({said for one in reports for said in _objections(one)})
        print(preset, row, flush=True)
        found[preset] = row
    return found


def _points(report: dict[str, Any], category: str) -> int:
    return round(100 * (report["categories"][category]["score"] or 0))


def _objections(report: dict[str, Any]) -> list[str]:
    """What is marked down and counts, but for the times, which are numbers of their own."""
    return [
        f"{name}: {report['audits'][one['id']]['title']}"
        for name in CATEGORIES[1:]
        for one in report["categories"][name]["auditRefs"]
        if one["weight"] and report["audits"][one["id"]]["score"] not in (None, 1)
    ]


def _report(address: str, flags: list[str]) -> dict[str, Any]:
    npx, chromium = shutil.which("npx"), shutil.which("chromium")
    if npx is None:
        raise BadInput("there is no npx: install Node.js (Debian: nodejs and npm) for Lighthouse")
    if chromium is None:
        raise BadInput("there is no chromium: apt-get install chromium")
    asked = [
        *(npx, "--yes", f"lighthouse@{VERSION}", address, *flags, "--quiet", "--output=json"),
        f"--only-categories={','.join(CATEGORIES)}",
        "--chrome-flags=--headless --no-sandbox",
    ]
    surroundings = os.environ | {"CHROME_PATH": chromium}
    try:
        said = subprocess.run(
            asked, capture_output=True, text=True, timeout=PATIENCE_SECONDS, env=surroundings
        )
        return json.loads(said.stdout)
    except subprocess.TimeoutExpired:
        raise BadInput(f"Lighthouse gave no report in {PATIENCE_SECONDS} s: try again") from None
    except ValueError:
        why = (said.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise BadInput(f"Lighthouse gave no report: {why:.200}") from None
