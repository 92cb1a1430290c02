"""Play a prompt twice, steered and not, with the same noise; or a recipe again."""

from __future__ import annotations

import argparse
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from curation.errors import BadInput
from sketch.cli import quieten
from steering.commands.shared import add_model

if TYPE_CHECKING:
    from steering.directions import Bank
    from steering.interventions import Intervention
    from steering.models.interface import MusicModel
    from steering.recipes import Banks, Recipe


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    add_model(parser)
    parser.add_argument("prompt", nargs="?", help="in words; not with --recipe")
    parser.add_argument("--bank", type=Path)
    parser.add_argument("--steer", action="append", metavar="CONCEPT=STRENGTH[@SCHEDULE]")
    parser.add_argument(
        "--recipe", type=Path, help="play what an earlier recipe.json says, exactly"
    )
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--guidance", type=float, default=3.0)
    parser.add_argument("--temperature", type=float, default=1.0)
    parser.add_argument("--top-k", type=int, default=250)
    parser.add_argument("--top-p", type=float, default=1.0)
    parser.add_argument("--layers", default="exponential", help="all, top, linear, exponential")
    parser.add_argument("--gate", type=float, default=1.0, help="chance that a step is steered")
    parser.add_argument("--operator", default="add")
    parser.add_argument("--rows", default="both", help="both, conditional or unconditional")
    parser.add_argument("--orthogonalise", action="store_true")
    parser.add_argument(
        "--decoder", default="fused", help="fused, or hooks: the library's own, for reference"
    )
    parser.add_argument("--out", type=Path, default=Path("build/steered"))


def run(options: argparse.Namespace) -> None:
    """Write ``steered.wav``, ``unsteered.wav`` and ``recipe.json``."""
    import soundfile

    from steering.models import load_model
    from steering.playing import play, twins

    quieten()
    given = _given(options)
    name = options.model if given is None else given.model
    model = load_model(name, options.backend, options.device)
    banks = _banks(model)
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
    (options.out / "recipe.json").write_text(recipe.to_json() + "\n")
    print(f"{options.out}: steered.wav, unsteered.wav, recipe.json")


def _given(options: argparse.Namespace) -> Recipe | None:
    """The recipe of --recipe; without one, what a new recipe needs must be there."""
    from steering.recipes import Recipe

    if options.recipe is None:
        missing = [name for name in ("prompt", "bank", "steer") if not getattr(options, name)]
        if missing:
            raise BadInput(
                f"there is no {missing[0]}: give a prompt, --bank and --steer, or --recipe"
            )
        return None
    if options.prompt is not None or options.bank or options.steer:
        raise BadInput("a recipe has its own prompt and banks: give it without a prompt and --bank")
    try:
        return Recipe.from_json(options.recipe.read_text())
    except (OSError, UnicodeDecodeError):
        raise BadInput(f"{options.recipe} cannot be read: give a recipe.json") from None


def _recipe(options: argparse.Namespace, model: MusicModel, banks: Banks) -> Recipe:
    from steering.recipes import Recipe, records
    from steering.sampling import Sampling

    interventions = [
        _intervention(text, banks(str(options.bank)), options) for text in options.steer
    ]
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
    )


def _banks(model: MusicModel) -> Banks:
    """Banks by the folder that a recipe names, each loaded once."""
    from steering.directions import load_bank

    @cache
    def look_up(folder: str) -> Bank:
        return load_bank(Path(folder), model.origin)

    return look_up


def _intervention(text: str, bank: Bank, options: argparse.Namespace) -> Intervention:
    """``C=0.05`` or ``C=0.05@linear_rise`` as an intervention."""
    from steering.interventions import Gate, Intervention
    from steering.layers import LayerWeights
    from steering.schedules import Schedule

    concept, equals, rest = text.rpartition("=")
    strength, _, shape = rest.partition("@")
    try:
        coefficient = float(strength)
    except ValueError:
        coefficient = float("nan")
    if not equals or coefficient != coefficient:
        raise BadInput(f"--steer {text}: write CONCEPT=STRENGTH or CONCEPT=STRENGTH@SCHEDULE")
    return Intervention(
        bank[concept],
        bank.norms,
        coefficient,
        schedule=Schedule(shape or "constant"),
        layers=LayerWeights(options.layers),
        gate=Gate(options.gate, seed=options.seed),
        operator=options.operator,
        rows=options.rows,
        source=str(options.bank),
    )
