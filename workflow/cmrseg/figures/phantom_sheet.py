"""Images of one digital subject in two scanners: the demo's training data."""

import numpy as np
from matplotlib.figure import Figure

from cmrseg.phantom.heart import HeartParameters
from cmrseg.phantom.scanner import SCANNERS, acquire, short_axis_planes

# Levels of a stack, as fractions of the distance from base to apex.
LEVELS = {"base": 0.3, "mid": 0.48, "apex": 0.7}
# Scanner, then rows, columns, pixel spacing and slice thickness (mm) of its images.
PROTOCOLS = {"1.5T": (160, 192, 1.5, 8.0), "7T": (240, 288, 1.0, 6.0)}


def figure(parameters: HeartParameters, seed: int = 0) -> Figure:
    """Short-axis images of a subject: base, mid and apex, at end-diastole and end-systole, in
    a 1.5T and a 7T scanner. `seed`: seed of the noise."""
    phases = {"ED": 0.0, "ES": parameters.es_phase}
    sheet = Figure(figsize=(2.2 * len(LEVELS) * len(phases), 2.0 * len(PROTOCOLS)))
    axes = sheet.subplots(len(PROTOCOLS), len(LEVELS) * len(phases), squeeze=False)
    rng = np.random.default_rng(seed)
    for row, (scanner, (rows, columns, spacing_mm, thickness_mm)) in zip(
        axes, PROTOCOLS.items(), strict=True
    ):
        planes = short_axis_planes(parameters, rows, columns, spacing_mm, 10.0, thickness_mm)
        panels = iter(row)
        for level, place in LEVELS.items():
            plane = planes[round(place * (len(planes) - 1))]
            settings = SCANNERS[scanner]
            images, _ = acquire(parameters, plane, list(phases.values()), settings, rng)
            for image, phase in zip(images, phases, strict=True):
                panel = next(panels)
                panel.imshow(image, cmap="gray", vmin=0, vmax=np.percentile(image, 99.3))
                panel.set_title(f"{scanner}, {level}, {phase}", fontsize=8)
                panel.set_axis_off()
    sheet.subplots_adjust(0.002, 0.002, 0.998, 0.95, 0.02, 0.1)
    return sheet
