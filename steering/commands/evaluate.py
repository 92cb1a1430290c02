"""Judge steering against its twin and its controls, and write one report."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from curation.errors import BadInput
from curation.extras import need
from steering.commands.shared import add_model, model_of, teller

if TYPE_CHECKING:
    from steering.evaluation.evaluating import Evaluation
    from steering.evaluation.report import Part
    from steering.evaluation.running import Progress
    from steering.evaluation.strengths import Chosen

HOME = Path("build/evaluation")
CLIPS = {"validation": 48, "test": 108}
"""Of a cell: every note four times, and nine times."""
SINGLE = ("notes", "chords", "qualities", "genres", "keys", "modes")
PAPER = ("paper", "paper-chords")
"""The settings that were published, on notes and on chord qualities: nothing is chosen."""
WHAT = (*SINGLE, *PAPER, "tempos", "schedules", "pairs", "probes")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_model(parser)
    parser.add_argument("what", choices=WHAT)
    parser.add_argument(
        "--split",
        choices=("validation", "test"),
        help="choose strengths (default where there are any to choose), or report figures at those",
    )
    parser.add_argument(
        "--clips", type=int, help="of a cell; default: 48 for validation, 108 for the test"
    )
    parser.add_argument("--seconds", type=float, help="of a clip; each evaluation has its own")
    parser.add_argument(
        "--strengths",
        type=Path,
        help=f"file of what validation chose; default {HOME}/strengths/WHAT.json, or else the "
        "one that comes with the sketch",
    )
    parser.add_argument("--out", type=Path, help=f"default {HOME}/WHAT-SPLIT")
    parser.add_argument("--home", type=Path, default=HOME, help="where cells are kept")
    parser.add_argument("--banks", type=Path, help="default: the shipped ones")
    parser.add_argument(
        "--preset",
        choices=("small", "full"),
        default="small",
        help="how much of a family's grid new banks are trained on: full is the papers'; banks of "
        "the full grid stand apart from those of the small one",
    )
    parser.add_argument("--builds", type=Path, default=Path("build"), help="where clips are built")
    parser.add_argument("--methods", nargs="*", help="that are compared; default: all")
    parser.add_argument("--batch", type=int, default=36)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument(
        "--real-hours",
        type=float,
        default=3.0,
        help="of rendered songs that the listeners are fitted on",
    )
    parser.add_argument(
        "--truth-clips",
        type=int,
        default=100,
        help="rendered clips that tell how far the judges can be trusted",
    )
    parser.add_argument(
        "--clap",
        help="CLAP that hears prompt adherence, as laion/larger_clap_music, where it is on this machine; "
        "else listeners that were fitted on songs do",
    )
    parser.add_argument("--datasets", nargs="*", help="for probes: builds, as build/notes-small")


def run(options: argparse.Namespace) -> None:
    """One evaluation from end to end; a second run goes on where a first one was stopped."""
    need("curation")
    if options.what == "probes":
        _probes(options)
        return
    options.split = options.split or ("validation" if options.what in SINGLE else "test")
    from steering.evaluation import evaluating, strengths

    evaluation = prepare(options)
    origin, seeds = evaluation.setting.origin, [ask.seed for ask in evaluation.asks]
    path, chosen_by = _strengths(options), _chosen_by(options)
    if options.what == "tempos":
        from steering.evaluation.studies.tempos import tempo_parts

        parts = tempo_parts(evaluation)
    elif options.what in PAPER:
        from steering.evaluation.studies.paper import paper_parts

        parts = paper_parts(evaluation)
    elif options.split == "validation" and options.what in SINGLE:
        parts, chosen = evaluating.validation(evaluation)
        strengths.write(path, chosen, origin, seeds)
        print(f"{path}: {chosen.best.bank} at {chosen.best.coefficient:.3g}")
    else:
        chosen = strengths.read(path, origin, seeds, chosen_by)
        parts = _at_chosen(options.what)(evaluation, chosen)
    _report(options, evaluation, parts)


def _at_chosen(what: str) -> Callable[[Evaluation, Chosen], list[Part]]:
    """What is played at the strengths that validation chose."""
    from steering.evaluation import evaluating
    from steering.evaluation.studies.pairs import pair_parts
    from steering.evaluation.studies.schedules import schedule_parts

    if what == "schedules":
        return lambda evaluation, chosen: schedule_parts(evaluation, chosen.best)
    if what == "pairs":
        return lambda evaluation, chosen: pair_parts(evaluation, chosen.best)
    return evaluating.test


def _chosen_by(options: argparse.Namespace) -> str:
    """The evaluation whose validation chooses the strengths: schedules and pairs take the notes'."""
    return str(options.what) if options.what in SINGLE else "notes"


def _strengths(options: argparse.Namespace) -> Path:
    """The file that was asked for, or the own one, or else the one that comes with the sketch."""
    from steering.directions.library import RESULTS

    name = f"strengths/{_chosen_by(options)}.json"
    own: Path = options.strengths or options.home / name
    choosing = options.split == "validation" and options.what in SINGLE
    if options.strengths or choosing or own.exists() or not (RESULTS / name).exists():
        return own
    return RESULTS / name


