"""What several commands ask for and show."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from curation.errors import BadInput
from sketch.cli import quieten

if TYPE_CHECKING:
    from curation.machines import Machines
    from steering.activations.store import Activations
    from steering.models import MusicModel
    from steering.models.loading import NamedModel

STORE = Path("build/activations")


def add_model(parser: argparse.ArgumentParser) -> None:
    """The options that say which model."""
    parser.add_argument("--model", default="sketch", help="sketch, a name on the Hub, or a folder")
    parser.add_argument("--backend", default="transformers", help="transformers or audiocraft")
    parser.add_argument("--device", help="default: the GPU if there is one")


def add_reading(parser: argparse.ArgumentParser) -> None:
    """The options that say which activations."""
    parser.add_argument("dataset", help="a build, a dataset on the Hub, or a folder of audio")
    parser.add_argument("--pooling", default="mean", help="mean, last or second")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--store", type=Path, default=STORE, help=f"default: {STORE}")


def read_store(
    options: argparse.Namespace, machines: Machines | None = None
) -> tuple[Activations, MusicModel]:
    """The activations that the options name, read as far as they are not there yet.

    Raises:
        BadInput: machines are to read what is no build.
    """
    from steering.activations.parts import read_parts
    from steering.activations.reader import read_source
    from steering.activations.sources import BuiltSource, open_source

    source = open_source(options.dataset)
    if machines and not isinstance(source, BuiltSource):
        raise BadInput(f"{options.dataset} is no build: leave out --executor, or build it first")
    model = model_of(options)
    how = options.pooling, options.batch
    with tqdm(total=source.clips, unit=" clips", disable=None, leave=False) as bar:
        if machines and isinstance(source, BuiltSource):
            named, folder = named_model(options), options.store
            store = read_parts(model, named, source, folder, machines, *how, bar.update)
        else:
            store = read_source(model, source, options.store, *how, bar.update)
    return store, model


def named_model(options: argparse.Namespace) -> NamedModel:
    """The model that the options name, for processes that load it themselves."""
    from steering.models.loading import SKETCH, NamedModel

    folder = Path(options.model)
    local = options.model != SKETCH and folder.is_dir()
    name = str(folder.resolve()) if local else options.model
    return NamedModel(name, options.backend, options.device)


def model_of(options: argparse.Namespace) -> MusicModel:
    """The model that the options name."""
    from steering.models import load_model

    quieten()
    return load_model(options.model, options.backend, options.device)


def teller() -> Callable[[str, int, int], None]:
    """A progress of many parts on one line of the terminal; a log gets a line every tenth."""
    shown: dict[str, int] = {}
    live = sys.stderr.isatty()

    def tell(what: str, done: int, total: int) -> None:
        tenth = 10 * done // max(total, 1)
        if not live and shown.get(what) == tenth:
            return
        shown[what] = tenth
        end = "\r" if live and done < total else "\n"
        print(f"{what}: {done:,} of {total:,}", end=end, file=sys.stderr, flush=True)

    return tell
