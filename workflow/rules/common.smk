# What the rules share: the study with its tables, and what names their inputs and params.
from snakemake.exceptions import WorkflowError

from snakemake.logging import logger

from cmrseg.phenotypes.panels import PANEL_MEASURES
from study.code import code_of
from study.load import load_study
from study.memory import forgotten
from study.owner import check_owner, note_owner
from study.places import missing_folders, results_of_prediction
from study.prediction import prediction_origins, prediction_study
from study.stored import turned_pictures
from study.study import DICOM
from study.tables import StudyError
from study.wiring.calibration import Calibration
from study.wiring.checks import Checks
from study.wiring.cohorts import Cohorts
from study.wiring.ensembles import Ensembles
from study.wiring.exports import Exports
from study.wiring.figures import Figures
from study.wiring.headlines import Headlines
from study.wiring.measures import Measures
from study.wiring.models import Models
from study.wiring.panels import Panels
from study.wiring.raw import Raw
from study.wiring.results import Results
from study.wiring.sources import Sources
from study.wiring.wildcards import none_of, one_of
from study.words import as_typed

TYPED = as_typed(config, workflow.config_settings.config_args or [])


def is_there(path):
    """Whether a path exists: Snakemake's `exists` looks for the workflow where it is called."""
    return exists(path)


try:
    # `--config input=... model=...` is a study of its own: one subject and one model.
    STUDY = load_study(prediction_study(TYPED) if "input" in TYPED else TYPED)
    check_owner(STUDY.name, workflow.configfiles)
    SOURCES = Sources(STUDY, is_there)
except StudyError as error:
    raise WorkflowError(str(error))

if workflow.is_main_process and (warning := forgotten(STUDY.name)):
    logger.warning(warning)
if workflow.is_main_process:
    for warning in [
        *turned_pictures(STUDY),
        *missing_folders(STUDY.cohorts, SOURCES.entries),
    ]:
        logger.warning(warning)

# What a prediction labels and with what; no other study has origins.
ORIGINS = prediction_origins(TYPED) if "input" in TYPED else {}

for model, path in STUDY.left_out.items():
    logger.info(f"model {model} is left out: its ImageNet weights are not at {path}")

COHORTS = Cohorts(STUDY)
CHECKS = Checks(STUDY, COHORTS, is_there)
CALIBRATION = Calibration(STUDY, CHECKS)
RAW = Raw(STUDY, COHORTS, SOURCES.entries)
EXPORTS = Exports(STUDY, RAW)
MODELS = Models(STUDY, COHORTS)
ENSEMBLES = Ensembles(STUDY)
MEASURES = Measures(STUDY, COHORTS)
PANELS = Panels(STUDY, COHORTS)
FIGURES = Figures(STUDY, COHORTS, RAW)
HEADLINES = Headlines(STUDY)
RESULTS = Results(STUDY, ORIGINS)


# Before results are made, and where the first ones were.
onstart:
    note_owner(STUDY.name, workflow.configfiles)


onsuccess:
    note_owner(STUDY.name, workflow.configfiles)
    if ORIGINS:
        logger.info(results_of_prediction(STUDY.name))


onerror:
    note_owner(STUDY.name, workflow.configfiles)


wildcard_constraints:
    study=STUDY.name,
    cohort=one_of(STUDY.cohorts),
    shard="[0-9]{4}",
    labeller="[a-z0-9_]+",
    model=one_of(STUDY.models),
    measure=one_of(PANEL_MEASURES),
    panel=one_of(PANELS.names),
