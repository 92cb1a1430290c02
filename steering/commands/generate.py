"""Play a prompt twice, steered and not, with the same noise; or a recipe again."""

from __future__ import annotations

import argparse
import math
from dataclasses import fields
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from curation.errors import BadInput
from curation.files import write_whole
from sketch.cli import quieten
from steering.commands.shared import add_model

if TYPE_CHECKING:
    from steering.directions.bank import Bank
    from steering.interventions.intervention import Intervention
    from steering.interventions.monitor import Monitor
    from steering.interventions.schedules import Schedule
    from steering.models.interface import MusicModel
    from steering.recipes import Banks, Recipe


STEER = "[BANK:]CONCEPT=STRENGTH[@SCHEDULE[:SETTING=VALUE,...]]"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    add_model(parser)
    parser.add_argument("prompt", nargs="?", help="in words; not with --recipe")
    parser.add_argument(
        "--bank", help="a folder that 'train' wrote, or a shipped bank, as notes/mean_difference"
    )
    parser.add_argument(
        "--steer",
        action="append",
        metavar=STEER,
        help="a concept and how strong: a share of the residual stream's usual length, about 0.03 to "
        "0.06; as C=0.045, or 'A minor=0.045@constant:start=2,end=6'; may be given several times, "
        "each with a bank of its own before a colon, as triads_in_songs/logistic:'A minor'=0.045",
    )
    parser.add_argument(
        "--recipe", type=Path, help="play what an earlier recipe.json says, exactly"
    )
    parser.add_argument(
        "--banks",
        type=Path,
        action="append",
        default=[],
        help="with --recipe: a bank, or a folder of banks, that the recipe may use beside those that "
        "come with the model; may be given several times",
    )
    parser.add_argument("--seconds", type=float, default=10.0, help="of each clip; default 10")
    parser.add_argument("--seed", type=int, default=0, help="one seed, one clip; default 0")
    parser.add_argument("--guidance", type=float, default=3.0)
    parser.add_argument("--temperature", type=float, default=1.0)
    parser.add_argument("--top-k", type=int, default=250)
    parser.add_argument("--top-p", type=float, default=1.0)
    parser.add_argument("--layers", default="all", help="all, top, linear, exponential")
    parser.add_argument("--gate", type=float, default=1.0, help="chance that a step is steered")
    parser.add_argument("--operator", default="add", help="add, add_keeping_norm or ablate")
    parser.add_argument("--rows", default="both", help="both, conditional or unconditional")
    parser.add_argument(
        "--monitor",
        nargs="?",
        const="",
        metavar="SETTINGS",
        help="let strengths set themselves: they let go of what is heard already; settings as "
        "target=0.3,rate=2,memory=0.5",
    )
    parser.add_argument(
        "--orthogonalise", action="store_true", help="let no concept that is pushed move another"
    )
    parser.add_argument(
        "--decoder", default="fused", help="fused, or hooks: the library's own, for reference"
    )
    parser.add_argument("--out", type=Path, default=Path("build/steered"))


def run(options: argparse.Namespace) -> None:
    """Write ``steered.wav``, ``unsteered.wav`` and ``recipe.json``."""
    import soundfile

    from steering.api import load_bank, play, twins
    from steering.models import load_model

    quieten()
    given = _given(options)
    name = options.model if given is None else _model_of(given, options.model)
    model = load_model(name, options.backend, options.device)
    banks = cache(partial(load_bank, model=model, within=None if given is None else options.banks))
    recipe = given or _recipe(options, model, banks)
    clips = twins(recipe, model, banks)
    with tqdm(disable=None, desc="steps", leave=False) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(1)

        codes = play(model, clips, recipe.seconds, recipe.sampling, recipe.decoder, show)
    options.out.mkdir(parents=True, exist_ok=True)
    for name, audio in zip(("steered", "unsteered"), model.decode(codes), strict=True):
        soundfile.write(options.out / f"{name}.wav", audio.cpu().numpy(), model.sample_rate)
    write_whole(options.out / "recipe.json", recipe.to_json() + "\n")
    print(f"{options.out}: steered.wav, unsteered.wav, recipe.json")


