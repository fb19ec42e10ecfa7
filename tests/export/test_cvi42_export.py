"""Contours of label maps in a workspace of cvi42 are read back as the same label maps."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from pydicom.dataset import Dataset

from cmrseg.annotations.carry import carry_shard
from cmrseg.cine import Cine
from cmrseg.contours.cvi42 import read_cvi42, write_cvi42
from cmrseg.dicom.study import import_shard
from cmrseg.export.cvi42_cohort import export_cvi42
from cmrseg.export.own_pixels import OwnLabels
from cmrseg.export.source_images import Sources
from cmrseg.export.workspace import workspace
from cmrseg.labels import Tissue
from cmrseg.measure.labellers import LabelMaps
from cmrseg.sequences import image_path
from dicom_builder import NORMAL, ROW_DIRECTION, write_series
from dicom_studies import FOLDER

SIZE = (24, 30)


def heart(frame=0, rows=SIZE[0], columns=SIZE[1]):
    """A ring of muscle around a cavity, and a right ventricle beside it."""
    y, x = np.mgrid[:rows, :columns]
    away = np.hypot(y - 11, x - 10)
    labels = np.zeros((rows, columns), np.uint8)
    labels[np.hypot(y - 10, x - 19) < 5 - 0.5 * frame] = Tissue.RV
    labels[away < 7] = Tissue.MYO
    labels[away < 4 - frame] = Tissue.LV
    return labels


def images_of(*labels, number=None):
    """Images with labels, and their sources."""
    names = [f"1.2.{i}" for i in range(len(labels))]
    headers = {}
    for name in names:
        headers[name] = Dataset()
        headers[name].SOPInstanceUID = name
    sources = {n: SimpleNamespace(header=h, number=number) for n, h in headers.items()}
    own = [OwnLabels(f"1.2.{z}", 0, z, drawn) for z, drawn in enumerate(labels)]
    return own, Sources(sources, ())


def test_a_cohort_s_contours_are_read_back_as_the_label_maps_that_went_out(tmp_path):
    # UK Biobank names files by their SOPInstanceUID, as the form cvi42 asks for.
    # The third slice is seen from its other side: its first pixel is the last one of a row.
    position = np.array(NORMAL) * 16 + np.array(ROW_DIRECTION) * 1.25 * (SIZE[1] - 1)
    turned = {2: {"row_direction": [-v for v in ROW_DIRECTION], "position_mm": position}}
    for z in range(4):
        place = {"location_mm": 8.0 * z, "rows": SIZE[0], "columns": SIZE[1], **turned.get(z, {})}
        place |= {
            "SpacingBetweenSlices": 8,
            "StudyInstanceUID": "1.2",
            "FrameOfReferenceUID": "1.3",
        }
        for path in write_series(tmp_path / f"raw/7/s{z}", 5 + z, **place):
            number = int(path.stem.rpartition("-")[2])
            path.rename(path.with_name(f"1.2.3.{5 + z}.{number}.dcm"))
    rows = pd.DataFrame([{"subject": "7", "study": "7", "series": "", "set": ""}])
    import_shard(rows, tmp_path / "raw", tmp_path / "images", FOLDER)
    cine = Cine.load(image_path(tmp_path / "images/7", "sa"))
    # Wider than high, the pictures were turned.
    assert cine.voxels.shape == (3, 4, 30, 24)
    drawn = np.array([[np.rot90(heart(t)) for _ in range(4)] for t in range(3)])
    cine.like(drawn).save(image_path(tmp_path / "labels/0000/7", "sa"))
    labeller = LabelMaps("net", "people", [tmp_path / "labels/0000"], "lv,my,rv")
    (tmp_path / "out").mkdir()
    table = export_cvi42(
        rows.to_dict("records"),
        labeller,
        {"7": tmp_path / "images/7"},
        [tmp_path / "raw"],
        "folder",
        tmp_path / "out",
    )
    assert table.to_dict("records") == [
        {
            "subject": "7",
            "images": 12,
            "labelled_pixels": int((drawn > 0).sum()),
            "other_pixels": 0,
            "problem": "",
        }
    ]
    (tmp_path / "back").mkdir()
    settings = {"form": "cvi42", "folder": "out/7", "layout": "folder", "sequence": "sa"}
    annotated = pd.DataFrame([{"subject": "7", "set": "", "annotation": "7"}])
    audit = carry_shard(
        annotated, "net", settings, tmp_path, tmp_path / "images", tmp_path / "back"
    )
    assert audit.empty
    assert (Cine.load(image_path(tmp_path / "back/7", "sa")).voxels == drawn).all()


def test_contours_are_named_by_the_image_and_the_chamber(tmp_path):
    cavity = np.where(heart() == Tissue.MYO, 0, heart())
    found = workspace(*images_of(heart(), cavity, heart() * 0), "sa")
    assert {name: sorted(drawn) for name, drawn in found.contours.items()} == {
        "1.2.0": ["saendocardialContour", "saepicardialContour", "sarvendocardialContour"],
        "1.2.1": ["saendocardialContour", "sarvendocardialContour"],
    }
    path = tmp_path / "7.cvi42wsx"
    write_cvi42(found.contours, path)
    back = read_cvi42(path)
    for image, drawn in found.contours.items():
        for name, xy in drawn.items():
            assert (back[image][name] == xy).all()


def test_islands_that_contours_leave_out_are_counted():
    labels = heart()
    labels[1, 1:4] = Tissue.LV
    assert workspace(*images_of(labels), "sa").other_pixels == 3


def test_atria_of_a_long_axis_have_contours_of_their_own():
    labels = np.zeros(SIZE, np.uint8)
    labels[3:8, 3:9], labels[10:16, 4:9] = Tissue.LA, Tissue.RA
    found = workspace(*images_of(labels), "la_4ch")
    assert sorted(found.contours["1.2.0"]) == ["lalaContour", "laraContour"]
    assert found.other_pixels == 0


@pytest.mark.parametrize(
    ("labels", "number", "sequence", "sentence"),
    [
        (heart() * 0, None, "sa", "nothing is segmented that cvi42 has contours of"),
        (heart(), 3, "sa", "1.2.0 is a frame of a file with many, and a workspace"),
        (heart(), None, "ao", "contours of ao in cvi42 workspaces are not known"),
    ],
)
def test_what_a_workspace_cannot_hold_is_refused(labels, number, sequence, sentence):
    with pytest.raises(ValueError, match=sentence):
        workspace(*images_of(labels, number=number), sequence)
