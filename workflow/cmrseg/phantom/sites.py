"""Scanners of many sites: the same field, other contrast, noise and shading."""

from dataclasses import replace

import numpy as np

from cmrseg.phantom.scanner import SCANNERS, ScannerSettings

# Standard deviation of the logarithm of each property at variety 1. Blood and muscle vary apart,
# so that contrast does; muscle and liver stay alike, as they are in every scanner.
BLOOD, MUSCLE, FAT, NOISE, SHADING, BLUR = 0.18, 0.22, 0.25, 0.6, 0.5, 0.2


def site_scanner(preset: str, variety: float, rng: np.random.Generator) -> ScannerSettings:
    """The scanner that one subject was examined with.

    preset: name in SCANNERS. variety: between sites; 0 is the preset itself, 1 is typical of many
    hospitals. Raises ValueError for an unknown preset or a negative variety.
    """
    if preset not in SCANNERS:
        raise ValueError(f"unknown scanner {preset}, expected one of {sorted(SCANNERS)}")
    if variety < 0:
        raise ValueError(f"variety is {variety}, expected 0 or more")
    usual = SCANNERS[preset]
    spreads = np.array([BLOOD, MUSCLE, FAT, NOISE, SHADING, BLUR])
    blood, muscle, fat, noise, shading, blur = np.exp(rng.normal(0, 1, 6) * spreads * variety)
    signals = usual.signals
    return replace(
        usual,
        signals=replace(
            signals,
            blood=float(signals.blood * blood),
            vein=float(signals.vein * blood),
            myocardium=float(signals.myocardium * muscle),
            muscle=float(signals.muscle * muscle),
            liver=float(signals.liver * muscle),
            spleen=float(signals.spleen * muscle),
            fat=float(signals.fat * fat),
        ),
        noise=float(usual.noise * noise),
        shading=float(usual.shading * shading),
        blur_px=float(usual.blur_px * blur),
    )
