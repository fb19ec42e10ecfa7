"""The tagged slices that films show, read from images and landmarks."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from cmrseg.figures.tagging_movie import Film
from cmrseg.shards import subject_folders
from cmrseg.tagged_rings import SEQUENCE, has_points, known_slices, read_rings


def films_of(
    images: Iterable[str | Path], rings: Iterable[str | Path], subjects: Sequence[str] = ()
) -> list[Film]:
    """A film of each slice that has landmarks in its first frame.

    images, rings: shards of images and of landmarks. subjects: whose slices; the first one with
    landmarks unless given. Raises ValueError where there is nobody, for a subject without
    landmarks, and for one with another number of landmarks than a ring has.
    """
    folders, placed = subject_folders(images), subject_folders(rings)
    placed = {subject: folder for subject, folder in placed.items() if has_points(folder)}
    wanted = list(subjects) or list(placed)[:1]
    absent = [subject for subject in wanted if subject not in placed]
    if absent or not wanted:
        who = f"subject {absent[0]} has no" if absent else "no subject has"
        raise ValueError(f"{who} landmarks of {SEQUENCE}; name others in `subjects`")
    films = []
    for subject in wanted:
        cine, points_px = read_rings(subject, folders[subject], placed[subject])
        for z, known in known_slices(points_px):
            if known:
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
