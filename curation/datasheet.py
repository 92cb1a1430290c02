"""The datasheet: the questions of Gebru et al. (Datasheets for Datasets, 2021), answered from the facts."""

from __future__ import annotations

from typing import Any

from curation import answers
from curation.files import in_bytes
from curation.release import AUTHORS, release_of
from curation.spec import Family
from curation.splits import SPLITS

DATASHEET_FILE = "DATASHEET.md"


def datasheet(family: Family, facts: dict[str, Any]) -> str:
    """The sheet as Markdown; ``facts`` as `curation.facts.gather` counts."""
    parts = [
        f"# Datasheet: {family.title}",
        "The questions are those of Gebru et al., *Datasheets for Datasets* (2021), shortened; those "
        "about people are answered under *Is anybody in it?*. What is counted here, and how to load "
        "the clips: [the card](README.md).",
    ]
    for heading, asked in _sections(family, facts).items():
        parts.append(f"## {heading}")
        parts += [f"**{question}** {answer}" for question, answer in asked.items()]
    return "\n\n".join(parts) + "\n"


def _sections(family: Family, facts: dict[str, Any]) -> dict[str, dict[str, str]]:
    return {
        "Motivation": {
            "What is it for?": answers.PURPOSE,
            "Who made it?": f"{AUTHORS}.",
        },
        "Composition": _composition(family, facts),
        "Collection": {
            "How was it collected?": family.making.collected,
            "Is it a sample?": _sample(family, facts),
            "Who took part?": "Nobody but the authors of the program.",
            "When?": "A build takes minutes and gives the same bytes at any time.",
        },
        "Preprocessing and labelling": {
            "What was done to the clips?": answers.PREPROCESSING,
            "Who labelled them?": family.making.labelled,
            "Can it be made again?": f"Yes: `{answers.command(facts)}`.",
        },
        "Uses": {
            "What for?": f"{'; '.join(answers.USES)}.",
            "What not for?": answers.NOT_USES,
            "What may mislead?": " ".join(answers.BIASES),
            "What may come of it for people?": answers.IMPACT,
        },
        "Distribution": _distribution(facts),
        "Maintenance": {"Who keeps it, and how?": answers.UPKEEP},
    }


def _composition(family: Family, facts: dict[str, Any]) -> dict[str, str]:
    counts = ", ".join(f"{facts['clips'][split]:,} {split}" for split in SPLITS)
    heard = "" if facts["check"] else " This build was not checked yet."
    return {
        "What is a clip?": f"{facts['seconds']:g} s of mono sound at "
        f"{facts['recipe']['sample_rate']:,} Hz as FLAC, its score as MIDI, a caption, and labels: "
        f"{', '.join(f'{name} ({label.description})' for name, label in family.labels.items())}.",
        "How many are there?": f"{sum(facts['clips'].values()):,} ({counts}), {in_bytes(facts['bytes'])}.",
        "Is anything missing?": answers.missing(facts),
        "How are they split?": _split(family, facts),
        "Are there errors?": "The card says what a check found, and how often listeners that know "
        f"nothing of the labels hear them again.{heard}",
        "What can the labels not promise?": " ".join(answers.limits(family)),
        "Does it lean on anything outside?": f"No. {_derived(family)}",
        "Is anybody in it?": family.making.people,
    }


def _split(family: Family, facts: dict[str, Any]) -> str:
    if facts["recipe"]["split"] != "grouped":
        return "Plainly at random: split groups do cross."
    return f"By split groups, none of which stands in two splits. A group is {family.grouping}."


def _sample(family: Family, facts: dict[str, Any]) -> str:
    asked = facts["recipe"]["clips"]
    if family.open_ended:
        return f"{asked:,} clips, drawn by seed; there is no end to them."
    if asked == family.size:
        return f"No: all {asked:,} cells of the grid were asked for."
    return f"Yes: {asked:,} of {family.size:,}, the same share of each label and split group."


def _derived(family: Family) -> str:
    if not family.sources:
        return "The scores are the project's own."
    return f"The clips follow {'; '.join(family.sources)}, and were made anew."


def _distribution(facts: dict[str, Any]) -> dict[str, str]:
    release = release_of(facts)
    return {
        "Where is it?": release.address or "Not published yet: whoever has the program makes it.",
        "Under which licence?": "CC BY 4.0 for clips, labels and captions. Sound fonts: "
        f"{'; '.join(answers.fonts(facts))}.",
        "Which version is this?": f"{release.version}, made on recipe "
        f"`{facts['fingerprint'][:16]}`.",
    }
