"""The tagged slices that films show, read from images and landmarks."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from cmrseg.cine import Cine
from cmrseg.figures.tagging_movie import Film
from cmrseg.points import read_points
from cmrseg.ring import LANDMARKS
from cmrseg.sequences import image_path, points_path
from cmrseg.shards import subject_folders

SEQUENCE = "tag"


def films_of(
    images: Iterable[str | Path], rings: Iterable[str | Path], subjects: Sequence[str] = ()
) -> list[Film]:
    """A film of each slice that has landmarks in its first frame.

    images, rings: shards of images and of landmarks. subjects: whose slices; the first one with
    landmarks unless given. Raises ValueError where there is nobody, for a subject without
    landmarks, and for one with another number of landmarks than a ring has.
    """
    folders, placed = subject_folders(images), subject_folders(rings)
    paths = {subject: points_path(folder, SEQUENCE) for subject, folder in placed.items()}
    paths = {subject: path for subject, path in paths.items() if path.is_file()}
    wanted = list(subjects) or list(paths)[:1]
    absent = [subject for subject in wanted if subject not in paths]
    if absent or not wanted:
        who = f"subject {absent[0]} has no" if absent else "no subject has"
        raise ValueError(f"{who} landmarks of {SEQUENCE}; name others in `subjects`")
    films = []
    for subject in wanted:
        cine = Cine.load(image_path(folders[subject], SEQUENCE))
        points_px = read_points(paths[subject], cine)
        if points_px.shape[2] != LANDMARKS:
            raise ValueError(
                f"subject {subject}: {points_px.shape[2]} points in a slice, expected the "
                f"{LANDMARKS} of a ring"
            )
        for z in range(points_px.shape[1]):
            if np.isfinite(points_px[0, z]).any():
                films.append(
                    Film(
                        f"{subject}_slice{z + 1}",
                        f"Subject {subject}, slice {z + 1}",
                        cine.voxels[:, z],
                        points_px[:, z],
                        cine.spacing_mm[1:],
                        1000 * cine.frame_interval_s,
                    )
                )
    return films
