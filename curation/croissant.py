"""Croissant: what a build holds, for machines; `mlcroissant` reads it and reads the clips through it.

JSON-LD after https://docs.mlcommons.org/croissant/docs/croissant-spec.html, with the fields on
responsible use (RAI) of its extension, and where the clips come from (PROV).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from curation import answers
from curation.checks import Audit, tables
from curation.release import AUTHORS, PLACE, Release, release_of
from curation.spec import Family
from curation.splits import SPLITS

CROISSANT_FILE = "croissant.json"
STANDARDS = ("http://mlcommons.org/croissant/1.0", "http://mlcommons.org/croissant/RAI/1.0")
_TERMS = [
    "citeAs",
    "column",
    "equivalentProperty",
    "extract",
    "field",
    "fileProperty",
    "fileObject",
    "fileSet",
    "format",
    "includes",
    "isLiveDataset",
    "jsonPath",
    "key",
    "md5",
    "parentField",
    "path",
    "recordSet",
    "references",
    "regex",
    "repeated",
    "replace",
    "samplingRate",
    "separator",
    "source",
    "subField",
    "transform",
]
CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "prov": "http://www.w3.org/ns/prov#",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    **{term: f"cr:{term}" for term in _TERMS},
}
_PARQUET = "application/x-parquet"
NO_DIGEST = "https://github.com/mlcommons/croissant/issues/80"
"""Stands for the digest of a Git repository, which has none."""

_NUMBERS = {"int32": "cr:Int32", "int64": "cr:Int64", "float32": "cr:Float32"}
_SOUND = {
    "audio": "the clip as a FLAC file",
    "midi": "the score that was played, as a standard MIDI file",
}
_COLUMNS = {
    "caption": ("sc:Text", "the clip in words"),
    "clip_id": ("sc:Text", "name of the clip"),
    "source_id": ("sc:Text", "clips with one source are takes of the same material"),
    "split_group": ("sc:Text", "what a probe should not lean on: no group stands in two splits"),
    "random_split": ("cr:Int32", f"a plain random division: {', '.join(SPLITS)}, from 0"),
    "seed": ("cr:Int64", "of what the score leaves to chance"),
    "sound_font": ("sc:Text", "that played the clip"),
    "peak_dbfs": ("cr:Float32", "highest sample, dB below full scale"),
    "rms_dbfs": ("cr:Float32", "root mean square, dB below full scale"),
    "gain_db": ("cr:Float32", "by how much the clip was turned down so as not to clip"),
}
"""Columns of every family beside sound and labels: type, and meaning."""


@dataclass(frozen=True)
class DataFile:
    """A shard: its path below the folder, its split, its size, and the SHA-256 of its bytes."""

    name: str
    split: str
    bytes: int
    sha256: str


def croissant(family: Family, facts: dict[str, Any], files: list[DataFile]) -> str:
    """The description as JSON; a pure function of what it is given."""
    release = release_of(facts)
    described = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": list(STANDARDS),
        "name": f"steering_music_{family.name}",
        "description": f"{family.summary} {sum(facts['clips'].values()):,} clips of "
        f"{facts['seconds']:g} s with exact labels, captions and MIDI.",
        "version": release.version,
        "datePublished": release.date,
        "license": answers.LICENCE_ADDRESS,
        "creator": {"@type": "sc:Organization", "name": AUTHORS},
        "keywords": ["music", "synthetic", "midi", "music theory", "interpretability"],
        "inLanguage": "en",
        "isAccessibleForFree": True,
        "isLiveDataset": False,
        "citeAs": release.bibtex(family),
        **({"url": f"{PLACE}/{release.repo}"} if release.repo else {}),
        **({"identifier": f"https://doi.org/{release.doi}"} if release.doi else {}),
        **_responsible(family, facts),
        **_origin(family, facts),
        "distribution": _distribution(release, files),
        "recordSet": [
            *(
                _names(name, label.classes)
                for name, label in family.labels.items()
                if label.classes
            ),
            *(_clips(family, split) for split in _splits(files)),
        ],
    }
    return json.dumps(described, indent=1) + "\n"


def _responsible(family: Family, facts: dict[str, Any]) -> dict[str, Any]:
    said = {
        "dataCollection": family.making.collected,
        "dataCollectionType": ["Software Collection", "Synthetic"],
        "dataCollectionMissingData": answers.missing(facts),
        "dataCollectionRawData": "The scores, which every clip keeps as MIDI.",
        "dataPreprocessingProtocol": [answers.PREPROCESSING],
        "dataAnnotationProtocol": [family.making.labelled],
        "dataAnnotationAnalysis": _heard(facts),
        "annotationsPerItem": "One of each label.",
        "annotatorDemographics": ["There were no annotators."],
        "dataUseCases": list(answers.USES),
        "dataLimitations": [*answers.limits(family), answers.NOT_USES],
        "dataBiases": list(answers.BIASES),
        "dataSocialImpact": answers.IMPACT,
        "personalSensitiveInformation": [family.making.people],
        "dataReleaseMaintenancePlan": answers.UPKEEP,
        "hasSyntheticData": True,
    }
    return {f"rai:{name}": value for name, value in said.items()}


def _heard(facts: dict[str, Any]) -> list[str]:
    """What listeners that know nothing of the labels heard, where the build was checked."""
    if not facts["check"]:
        return ["This build was not checked yet."]
    return [
        f"{name} heard again ({outcome}): {rate:.1%} of {trials} clips, {low:.1%} to {high:.1%}"
        for name, outcome, trials, rate, (low, high) in tables(Audit(**facts["check"]))
    ] or ["No label of this family can be heard without a probe yet."]


def _origin(family: Family, facts: dict[str, Any]) -> dict[str, Any]:
    fonts = zip(answers.fonts(facts), facts["recipe"]["sound_fonts"], strict=True)
    taken = [f"{licence}, SHA-256 {sha256}" for licence, (_, sha256) in fonts]
    return {
        "prov:wasDerivedFrom": [*family.sources, *(f"sound font {font}" for font in taken)],
        "prov:wasGeneratedBy": [
            f"`{answers.command(facts)}`, recipe fingerprint {facts['fingerprint']}: "
            f"{answers.PREPROCESSING}"
        ],
    }


def _distribution(release: Release, files: list[DataFile]) -> list[dict[str, Any]]:
    """The shards with their digests, and each split's shards together, as they lie in the folder."""
    home = f"{PLACE}/{release.repo}/resolve/{release.tag}/" if release.repo else ""
    objects = [
        {
            "@type": "cr:FileObject",
            "@id": file.name,
            "name": file.name,
            "contentUrl": f"{home}{file.name}",
            "contentSize": f"{file.bytes} B",
            "encodingFormat": _PARQUET,
            "sha256": file.sha256,
        }
        for file in files
    ]
    sets = [
        {
            "@type": "cr:FileSet",
            "@id": f"{split}-shards",
            "name": f"{split}-shards",
            "description": f"The shards of the {split} split.",
            **({"containedIn": {"@id": "repo"}} if release.repo else {}),
            "encodingFormat": _PARQUET,
            "includes": f"data/{split}-*.parquet",
        }
        for split in _splits(files)
    ]
    return [*([_repository(release)] if release.repo else []), *objects, *sets]


