"""Workspaces of cvi42 written by hand, with the prefixes declared or not."""

DECLARED = " ".join(
    f'xmlns:{prefix}="http://www.circlecvi.com/cvi42/Workspace/{prefix}/"'
    for prefix in ("Hash", "List", "Point")
)


def contour(name: str, points: str, resolution: str | None = "4") -> str:
    """A contour; points: "x y" pairs with commas between, in steps of the resolution."""
    items = ""
    for pair in points.split(",") if points else []:
        x, y = pair.split()
        items += f"<List:item><Point:x>{x}</Point:x><Point:y>{y}</Point:y></List:item>"
    inner = f'<Hash:item Hash:key="Points">{items}</Hash:item>'
    if resolution is not None:
        inner += f'<Hash:item Hash:key="SubpixelResolution">{resolution}</Hash:item>'
    return f'<Hash:item Hash:key="{name}">{inner}</Hash:item>'


def image(uid: str, *contours: str) -> str:
    """An image with something that is not read before its contours."""
    zoom = '<Hash:item Hash:key="Zoom"><Point:x>7</Point:x></Hash:item>'
    inner = f'{zoom}<Hash:item Hash:key="Contours">{"".join(contours)}</Hash:item>'
    return f'<Hash:item Hash:key="{uid}">{inner}</Hash:item>'


def states(*images: str) -> str:
    return f'<Hash:item Hash:key="ImageStates">{"".join(images)}</Hash:item>'


def workspace(*inside: str, spaces: str = DECLARED, head: str = "") -> bytes:
    patient = '<Hash:item Hash:key="PatientName">Doe^Jane</Hash:item>'
    text = f"<Hash:item {spaces}>{patient}{''.join(inside)}</Hash:item>"
    return f'<?xml version="1.0" encoding="UTF-8"?>{head}{text}'.encode()


def corners(left: float, top: float, right: float, bottom: float, steps: int = 4) -> str:
    """A square in pixels, as points in steps."""
    x0, y0, x1, y1 = (round(value * steps) for value in (left, top, right, bottom))
    return f"{x0} {y0},{x1} {y0},{x1} {y1},{x0} {y1}"
