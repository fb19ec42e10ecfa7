"""Whether a cine that is to be tagged shows tags: without them there is no strain to measure."""

from cmrseg.cine import Cine
from cmrseg.layouts.inputs import TAGGED
from cmrseg.tagged import looks_tagged

# Lines 5 mm apart are too fine for larger pixels, which then cannot tell.
MOST_MM = 2.0
UNTAGGED = "no slice shows the lines of tags; give the tagged cine, or use a model of other images"


def without_tags(cine: Cine, sequence: str) -> str:
    """Why images (t, z, y, x) are not those of a tagged sequence, "" where they may be.

    One slice with tags is enough: they fade, and the apex is small. Other sequences may be as they
    are.
    """
    if sequence != TAGGED or max(cine.spacing_mm[1:]) > MOST_MM:
        return ""
    slices = range(cine.voxels.shape[1])
    return "" if any(looks_tagged(cine.voxels[:, z]) for z in slices) else UNTAGGED
