"""Files with contours of cvi42 by their names; standard library only, as plans ask for them."""

SUFFIX = ".cvi42wsx"
# What follows a subject's name; zip files of UK Biobank have the first ending.
ENDINGS = ("_cvi42.zip", f"_cvi42{SUFFIX}", SUFFIX)
