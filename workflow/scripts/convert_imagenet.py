"""Take the encoder's weights out of torchvision's file."""

from cmrseg.learn.imagenet import convert_imagenet
from stage import start

start(snakemake)
convert_imagenet(snakemake.input.raw, snakemake.wildcards.encoder, snakemake.output.weights)
