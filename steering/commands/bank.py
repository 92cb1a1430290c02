"""Push banks to the Hugging Face Hub, or pull them from there."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("push", "pull"))
    parser.add_argument("folder", type=Path, help="a bank, or a folder of banks")
    parser.add_argument("repo", help="owner/name on the Hub")
    parser.add_argument("--private", action="store_true", help="for push: not for all to see")
    parser.add_argument("--revision", help="for pull: a commit or tag")


def run(options: argparse.Namespace) -> None:
    """One folder up, or one repository down."""
    from steering.directions import hub

    if options.action == "push":
        count = len(hub.banks_in(options.folder))
        page = hub.push(options.folder, options.repo, private=options.private)
        print(f"{page}: {count} banks")
        return
    for bank in hub.pull(options.repo, options.folder, options.revision):
        print(f"{bank.family} by {bank.method}: {', '.join(bank)} ({bank.origin.model})")
