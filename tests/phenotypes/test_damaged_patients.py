"""Zip files and workspaces that are damaged, incomplete or mixed up: which table says so."""

import pandas as pd
import pytest

from cmrseg.phantom import patient_zips
from cmrseg.phenotypes import atria
from cmrseg.phenotypes.examination import View, measure_shard
from cmrseg.phenotypes.table import phenotypes
from digital_patients import CONTOURED, Examined, patients, scan
from ukbb_zips import rewritten

INTACT, DAMAGED, LACKING, SWAPPED = "1000001", "1000002", "1000003", "1000004"
EIDS = [INTACT, DAMAGED, LACKING, SWAPPED]
FRAMES = 5
VALUES = ["lav_max_ml", "lav_max_4ch_ml", "rav_max_ml"]


def without_two_chamber(content):
    """Neither the files of the view nor their lines in the manifest."""
    lines = content["manifest.csv"].decode().splitlines(keepends=True)
    absent = {line.split(",")[0] for line in lines if "LAX_2Ch" in line}
    kept = {name: data for name, data in content.items() if name not in absent}
    manifest = "".join(line for line in lines if "LAX_2Ch" not in line)
    return kept | {"manifest.csv": manifest.encode()}


def views_swapped(content):
    """The manifest gives each view the name of the other."""
    text = content["manifest.csv"].decode().replace("LAX_2Ch", "@").replace("LAX_4Ch", "LAX_2Ch")
    return content | {"manifest.csv": text.replace("@", "LAX_4Ch").encode()}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """The audits of import and labels, and the table of phenotypes by subject."""
    folder = tmp_path_factory.mktemp("damaged")
    rows, raw = patients(EIDS), folder / "raw"
    patient_zips.write_shard(rows, scan(CONTOURED, frames=FRAMES), raw)
    workspace = raw / f"annotations/expert/{DAMAGED}_cvi42.zip"
    workspace.write_bytes(workspace.read_bytes()[:2000])
    rewritten(raw / f"{LACKING}_20208_2_0.zip", without_two_chamber)
    rewritten(raw / f"{SWAPPED}_20208_2_0.zip", views_swapped)
    examined = Examined(rows, raw, folder, sequences=CONTOURED)
    labels = pd.concat([examined.carry(sequence).assign(of=sequence) for sequence in CONTOURED])
    views = [View(s, str(examined.labels(s)), str(examined.images)) for s in CONTOURED]
    table, _ = measure_shard(
        rows.to_dict("records"), views, atria.COLUMNS, lambda e: atria.measured(e, "corrected")
    )
    joined = phenotypes(rows.to_dict("records"), None, {"atria": table})
    return examined.audit, labels, joined.set_index("subject")


def test_an_intact_patient_has_every_measure(found):
    audit, labels, table = found
    assert INTACT not in set(audit["subject"]) | set(labels["subject"])
    assert table.loc[INTACT, VALUES].notna().all()
    assert table.loc[INTACT, "atria_doubt"] == ""


def test_a_damaged_workspace_loses_its_labels_and_nothing_else(found):
    audit, labels, table = found
    assert DAMAGED not in set(audit["subject"])
    own = labels[labels["subject"] == DAMAGED]
    assert own["of"].tolist() == CONTOURED
    assert set(own["problem"]) == {"unreadable labels"}
    assert own["detail"].str.contains(f"{DAMAGED}_cvi42.zip: zip file is damaged").all()
    assert DAMAGED not in table.index


def test_a_missing_view_leaves_what_the_other_tells(found):
    audit, labels, table = found
    own = audit[audit["subject"] == LACKING]
    assert own[["image", "resolution"]].values.tolist() == [["la_2ch", "sequence excluded"]]
    # Its contours are of images that are in no cine.
    own = labels[labels["subject"] == LACKING]
    assert own[["of", "problem", "detail"]].values.tolist() == [
        ["la_4ch", "image not in the cine", f"{FRAMES} images"]
    ]
    assert table.loc[LACKING, ["lav_max_4ch_ml", "rav_max_ml"]].notna().all()
    assert pd.isna(table.loc[LACKING, "lav_max_ml"])


def test_swapped_views_are_doubted(found):
    audit, labels, table = found
    assert SWAPPED not in set(audit["subject"])
    own = labels[labels["subject"] == SWAPPED]
    told = own[["of", "problem", "detail"]].values.tolist()
    assert told[0] == ["la_2ch", "other contours", f"{FRAMES} laraContour"]
    assert told[1][:2] == ["la_4ch", "one atrium alone"]
    assert table.loc[SWAPPED, VALUES].isna().all()
    assert "they are likely to be swapped" in table.loc[SWAPPED, "atria_doubt"]
