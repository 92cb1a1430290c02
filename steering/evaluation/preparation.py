"""From what was asked for to an evaluation that can be played: clips, judges, banks and where they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from steering.decoding.reference import player
from steering.decoding.sampling import Sampling
from steering.directions.library import BANKS
from steering.evaluation.asks import SplitName, asks
from steering.evaluation.banks import BankShelf, HeldOutProbe
from steering.evaluation.cells import Setting, Shelf
from steering.evaluation.evaluation import Evaluation
from steering.evaluation.fitted_judges import Amounts, Judges, make_judges
from steering.evaluation.runner import Progress, Runner
from steering.evaluation.spread import Spread
from steering.evaluation.study import Study
from steering.families import concepts_of, get_family
from steering.families.family import sources_of
from steering.finders.ways import ways
from steering.metrics.adherence import CLAP, find_clap
from steering.models.interface import MusicModel
from steering.rivals import Play, Rival, rivals
from steering.training.workshop import Told, Workshop


@dataclass(frozen=True)
class Conditions:
    """On which clips, by whose ears, with what help: what the command's options say.

    Attributes:
        clips: of a cell. seconds: of a clip. None for the study's own.
        home: where cells are kept. out: folder of the report.
        banks: folder of shipped banks. builds: where clips are built. None for the usual ones.
        preset: of curation, how much of a family's grid new banks are trained on.
        methods: that are compared; sources: families of banks that are tried; all by default.
        without: titles of the test's sections that are left out.
        batch: clips played side by side. workers: processes that listen.
        real_hours: of rendered songs that the listeners are fitted on.
        clap: name of the CLAP that hears prompt adherence, where it is on this machine.
    """

    split: SplitName
    home: Path
    builds: Path
    out: Path | None = None
    clips: int | None = None
    seconds: float | None = None
    banks: Path | None = None
    preset: str = "small"
    methods: Sequence[str] | None = None
    sources: Sequence[str] | None = None
    without: Sequence[str] | None = None
    batch: int = 36
    workers: int = 1
    real_hours: float = 3.0
    clap: str | None = None


def prepare(
    study: Study,
    model: MusicModel,
    under: Conditions,
    told: Told,
    played: Callable[[Progress], None],
    spread: Spread | None = None,
) -> Evaluation:
    """Model, clips, judges and banks of a study.

    Args:
        told: of what is built, read and listened to. played: called with every finished cell.
        spread: who plays cells beside this process.
    """
    clap_name = under.clap or CLAP
    clap = find_clap(clap_name)
    setting = _setting(study, model, under, clap_name if clap else "")
    banks = _banks(model, under, told)
    shelf = Shelf(under.home / "cells")
    ready = _rivals(study, banks.workshop)
    judges = _judges(under, setting.seconds, told)
    return Evaluation(
        get_family(study.family),
        setting,
        Runner(model, shelf, player(model), under.batch, under.workers, clap, ready, spread),
        banks,
        judges,
        HeldOutProbe(banks.workshop, study.family) if study.probed else None,
        under.out or under.home / f"{study.name}-{under.split}",
        played,
        under.methods or ways(),
        within=under.sources or (),
        without=under.without or (),
    )


def _rivals(study: Study, workshop: Workshop) -> dict[str, Play]:
    """What plays a family's rivals; each is prepared when its first clip is asked for."""
    source = sources_of(get_family(study.family))[-1]

    def ready(rival: Rival) -> Play:
        prepared = cache(lambda: rival.prepare(workshop, source))
        return lambda *clips, **how: prepared()(*clips, **how)

    return {name: ready(one) for name, one in rivals().items()}


def _setting(study: Study, model: MusicModel, under: Conditions, clap: str) -> Setting:
    """The clips of every cell."""
    count = under.clips or study.clips[under.split]
    wanted = asks(under.split, count, concepts_of(study.family), study.family)
    return Setting(model.origin, tuple(wanted), under.seconds or study.seconds, Sampling(), clap)


def _banks(model: MusicModel, under: Conditions, told: Told) -> BankShelf:
    """Shipped banks, and those that are made; of the full grid they stand apart from the small one's."""
    workshop = Workshop(
        model,
        under.builds,
        under.builds / "activations",
        under.workers,
        told=told,
        preset=under.preset,
    )
    small = under.preset == "small"
    made = under.builds / ("banks" if small else f"banks-{under.preset}")
    return BankShelf(workshop, under.banks or (BANKS if small else made), made)


def _judges(under: Conditions, seconds: float, told: Told) -> Judges:
    """What is fitted on real songs, as long as the clips."""
    hours = under.real_hours
    return make_judges(
        under.home / "features",
        seconds,
        Amounts(hours, hours / 5, hours / 5),
        under.workers,
        lambda done, total: told("listening to real songs", done, total),
    )
