"""Names of files of cvi42, and of its images; standard library only, as plans ask for them."""

SUFFIX = ".cvi42wsx"
# What follows a subject's name; zip files of UK Biobank have the first ending.
ENDINGS = ("_cvi42.zip", f"_cvi42{SUFFIX}", SUFFIX)


def image_of(file: str) -> str:
    """The SOPInstanceUID that names a DICOM file, which has the suffix .dcm or none.

    file: with or without folders; of an object of many frames `<file>#<frame>`.
    """
    name = file.partition("#")[0].rpartition("/")[2]
    return name[:-4] if name.lower().endswith(".dcm") else name
