"""What of a window lies inside the endo- and the epicardium of a ring of landmarks."""

import torch

from cmrseg.ring import FIRST_SPOKE_DEG, SPOKES, STEP_DEG, WALLS


def pixel_px(count: int, size_px: int, device: torch.device) -> torch.Tensor:
    """Centres (count,) of the pixels of a map, in px of its window of `size_px`."""
    return (torch.arange(count, device=device) + 0.5) * size_px / count - 0.5


def shares_inside(ring: torch.Tensor, count: int, size_px: int) -> torch.Tensor:
    """What of each pixel of a map is inside endo- and epicardium: (n, 2, count, count), 0 or 1.

    ring: landmarks (n, 168, 2) at end-diastole, in px of the window.
    """
    spokes = ring.unflatten(1, (SPOKES, WALLS))
    middle = ring.mean(1)
    ends = spokes[:, :, [0, WALLS - 1]]
    radii = (ends - middle[:, None, None]).norm(dim=-1)
    axis = pixel_px(count, size_px, ring.device).to(ring.dtype)
    down = axis[:, None] - middle[:, 0, None, None]
    right = axis[None] - middle[:, 1, None, None]
    turn = (torch.rad2deg(torch.atan2(down, right)) - FIRST_SPOKE_DEG) / STEP_DEG
    before = turn.floor()
    share = (turn - before)[..., None]
    number = before.long() % SPOKES
    rows = [
        radii.gather(1, (number.flatten(1) + k)[..., None].expand(-1, -1, 2) % SPOKES)
        for k in (0, 1)
    ]
    here, after = (row.unflatten(1, number.shape[1:]) for row in rows)
    border = here + (after - here) * share
    return (torch.hypot(down, right)[..., None] < border).to(ring.dtype).permute(0, 3, 1, 2)
