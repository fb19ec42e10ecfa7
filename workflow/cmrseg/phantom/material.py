"""Where the material of the digital heart comes from: what carries its textures along."""

import numpy as np

from cmrseg.phantom.geometry import Coordinates, State
from cmrseg.phantom.heart import Heart


def origins_mm(heart: Heart, at: Coordinates, state: State) -> np.ndarray:
    """Where the material at points was at end-diastole (LPS mm), (..., 3).

    The inverse of `Heart.move` in wall and cavity. Around the wall, places keep their part of the
    right ventricle, which does not twist.
    """
    here = np.clip(at.height_mm, 0, state.height_mm)
    slope = np.sqrt(1 - here * (2 * state.bend / heart.length_mm))
    h = 2 * here / (1 + slope)
    twist = state.twist_rad * (1 - h / heart.length_mm)
    c, s = np.cos(twist), np.sin(twist)
    cos, sin = at.cos * c + at.sin * s, at.sin * c - at.cos * s
    endo, epi = heart.at_rest(h, cos, sin)
    squeeze = heart.squeeze(h, cos, sin, state)
    beyond = (at.radius2_mm2 - endo * squeeze) * slope  # of the endocardium, at rest
    outside = beyond - (epi - endo)
    larger = heart.state(0.0).rv_mm2 / state.rv_mm2
    around = epi + outside / slope * larger
    radius2 = np.where(beyond < 0, at.radius2_mm2 / squeeze, endo + beyond)
    radius = np.sqrt(np.where(outside > 0, around, radius2))
    cos, sin = np.where(outside > 0, at.cos, cos), np.where(outside > 0, at.sin, sin)
    height = np.broadcast_to(h + at.height_mm - here, radius.shape)
    return (
        heart.apex_mm
        - height[..., None] * heart.axis
        + (radius * cos)[..., None] * heart.towards_rv
        + (radius * sin)[..., None] * heart.towards_inferior
    )
