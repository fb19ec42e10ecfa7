"""What a model card says of the images that a network sees, and how its labels are made."""

# By the preparation of the images.
GREYS = {
    "fcn": "The 1st percentile of the cine becomes 0 and the 99th 1; values outside are clipped.",
    "unet": "In each image the smallest value becomes 0 and the largest 1.",
    "minmax": "In each image the smallest value becomes 0 and the largest 1.",
    "zscore": "Mean 0 and standard deviation 1 of the cine's voxels above their 10th percentile.",
    "joint_max": "The window of all images of a slice is divided by its one largest value.",
    "joint_max_compat": "The window of all images of a slice is divided by its one largest value.",
    "channel_max": "The window of every image is divided by its own largest value.",
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
}
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
