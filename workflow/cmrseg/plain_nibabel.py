"""nibabel without pydicom.

nibabel imports pydicom, which takes as long as nibabel itself, to show one extension of NIfTI
headers as a DICOM data set. Nothing here reads that extension, and most stages read no DICOM.
"""

import sys
from types import ModuleType

# Python raises ModuleNotFoundError for None, and nibabel then does without.
_modules: dict[str, ModuleType | None] = sys.modules  # type: ignore[assignment]
_loaded = {name: _modules.pop(name) for name in ["pydicom"] if name in _modules}
_modules["pydicom"] = None
try:
    import nibabel as nib
finally:
    del _modules["pydicom"]
    _modules.update(_loaded)

__all__ = ["nib"]
