"""Compressed DICOM files: each syntax of archives gives the pixels that were coded."""

import contextlib
import io

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.data import get_testdata_file

from cmrseg.dicom.audit import SubjectError
from cmrseg.dicom.compressed import DECODERS, coded_shape, decoded
from cmrseg.dicom.reading import read_file
from cmrseg.dicom.study import import_study
from dicom_builder import write_series
from dicom_codecs import LOSSLESS, LOSSY, compress_file, jpeg, write_coded
from dicom_studies import COMPAT, CORRECTED, clean_study, expected_voxels, found

study = pytest.fixture(clean_study)


def waves(bits, signed):
    """A smooth picture that takes nearly all values of so many bits."""

    def image(rows, columns, series_number, frame):
        y, x = np.mgrid[:rows, :columns]
        grey = np.round((2**bits - 1) * (0.5 + 0.45 * np.sin(x / 3) * np.cos(y / 4)))
        return grey - (2 ** (bits - 1) if signed else 0)

    return image


def one_file(folder, bits, signed, allocated=16):
    """A file of a picture of so many bits, and the picture."""
    elements = {"BitsStored": bits, "HighBit": bits - 1, "PixelRepresentation": int(signed)}
    image = waves(bits, signed)
    (path,) = write_series(
        folder,
        frames=(1,),
        image=lambda *a: image(*a).astype(np.int16 if signed else np.uint16),
        **elements,
    )
    if allocated == 8:
        data = pydicom.dcmread(path)
        data.PixelData = data.pixel_array.astype(np.uint8).tobytes()
        data.BitsAllocated = 8
        data["PixelData"].VR = "OB"
        data.save_as(path)
    return path, image(12, 10, 5, 1)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("bits", [10, 12, 16])
@pytest.mark.parametrize("name", LOSSLESS)
def test_lossless_syntaxes_give_every_pixel_back(tmp_path, name, bits, signed):
    path, expected = one_file(tmp_path, bits, signed)
    compress_file(path, *LOSSLESS[name])
    (frame,) = read_file(path, "a.dcm")
    assert frame.pixels.tolist() == expected.tolist()
    assert frame.transfer_syntax.startswith(("JPEG", "High"))


@pytest.mark.parametrize("bits", [8, 12])
@pytest.mark.parametrize("name", LOSSY)
def test_lossy_syntaxes_stay_within_their_loss(tmp_path, name, bits):
    path, expected = one_file(tmp_path, bits, False, allocated=8 if bits == 8 else 16)
    number, code, most = LOSSY[name]
    compress_file(path, number, code)
    (frame,) = read_file(path, "a.dcm")
    assert frame.lossy
    assert np.abs(frame.pixels - expected).max() <= most


def test_baseline_jpeg_of_another_program_is_read(tmp_path):
    path, expected = one_file(tmp_path, 8, False, allocated=8)
    coded = io.BytesIO()
    Image.fromarray(expected.astype(np.uint8)).save(coded, "JPEG", quality=97)
    write_coded(path, pydicom.dcmread(path), "50", [coded.getvalue()])
    (frame,) = read_file(path, "a.dcm")
    assert frame.lossy
    assert np.abs(frame.pixels - expected).max() <= 4


@pytest.mark.parametrize("name", ["MR_small_jp2klossless", "MR_small_jpeg_ls_lossless"])
def test_files_that_other_programs_compressed_are_those_that_they_had(name):
    data = pydicom.dcmread(get_testdata_file(f"{name}.dcm"))
    plain = pydicom.dcmread(get_testdata_file("MR_small.dcm")).pixel_array
    assert decoded(data, 0, 1).tolist() == plain.tolist()
    assert decoded(data, 0, 1).dtype == plain.dtype


def test_extended_jpeg_of_12_bits_by_another_program_is_read_with_its_fill_bytes():
    data = pydicom.dcmread(get_testdata_file("JPGExtended.dcm"))
    pixels = decoded(data, 0, 1)
    assert pixels.shape == (1024, 256)
    # As pydicom's tests have them, where they were read in a viewer.
    assert (pixels[420, 140], pixels[230, 120]) == (244, 95)


def test_a_sign_that_header_and_code_tell_differently_is_that_of_the_header():
    data = pydicom.dcmread(get_testdata_file("J2K_pixelrep_mismatch.dcm"))
    pixels = decoded(data, 0, 1)
    assert pixels.dtype == np.int16
    # As pydicom's documentation of this file says.
    assert pixels.min() == -2000


