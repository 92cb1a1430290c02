"""Judge steering against its twin and its controls, and write one report."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from curation.errors import BadInput
from curation.extras import need
from curation.machines import add_machines, machines_of
from steering.commands.shared import add_model, model_of, named_model, teller

if TYPE_CHECKING:
    from steering.evaluation.preparation import Conditions
    from steering.evaluation.spread import Spread
    from steering.evaluation.study import Study

HOME = Path("build/evaluation")


class Names:
    """Of all studies, found when they are asked for: importing them takes a while."""

    def __iter__(self) -> Iterator[str]:
        from steering.evaluation.studies import studies

        return iter(studies())

    def __contains__(self, name: object) -> bool:
        return name in tuple(self)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_model(parser)
    parser.add_argument("what", metavar="what", choices=Names(), help="%(choices)s")
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
    parser.add_argument(
        "--sources",
        nargs="*",
        help="families whose banks are tried, as notes_in_songs; default: all",
    )
    parser.add_argument(
        "--without",
        nargs="*",
        metavar="SECTION",
        help="sections of a family's test that are left out, as 'Gates'; the report says so",
    )
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
    parser.add_argument(
        "--datasets", nargs="*", help="for probes and transfer: builds, as build/notes-small"
    )
    add_machines(parser)


def run(options: argparse.Namespace) -> None:
    """One evaluation from end to end; a second run goes on where a first one was stopped."""
    need("curation")
    from steering.evaluation.studies import get_study
    from steering.finders.ways import check_way

    study = get_study(options.what)
    for method in options.methods or ():
        check_way(method)
    if study.alone is not None:
        if machines_of(options):
            raise BadInput(f"{study.name} plays no cells: leave out --executor")
        print(study.alone(lambda: model_of(options), options, _show))
        return
    _play(study, options)


def _play(study: Study, options: argparse.Namespace) -> None:
    """What is steered is played and judged; bad options are refused before that."""
    from steering.evaluation import report, strengths
    from steering.evaluation.facts import facts
    from steering.evaluation.preparation import prepare

    under, spread = _conditions(study, options), _spread(options)
    choice = study.chooser(under.split)
    if choice is not None:
        path = options.strengths or options.home / "strengths" / f"{study.strengths}.json"
    elif study.strengths:
        path = options.strengths or strengths.path_of(study.strengths, options.home)
        strengths.check_chosen(path, study.strengths)
    evaluation = prepare(study, model_of(options), under, teller(), _show, spread)
    origin, seeds = evaluation.setting.origin, [ask.seed for ask in evaluation.asks]
    if choice is not None:
        parts, chosen = choice(evaluation)
        strengths.write(path, chosen, origin, seeds)
        print(f"{path}: {chosen.best.bank} at {chosen.best.coefficient:.3g}")
    else:
        if study.strengths:
            unseen = seeds if under.split == "test" else []
            evaluation.chosen = strengths.read(path, origin, unseen, study.strengths)
        parts = study.report(evaluation)
    head = facts(study, evaluation, under.split, options.truth_clips)
    report.write(evaluation.folder, f"{study.name}, {under.split} split", head, parts)
    print(f"{evaluation.folder}: report.md, report.json")


def _conditions(study: Study, options: argparse.Namespace) -> Conditions:
    """The options, and the study's own split where none is asked for."""
    from steering.evaluation.preparation import Conditions

    given = {name: getattr(options, name) for name in Conditions.__dataclass_fields__}
    return Conditions(**given | {"split": options.split or study.split})


def _spread(options: argparse.Namespace) -> Spread | None:
    """Who plays cells beside this process; None where no executor is asked for."""
    from steering.evaluation.spread import Spread

    machines = machines_of(options)
    return Spread(machines, named_model(options)) if machines else None


def _show(line: object) -> None:
    print(line, file=sys.stderr, flush=True)