def prepare(options: argparse.Namespace) -> Evaluation:
    """Model, clips, judges and banks; bad options are refused before anything is played."""
    from steering.decoding.decoder import Decoder
    from steering.decoding.sampling import Sampling
    from steering.directions.library import BANKS
    from steering.evaluation.asks import asks
    from steering.evaluation.banks import BankShelf, HeldOutProbe
    from steering.evaluation.cells import Setting, Shelf
    from steering.evaluation.evaluating import Evaluation
    from steering.evaluation.experiments import EXPERIMENTS
    from steering.evaluation.fitted_judges import Amounts, make_judges
    from steering.evaluation.running import Runner
    from steering.families import concepts_of
    from steering.metrics.adherence import CLAP, find_clap
    from steering.probes import get_method, methods
    from steering.training.workshop import Workshop

    tried = options.methods or list(methods())
    for method in tried:
        get_method(method)
    experiment = EXPERIMENTS[options.what]
    if options.what not in ("tempos", *PAPER) and (
        options.split == "test" or options.what not in SINGLE
    ):
        _refuse_early(options)
    model = model_of(options)
    seconds = options.seconds or experiment.seconds
    concepts = concepts_of(experiment.family)
    clap_name = options.clap or CLAP
    clap = find_clap(clap_name)
    setting = Setting(
        model.origin,
        tuple(
            asks(options.split, options.clips or CLIPS[options.split], concepts, experiment.family)
        ),
        seconds,
        Sampling(),
        clap_name if clap else "",
    )
    tell = teller()
    workshop = Workshop(
        model,
        options.builds,
        options.builds / "activations",
        options.workers,
        told=tell,
        preset=options.preset,
    )
    made = options.builds / ("banks" if options.preset == "small" else f"banks-{options.preset}")
    shipped = options.banks or (BANKS if options.preset == "small" else made)
    hours = options.real_hours
    judges = make_judges(
        options.home / "features",
        seconds,
        Amounts(hours, hours / 5, hours / 5),
        options.workers,
        lambda done, total: tell("listening to real songs", done, total),
    )
    return Evaluation(
        options.what,
        experiment,
        setting,
        Runner(
            model,
            Shelf(options.home / "cells"),
            Decoder(model).generate,
            options.batch,
            options.workers,
            clap,
        ),
        BankShelf(workshop, shipped, made),
        judges,
        HeldOutProbe(workshop, experiment.family) if experiment.probed else None,
        options.out or options.home / f"{options.what}-{options.split}",
        _show,
        tried,
    )


def _refuse_early(options: argparse.Namespace) -> None:
    if not _strengths(options).exists():
        raise BadInput(
            f"{_strengths(options)} is not there: strengths are chosen on validation, run "
            f"'python -m steering evaluate {_chosen_by(options)} --split validation' first"
        )


def _probes(options: argparse.Namespace) -> None:
    """The table of probes on datasets, by test clips."""
    from steering.evaluation import drawing
    from steering.evaluation.studies import probes
    from steering.probes import get_method, methods

    for method in options.methods or ():
        get_method(method)
    if not options.datasets:
        raise BadInput("evaluate probes needs --datasets: name builds, as build/notes-small")
    path = (options.out or options.home / "probes") / "report.json"
    tried = [method for method in probes.compared() if method in (options.methods or methods())]
    found = probes.run(
        model_of(options),
        options.datasets,
        options.builds / "activations",
        path,
        options.batch,
        lambda line: print(line, file=sys.stderr, flush=True),
        tried,
    )
    drawing.draw_probes(found, path.parent / "probes.png")
    print(probes.page(found))


def _show(progress: Progress) -> None:
    print(progress, file=sys.stderr, flush=True)


def _report(options: argparse.Namespace, evaluation: Evaluation, parts: list[Part]) -> None:
    from steering.evaluation import report
    from steering.evaluation.truth import own_errors

    names = list(evaluation.experiment.trials)
    setting = evaluation.setting
    model = evaluation.runner.model
    facts = {
        "model": f"{setting.origin.model} ({setting.origin.revision})",
        "clips of a cell": f"{len(setting.asks)} of {setting.seconds:g} s, {options.split} prompts "
        f"such as '{setting.asks[0].text['plain']}'",
        "prompt adherence": f"cosine in {setting.clap}"
        if setting.clap
        else "probability of what the prompt names, by the listeners below",
    }
    if names and options.truth_clips:
        for kind, through in (("", None), (", through the codec", model)):
            for name, error in own_errors(names, options.truth_clips, through).items():
                facts[f"the judge of {name}{kind}"] = str(error)
    facts |= {f"the listener to {name}": error for name, error in evaluation.judges.errors.items()}
    if evaluation.held_out is not None:
        facts["held-out probe"] = evaluation.held_out.about
    report.write(evaluation.folder, f"{options.what}, {options.split} split", facts, parts)
    print(f"{evaluation.folder}: report.md, report.json")