def test_a_value_that_loss_lifts_above_the_largest_stays_the_largest(tmp_path):
    path, _ = one_file(tmp_path, 12, False)
    data = pydicom.dcmread(path)
    lifted = np.full((12, 10), 4097, np.uint16)
    code = LOSSY["JPEG-LS near lossless"][1]
    write_coded(path, data, "81", [code(lifted, 16)])
    (frame,) = read_file(path, "a.dcm")
    assert (frame.pixels == 4095).all()


def test_compressed_files_are_decoded_with_one_row_per_folder(study):
    write_series(study / "sax_6", 6, location_mm=8, compress=True)
    imported = import_study(study, "7", CORRECTED)
    assert found(imported) == [("compressed transfer syntax", "sax_6/IM-0006-0001.dcm")]
    assert (imported.cine.voxels == expected_voxels()).all()


def test_lossy_compression_has_a_row_of_its_own_also_where_it_happened_before(study):
    write_series(study / "sax_6", 6, location_mm=8, LossyImageCompression="01")
    imported = import_study(study, "7", CORRECTED)
    assert found(imported) == [("lossy compression", "sax_6/IM-0006-0001.dcm")]
    assert imported.audit["detail"][0] == "3 images"
    assert "lossy compression" not in import_study(study, "7", COMPAT).audit["problem"].tolist()


def test_jpeg_2000_that_is_said_to_be_without_loss_is_not_lossy(tmp_path):
    path, _ = one_file(tmp_path, 12, False)
    compress_file(path, *LOSSLESS["JPEG 2000 that may be lossy"])
    assert read_file(path, "a.dcm")[0].lossy
    data = pydicom.dcmread(path)
    data.LossyImageCompression = "00"
    data.save_as(path)
    assert not read_file(path, "a.dcm")[0].lossy


def test_damaged_codes_end_the_import_by_name(study):
    path = study / "sax_6/IM-0006-0002.dcm"
    data = pydicom.dcmread(path)
    write_coded(path, data, "90", [data.PixelData])
    with pytest.raises(
        SubjectError, match=r"cannot decode JPEG 2000.*: damaged; copy the file again"
    ):
        import_study(study, "7", CORRECTED)


def test_a_syntax_that_nobody_decodes_ends_the_import_with_advice(study):
    path = study / "sax_6/IM-0006-0002.dcm"
    data = pydicom.dcmread(path)
    write_coded(path, data, "100", [data.PixelData])
    with pytest.raises(
        SubjectError, match=r"cannot decode MPEG2.*: no decoder; decompress .*gdcmconv --raw"
    ):
        import_study(study, "7", CORRECTED)


@pytest.mark.parametrize("number", ["50", "70", "80", "90", "201"])
def test_codes_of_another_size_are_refused_before_memory_is_taken(tmp_path, number):
    path, _ = one_file(tmp_path, 8, False, allocated=8)
    code = {n: c for n, c, *_ in (*LOSSLESS.values(), ("50", lambda p, b: jpeg(p, b)))}[number]
    coded = bytes(code(np.zeros((12, 11), np.uint8), 8))
    assert coded_shape(coded) == (12, 11)
    write_coded(path, pydicom.dcmread(path), number, [coded])
    with pytest.raises(SubjectError, match="cannot decode"):
        read_file(path, "a.dcm")


def test_jpeg_data_that_end_early_are_refused_and_not_filled_with_grey(tmp_path):
    path, _ = one_file(tmp_path, 12, False)
    data = pydicom.dcmread(path)
    whole = jpeg(data.pixel_array, 12, lossless=True)
    write_coded(path, data, "70", [bytes(whole[: len(whole) // 2])])
    with pytest.raises(SubjectError, match="cannot decode"):
        read_file(path, "a.dcm")


def test_whatever_bytes_of_codes_are_damaged_the_file_is_read_or_refused(tmp_path):
    rng = np.random.default_rng(0)
    for number, code in LOSSLESS.values():
        path, _ = one_file(tmp_path, 12, False)
        compress_file(path, number, code)
        good = path.read_bytes()
        start = good.index(b"\xe0\x7f\x10\x00OB")
        for _ in range(40):
            damaged = bytearray(good)
            for place in rng.integers(start, len(good), 3):
                damaged[place] = rng.integers(256)
            path.write_bytes(damaged)
            with contextlib.suppress(SubjectError):
                (frame,) = read_file(path, "a.dcm")
                assert frame.pixels.shape == (12, 10)


def test_all_syntaxes_that_are_decoded_are_tested():
    tested = {number for number, *_ in (*LOSSLESS.values(), *LOSSY.values())}
    numbers = {syntax.rpartition(".")[2] for syntax in DECODERS}
    # 202 and 203 are decoded as 201 is.
    assert numbers == tested | {"50", "202", "203"}