def _given(options: argparse.Namespace) -> Recipe | None:
    """The recipe of --recipe; without one, what a new recipe needs must be there."""
    from steering.recipes import read_recipe

    if options.recipe is None:
        missing = [name for name in ("prompt", "steer") if not getattr(options, name)]
        if not missing and not options.bank and not all(":" in one for one in options.steer):
            missing = ["bank"]
        if missing:
            raise BadInput(
                f"there is no {missing[0]}: give a prompt, --bank and --steer, or --recipe"
            )
        return None
    if options.prompt is not None or options.bank or options.steer:
        raise BadInput("a recipe has its own prompt and banks: give it without a prompt and --bank")
    return read_recipe(options.recipe)


def _model_of(recipe: Recipe, allowed: str) -> str:
    """The model that a recipe names: a public one, or the folder that --model names too.

    Raises:
        BadInput: it is another folder; a recipe may be anybody's, and does not choose what is read.
    """
    from steering.models.loading import is_public

    if is_public(recipe.model):
        return recipe.model
    if Path(recipe.model).absolute() != Path(allowed).absolute():
        raise BadInput(
            f"the recipe's model is {recipe.model!r:.80}, no name on the Hub: if it is a folder that "
            "you trust, name it with --model too"
        )
    return allowed


def _recipe(options: argparse.Namespace, model: MusicModel, banks: Banks) -> Recipe:
    from steering.decoding.sampling import Sampling
    from steering.directions.carried import carried, named
    from steering.recipes import Recipe, played_on, records

    used: dict[str, Bank] = {}

    def bank(name: str) -> Bank:
        return used.setdefault(name, named(banks(name)))

    interventions = [_intervention(text, bank, options) for text in options.steer]
    device, dtype = played_on(model)
    return Recipe(
        model=options.model,
        revision=model.origin.revision,
        prompt=options.prompt,
        seconds=options.seconds,
        seed=options.seed,
        sampling=Sampling(options.guidance, options.temperature, options.top_k, options.top_p),
        interventions=records(interventions),
        orthogonalise=options.orthogonalise,
        decoder=options.decoder,
        device=device,
        dtype=dtype,
        banks=carried(used.values()),
    )


def _intervention(text: str, banks: Banks, options: argparse.Namespace) -> Intervention:
    """What one ``--steer`` says."""
    from steering.interventions.gate import Gate
    from steering.interventions.intervention import Intervention
    from steering.interventions.layers import LayerWeights

    what, _, schedule = text.partition("@")
    what, equals, strength = what.rpartition("=")
    source, colon, concept = what.rpartition(":")
    coefficient = _number(strength)
    if not equals or coefficient is None:
        raise BadInput(f"--steer {text}: write it as {STEER}")
    return Intervention(
        banks(source if colon else str(options.bank))[concept],
        coefficient,
        schedule=_schedule(schedule),
        layers=LayerWeights(options.layers),
        gate=Gate(options.gate),
        operator=options.operator,
        rows=options.rows,
        monitor=_monitor(options.monitor),
    )


def _monitor(text: str | None) -> Monitor | None:
    """``target=0.3,rate=2`` as a monitor; None where none is asked for."""
    from steering.interventions.monitor import Monitor

    if text is None:
        return None
    wrong = f"--monitor {text}: write it as target=0.3,rate=2,memory=0.5"
    settings = _settings(text, wrong)
    if not settings.keys() <= {one.name for one in fields(Monitor)}:
        raise BadInput(wrong)
    return Monitor(**settings)


def _schedule(text: str) -> Schedule:
    """``pulse:period=2,width=1.2`` as a schedule; nothing is a constant one."""
    from steering.interventions.schedules import Schedule

    shape, _, rest = text.partition(":")
    wrong = f"schedule {text}: write settings as {shape}:NAME=SECONDS,..."
    return Schedule(shape or "constant", _settings(rest, wrong))


def _settings(text: str, wrong: str) -> dict[str, float]:
    """``period=2,width=1.2`` as numbers by name; what is not of this form is told with ``wrong``."""
    settings = {}
    for part in text.split(",") if text else ():
        name, _, value = part.partition("=")
        number = _number(value)
        if number is None:
            raise BadInput(wrong)
        settings[name] = number
    return settings


def _number(text: str) -> float | None:
    """A finite number, or None."""
    try:
        return float(text) if math.isfinite(float(text)) else None
    except ValueError:
        return None
