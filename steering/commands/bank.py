"""Push banks to the Hugging Face Hub, pull them from there, or bind old ones' names to vectors."""

from __future__ import annotations

import argparse
from pathlib import Path

from curation.errors import BadInput


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("push", "pull", "bind"))
    parser.add_argument("folder", type=Path, help="a bank, or a folder of banks")
    parser.add_argument("repo", nargs="?", help="for push and pull: owner/name on the Hub")
    parser.add_argument("--private", action="store_true", help="for push: not for all to see")
    parser.add_argument("--revision", help="for pull: a commit or tag")


def run(options: argparse.Namespace) -> None:
    """One folder up, one repository down, or all banks of a folder bound as they are."""
    from steering.directions import hub

    if options.action == "bind":
        banks = hub.bind(options.folder)
    elif options.repo is None:
        raise BadInput(f"there is no repository: bank {options.action} FOLDER owner/name")
    elif options.action == "push":
        count = len(hub.banks_in(options.folder))
        page = hub.push(options.folder, options.repo, private=options.private)
        print(f"{page}: {count} banks")
        return
    else:
        banks = hub.pull(options.repo, options.folder, options.revision)
    for bank in banks:
        print(f"{bank.family} by {bank.method}: {', '.join(bank)} ({bank.origin.model})")
