"""Make films of tagged slices with their landmarks and strain."""

from cmrseg.figures.tagging_movie import write_film
from cmrseg.figures.tagging_slices import films_of
from cmrseg.files import replacing
from stage import start

start(snakemake)
found, settings = snakemake.input, snakemake.params.settings
with replacing(snakemake.output.films) as folder:
    folder.mkdir()
    for film in films_of(found.images, found.labels, settings["subjects"]):
        write_film(film, folder / f"{film.name}.gif")
