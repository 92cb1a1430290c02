"""What the head of a report says: the clips, and how far those who judge them can be trusted."""

from __future__ import annotations

from steering.evaluation.evaluation import Evaluation
from steering.evaluation.life import limits_of
from steering.evaluation.study import Study
from steering.evaluation.truth import kept_lines, own_errors, trials


def facts(study: Study, evaluation: Evaluation, split: str, truth_clips: int) -> dict[str, str]:
    """By what is told.

    Args:
        truth_clips: rendered clips that each judge is tried on; none for no trials.
    """
    setting = evaluation.setting
    said = {
        "model": f"{setting.origin.model} ({setting.origin.revision})",
        "clips of a cell": f"{len(setting.asks)} of {setting.seconds:g} s, {split} prompts "
        f"such as '{setting.asks[0].text['plain']}'",
        "prompt adherence": f"cosine in {setting.clap}"
        if setting.clap
        else "probability of what the prompt names, by the listeners below",
        "alive": str(limits_of(evaluation.family.name)),
    }
    if evaluation.without:
        said["left out"] = ", ".join(evaluation.without)
    names = (
        [trial.name for trial in evaluation.family.trials]
        if study.trials is None
        else list(study.trials)
    )
    kept = [trial.name for trial in evaluation.family.trials if trial.kept]
    names = [name for name in names if not trials()[name].kept]
    if names and truth_clips:
        for kind, through in (("", None), (", through the codec", evaluation.runner.model)):
            for name, error in own_errors(names, truth_clips, through).items():
                said[f"the judge of {name}{kind}"] = str(error)
    said |= {f"the judge of {name}": line for name, line in kept_lines(kept).items()}
    said |= {f"the listener to {name}": error for name, error in evaluation.judges.errors.items()}
    if evaluation.held_out is not None:
        said["held-out probe"] = evaluation.held_out.about
    return said
