"""What a model card says of the images that a network sees, and how its labels are made."""

from collections.abc import Mapping
from typing import Any

from cmrseg.channels import has_coarse_channel

TAG_GREYS = "Divided by the 99th percentile of all frames that the network sees together."
# By the preparation of the images.
GREYS = {
    "fcn": "The 1st percentile of the cine becomes 0 and the 99th 1; values outside are clipped.",
    "unet": "In each image the smallest value becomes 0 and the largest 1.",
    "minmax": "In each image the smallest value becomes 0 and the largest 1.",
    "zscore": "Mean 0 and standard deviation 1 of the cine's voxels above their 10th percentile.",
    "joint_max": "The window of all images of a slice is divided by its one largest value.",
    "joint_max_compat": "The window of all images of a slice is divided by its one largest value.",
    "channel_max": "The window of every image is divided by its own largest value.",
    "zscore_window": "Mean 0 and standard deviation 1 of each sequence's voxels above their 10th "
    "percentile, in all of its slices.",
    "tag_frame": TAG_GREYS,
    "tag_frame_compat": "As they are.",
    "tag_window": TAG_GREYS,
    "tag_window_compat": "As they are.",
}
CURVE = " Then the published curve of the colour map Greys."
PADDED = (
    "Not resized; padded with zeros to multiples of {multiple} pixels. Training saw {} x {} pixels."
)
WINDOW = (
    "Not resized; of every slice the window of {} x {} pixels in its centre, with zeros where it "
    "is larger than the slice. Outside of it all is labelled background."
)
SIZES = {
    "fcn": PADDED,
    "unet": "Scaled so that the longer side has {} pixels, and padded with zeros to a square.",
    "minmax": PADDED,
    "zscore": "Not resized; padded with zeros to {} x {} pixels, or to multiples of {multiple}.",
    "joint_max": WINDOW,
    "joint_max_compat": WINDOW + " Its first row and column are swapped, as published.",
    "channel_max": WINDOW,
    "zscore_window": WINDOW,
    "tag_frame": "The first frame, scaled so that the longer side has {} pixels, and padded with "
    "zeros to a square.",
    "tag_frame_compat": "The first frame, not resized; padded with zeros to {} x {} pixels.",
    "tag_window": "The square around the box of model {coarse}, scaled to {} x {} pixels.",
    "tag_window_compat": "The box of model {coarse}, each axis scaled by itself to {} x {} pixels; "
    "places are scaled as rows are, as published.",
}
CENTRE = "in its centre"
# Of a model with a coarse model, in the place of CENTRE.
AROUND = "around the centre of the heart in the labels of model {coarse}"
COARSE_CHANNEL = (
    "The labels of model {coarse} are a further channel of the network, from 0 (background) to 1."
)
# How shares of a pixel become labels, where a model says it.
ACTIVATIONS = {
    "softmax": "Classes share a pixel (softmax), and the one with the largest share is taken.",
    "sigmoid": "Each class has a share of its own (sigmoid); of those above 0.5 the last one is "
    "taken, in the order {}, and without any it is background.",
}
# By the rule that removes islands.
ISLANDS = {
    "code": "Small, flat and far pieces of a tissue are removed, by the published program's rule.",
    "largest": "Only the largest piece of each tissue is kept.",
}
# By the number of views that are averaged.
VIEWS = {
    2: "of the image and its mirror image",
    4: "of the image, its mirror image, and both upside down",
    8: "of the image and its mirror image, each in four quarter turns",
}


def size_sentence(settings: Mapping[str, Any], multiple_px: int) -> str:
    """How images get the size that a network takes, and where its window lies."""
    size = settings["size_px"]
    coarse = settings.get("coarse", "")
    words = SIZES[settings["preparation"]].format(
        size, size, multiple=multiple_px, coarse=coarse or "localisation"
    )
    if coarse:
        return words.replace(CENTRE, AROUND.format(coarse=coarse))
    return words


def labelling_sentences(settings: Mapping[str, Any]) -> list[str]:
    """Sentences about what is done beside running the network once."""
    sentences = []
    if (views := settings.get("views", 1)) > 1:
        sentences.append(f"Probabilities are the mean of {views} views: {VIEWS[views]}.")
    if settings.get("activation"):
        order = settings["tissues"].replace(",", ", ")
        sentences.append(ACTIVATIONS[settings["activation"]].format(order))
    if settings.get("islands"):
        sentences.append(ISLANDS[settings["islands"]])
    if has_coarse_channel(settings):
        sentences.append(COARSE_CHANNEL.format(**settings))
    return sentences