def _repository(release: Release) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": "repo",
        "name": "repo",
        "description": "The repository on the Hub, at the tag of this version.",
        "contentUrl": f"{PLACE}/{release.repo}/tree/refs%2Ftags%2F{release.tag}",
        "encodingFormat": "git+https",
        "sha256": NO_DIGEST,
    }


def _splits(files: list[DataFile]) -> list[str]:
    there = {file.split for file in files}
    return [split for split in SPLITS if split in there]


def _names(label: str, classes: tuple[str, ...]) -> dict[str, Any]:
    """The classes of a label: the shards hold their numbers."""
    home = f"{label}_classes"
    number, name = f"{home}/number", f"{home}/name"
    return {
        "@type": "cr:RecordSet",
        "@id": home,
        "name": home,
        "description": f"The classes of {label}.",
        "dataType": "sc:Enumeration",
        "key": {"@id": number},
        "field": [
            {"@type": "cr:Field", "@id": number, "name": "number", "dataType": "sc:Integer"},
            {"@type": "cr:Field", "@id": name, "name": "name", "dataType": "sc:Text"},
        ],
        "data": [{number: place, name: one} for place, one in enumerate(classes)],
    }


def _clips(family: Family, split: str) -> dict[str, Any]:
    labels = {
        name: ("cr:Int64" if label.classes else _NUMBERS[label.dtype], _meaning(name, family))
        for name, label in family.labels.items()
    }
    return {
        "@type": "cr:RecordSet",
        "@id": split,
        "name": split,
        "description": f"The clips of the {split} split.",
        "key": {"@id": f"{split}/clip_id"},
        "field": [
            *(_field(split, name, "sc:AudioObject", about) for name, about in _SOUND.items()),
            *(_field(split, name, *about) for name, about in (labels | _COLUMNS).items()),
        ],
    }


def _meaning(name: str, family: Family) -> str:
    label = family.labels[name]
    numbered = f"; a number of {name}_classes" if label.classes else ""
    return f"{label.description}{numbered}"


def _field(split: str, name: str, kind: str, about: str) -> dict[str, Any]:
    source: dict[str, Any] = {"fileSet": {"@id": f"{split}-shards"}, "extract": {"column": name}}
    if name == "audio":
        source["transform"] = {"jsonPath": "bytes"}
    return {
        "@type": "cr:Field",
        "@id": f"{split}/{name}",
        "name": name,
        "description": about,
        "dataType": kind,
        "source": source,
    }
