"""The command line of the sketch: train it, export it, play it, look at it."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

from curation.command_line import Parser, ended
from curation.errors import BadInput
from curation.extras import need
from sketch.prompts import EXAMPLES, LONGEST_SECONDS

WORK = Path("build/sketch")
PARTS = ("decoders", "encoder", "lm")
PRECISIONS = ("float32", "bfloat16")

EPILOG = f"""\
first steps:
  python -m sketch play "{EXAMPLES[0]}" --out waltz.wav
  python -m sketch gallery build/gallery            twelve prompts: WAVs, and pictures to look at

to make it anew, on two cores or a GPU; every step goes on where it was stopped:
  python -m sketch train decoders --minutes 39
  python -m sketch train encoder --minutes 28
  python -m sketch train lm --minutes 70
  python -m sketch export sketch/weights
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it did its job, 2 for bad input."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    return ended("sketch", lambda: options.run(options))


def train(options: argparse.Namespace) -> None:
    """Train a part of the codec or the language model, or go on with it."""
    import torch

    from sketch.checkpoints import Amount
    from sketch.language.train import fast_precision

    device = _device(options.device)
    amount = Amount(options.minutes, options.steps)
    precision = getattr(torch, options.precision) if options.precision else fast_precision(device)
    given = (amount, device, precision, options.begin, options.cores)
    if options.begin:
        take_books(options.begin, options.work)
    if options.part == "lm":
        from sketch.codec.train import learn_codebooks
        from sketch.language.train import train as train_language_model

        learn_codebooks(options.work, cores=options.cores)
        train_language_model(options.work, *given)
    else:
        from sketch.codec.train import train as train_codec

        train_codec(options.work, options.part, *given)


def take_books(begin: Path, work: Path) -> None:
    """The codebooks of a sketch for the folder of a training.

    Raises:
        BadInput: the folder has other codebooks.
    """
    import shutil

    from curation.files import whole
    from sketch.codec.stems import BOOKS_FILE
    from sketch.loading import check_folder

    check_folder(begin)
    work.mkdir(parents=True, exist_ok=True)
    if not (work / BOOKS_FILE).exists():
        with whole(work / BOOKS_FILE) as part:
            shutil.copyfile(begin / BOOKS_FILE, part)
    elif (work / BOOKS_FILE).read_bytes() != (begin / BOOKS_FILE).read_bytes():
        raise BadInput(f"{work} has other codebooks than {begin}: choose another --work")


def export(options: argparse.Namespace) -> None:
    """Write the trained model as a folder that transformers loads."""
    from sketch.export import export as export_folder

    size = export_folder(options.work, options.folder)
    print(f"{options.folder}: {size / 1e6:.1f} MB")


def play(options: argparse.Namespace) -> None:
    """Play a prompt into a WAV file."""
    import soundfile
    import torch
    from tqdm import tqdm

    from sketch.loading import load_sketch

    if not options.out.parent.is_dir():
        raise BadInput(f"{options.out.parent} is no folder: make it, or choose another --out")
    quieten()
    if sys.stderr.isatty():
        print("loading the model; the first time Python compiles its libraries", file=sys.stderr)
    torch.set_num_threads(options.threads)
    sketch = load_sketch(options.weights, _device(options.device))
    with tqdm(disable=None, desc="steps", leave=False) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update()

        asked = (options.seconds, options.seed, options.guidance)
        audio = sketch.play([options.prompt], *asked, progress=show)[0]
    soundfile.write(options.out, audio, sketch.sample_rate, subtype="PCM_16")
    print(f"{options.out}: {len(audio) / sketch.sample_rate:.1f} s")


def gallery(options: argparse.Namespace) -> None:
    """Play twelve test prompts beside the clips of the corpus that they describe."""
    need("curation")
    from sketch.gallery import make_gallery
    from sketch.loading import load_sketch

    quieten()
    pictures = make_gallery(load_sketch(options.weights), options.folder, options.seed)
    print(f"look at {' and '.join(map(str, pictures))}, listen to {options.folder}")


def quieten() -> None:
    """Leave out what transformers says of every model, and librosa of every short clip."""
    warnings.filterwarnings("ignore", "n_fft=.* is too large for input signal")
    from transformers.utils import logging as transformers_logging

    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()


def _device(name: str | None) -> str:
    import torch

    best = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and best != "cuda":
        raise BadInput("--device cuda: torch sees no GPU here; leave the option out")
    return name or best


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m sketch",
        description=(__doc__ or "").splitlines()[0],
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="command")

    def command(run: object) -> argparse.ArgumentParser:
        text = (run.__doc__ or "").splitlines()[0]
        added = commands.add_parser(run.__name__, help=text, description=text)  # type: ignore[attr-defined]
        added.set_defaults(run=run)
        return added

    added = command(train)
    added.add_argument("part", choices=PARTS)
    added.add_argument("--minutes", type=float, help="of training in all")
    added.add_argument(
        "--steps", type=int, help="in their place: the same weights however often it is stopped"
    )
    _add_work(added)
    added.add_argument("--device", choices=("cpu", "cuda"), help="default: the GPU if there is one")
    added.add_argument("--begin", type=Path, help="a sketch to begin with, as sketch/weights")
    added.add_argument(
        "--cores", type=int, default=os.cpu_count() or 1, help="to use; default: all of them"
    )
    added.add_argument(
        "--precision", choices=PRECISIONS, help="default: bfloat16 where the machine is made for it"
    )
    added = command(export)
    added.add_argument("folder", type=Path, help="where the model goes, as sketch/weights")
    _add_work(added)
    added = command(play)
    added.add_argument("prompt", help="some music in words")
    added.add_argument("--seconds", type=float, default=10.0, help=f"up to {LONGEST_SECONDS:g}")
    added.add_argument("--seed", type=int, default=0)
    added.add_argument(
        "--guidance", type=float, default=3.0, help="how closely to follow the prompt"
    )
    added.add_argument("--out", type=Path, default=Path("sketch.wav"), help="default: sketch.wav")
    _add_weights(added)
    added.add_argument("--device", choices=("cpu", "cuda"))
    added.add_argument(
        "--threads",
        type=int,
        default=1,
        help="of the processor; default 1: so small a model gains nothing by more, and where other "
        "programs are at work two that wait for each other take twenty times as long",
    )
    added = command(gallery)
    added.add_argument("folder", type=Path)
    added.add_argument("--seed", type=int, default=0)
    _add_weights(added)
    return parser


def _add_work(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--work", type=Path, default=WORK, help=f"default: {WORK}")


def _add_weights(parser: argparse.ArgumentParser) -> None:
    default = Path(__file__).parent / "weights"
    parser.add_argument("--weights", type=Path, default=default, help="default: the shipped model")
