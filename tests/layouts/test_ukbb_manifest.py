"""Manifests of UK Biobank's zip files, with the oddities that they have."""

import pytest

from cmrseg.layouts import ukbb_manifest
from cmrseg.layouts.ukbb_manifest import is_manifest, read_manifest

HEAD = "filename,patientid,series discription,date,modality"


def described(*lines, head=HEAD):
    return read_manifest("\n".join([head, *lines]).encode())


@pytest.mark.parametrize(
    "date", ["Jan 5, 2016", "Dec 31,2019", "Sept  5, 2020", '"Jan 5, 2016"', ""]
)
def test_dates_may_have_a_comma(date):
    manifest = described(f"1.2.dcm,7,CINE_segmented_SAX_b1,{date},MR")
    assert manifest.described == {"1.2.dcm": "CINE_segmented_SAX_b1"}
    assert manifest.malformed == []


@pytest.mark.parametrize(
    "head",
    [
        HEAD.replace("discription", "description"),
        HEAD.upper(),
        "\ufeff" + HEAD,
        HEAD.replace(",", " , "),
    ],
)
def test_columns_may_be_spelt_otherwise(head):
    assert described("a/1.dcm,7,x,,", head=head).described == {"1.dcm": "x"}


def test_lines_that_are_not_like_the_first_one_do_not_count():
    manifest = described(
        "1.dcm,7,x,Jan 5, 2016,MR",
        "2.dcm,7,x",
        "3.dcm,7,x,Jan 5, 2016,MR,more",
        ",7,x,Jan 5, 2016,MR",
        "4.dcm,7,,Jan 5, 2016,MR",
        "",
        '5.dcm,7,x,"MR',
    )
    assert manifest.described == {"1.dcm": "x"}
    assert manifest.malformed == [3, 4, 5, 6, 8]


def test_a_file_of_two_series_is_of_none():
    manifest = described("1.dcm,7,x,,", "1.dcm,7,y,,", "2.dcm,7,y,,", "2.dcm,7,y,,")
    assert manifest.described == {"2.dcm": "y"}
    assert manifest.malformed == [2, 3]


@pytest.mark.parametrize("content", [b"", b"\n", b"filename,date\n1.dcm,\n", b"\xff\xfe\x00"])
def test_without_the_columns_there_is_no_manifest(content):
    with pytest.raises(ValueError, match="its columns are not filename and series discription"):
        read_manifest(content)


def test_a_manifest_has_a_limit(monkeypatch):
    monkeypatch.setattr(ukbb_manifest, "MOST_BYTES", 10)
    with pytest.raises(ValueError, match="11 bytes, expected at most 10"):
        read_manifest(b"x" * 11)


def test_both_endings_are_manifests_and_no_other_name():
    names = ["manifest.csv", "a.zip/Manifest.cvs", "b/manifest.csv", "manifest2.csv", "1.dcm"]
    assert [is_manifest(name) for name in names] == [True, True, True, False, False]
