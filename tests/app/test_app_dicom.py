"""The app: downloads that refer to the DICOM files of an upload."""

import io
import zipfile

import numpy as np
import pytest

from app_server import (
    nifti,
)
from cmrseg.contours.cvi42 import read_cvi42
from cmrseg.phantom.pacs.variant import Variant
from exports import small_export, zipped

highdicom = pytest.importorskip("highdicom", reason="highdicom is not installed")


def taken(visitor, what: str, query: str = "ed=1&es=4") -> zipfile.ZipFile:
    status, content = visitor.ask("GET", f"{visitor.base}/download/{what}?{query}")
    assert status == 200, content
    return zipfile.ZipFile(io.BytesIO(content))


def test_segments_measures_and_contours_refer_to_the_files_of_the_upload(
    app, visitor, network, tmp_path
):
    small_export(tmp_path / "export", Variant(kinds=("cine",), copies=0))
    assert visitor.upload(zipped(tmp_path / "export"))["fault"] == ""
    assert visitor.label(visitor.model, in_plane_mm=3, between_mm=8)["fault"] == ""
    made = taken(visitor, "dicom")
    assert made.namelist() == ["sa.seg.dcm", "sa.ed.seg.dcm", "sa.es.seg.dcm", "sa.sr.dcm"]
    segments = highdicom.seg.segread(io.BytesIO(made.read("sa.seg.dcm")))
    (session,) = app[1].all()
    labels = np.fromfile(session.folder / "labels.u8", np.uint8)
    assert (labels > 0).sum() > 0
    assert segments.pixel_array.sum() == (labels > 0).sum()
    report = highdicom.sr.srread(io.BytesIO(made.read("sa.sr.dcm")))
    groups = report.content.get_volumetric_roi_measurement_groups()
    status, shown = visitor.talk("GET", "/measures?ed=1&es=4")
    assert status == 200
    told = {row["key"]: row["value"] for row in shown["rows"]}
    first = {m.name.value: m.value for m in groups[0].get_measurements()}
    assert first["18026-5"] == pytest.approx(told["edv_ml"], rel=1e-6)
    assert first["8811-2"] == pytest.approx(told["ef"], rel=1e-6)
    # Edited labels say so: the first labelled picture loses its labels.
    assert segments.SegmentSequence[0].SegmentAlgorithmType == "AUTOMATIC"
    shape = session.loaded.shape
    frame, slice_ = (int(n[0]) for n in np.nonzero(labels.reshape(shape).any(axis=(2, 3))))
    empty, number = bytes(shape[2] * shape[3]), session.labelled.number
    place = f"{visitor.base}/labels/{frame}/{slice_}?result={number}"
    assert visitor.ask("PUT", place, empty)[0] == 200
    made = taken(visitor, "dicom")
    segments = highdicom.seg.segread(io.BytesIO(made.read("sa.seg.dcm")))
    first = segments.SegmentSequence[0]
    assert first.SegmentAlgorithmType == "SEMIAUTOMATIC"
    assert first.SegmentAlgorithmName.endswith(", edited by hand")
    workspace = taken(visitor, "cvi42")
    (name,) = workspace.namelist()
    contours = read_cvi42(workspace.read(name))
    referenced = {uid for _, _, uid in segments.get_source_image_uids()}
    assert set(contours) <= {str(uid) for uid in referenced}
    assert len(contours) > 0


def test_images_that_are_no_dicom_have_no_such_downloads(visitor, network, tmp_path):
    assert visitor.upload(nifti(tmp_path))["fault"] == ""
    assert visitor.label(visitor.model)["fault"] == ""
    for what in ("dicom", "cvi42"):
        status, answer = visitor.talk("GET", f"/download/{what}?ed=1&es=2")
        assert status == 404
        assert "This needs images from DICOM files" in answer["fault"]
