"""Values in label files of the MyoPS challenge."""

from cmrseg.labels import Tissue

# Li et al. 2023, doi:10.1016/j.media.2023.102808.
CODES = {
    0: Tissue.BACKGROUND,
    200: Tissue.MYO,
    500: Tissue.LV,
    600: Tissue.RV,
    1220: Tissue.EDEMA,
    2221: Tissue.SCAR,
}
