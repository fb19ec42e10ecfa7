"""Reference values of healthy adults by sex (Petersen et al. 2017, UK Biobank).

Mean and SD of 368 men and 432 women of 45 to 74 years without known disease, from manual contours
at 1.5T with the papillary muscles in the cavity: Table 12 (by sex, all ages). Ejection fraction
and mass per m² are in the abstract, too. Of the women's end-systolic volume, the SD of their
end-diastolic volume, and the stroke volume per m² one transcription of that table was at hand.
The tables by age group and those of the right ventricle are not here.
"""

from enum import StrEnum
from typing import NamedTuple

SOURCE = (
    "Petersen et al. 2017, J Cardiovasc Magn Reson 19:18, doi:10.1186/s12968-017-0327-9, Table 12: "
    "UK Biobank, healthy adults of 45 to 74 years, papillary muscles counted as cavity"
)
# The youngest and the oldest of whom these values are, in years.
AGES = (45, 74)
# A range is the mean with this many SD on either side: 95 % of a normal distribution.
SPREAD = 1.96
RANGE_WORDS = "mean ± 1.96 SD"


class Sex(StrEnum):
    """Sex of a person, as reference values distinguish it."""

    FEMALE = "female"
    MALE = "male"


class Reference(NamedTuple):
    """Mean and SD of a measure in healthy adults, in its unit in tables."""

    mean: float
    sd: float

    @property
    def low(self) -> float:
        return self.mean - SPREAD * self.sd

    @property
    def high(self) -> float:
        return self.mean + SPREAD * self.sd


# By the measure's column in tables; fractions, not per cent.
REFERENCES: dict[Sex, dict[str, Reference]] = {
    Sex.FEMALE: {
        "edv_ml": Reference(124, 21),
        "esv_ml": Reference(49, 11),
        "sv_ml": Reference(75, 14),
        "sv_ml_per_m2": Reference(45, 8),
        "ef": Reference(0.61, 0.05),
        "mass_g_per_m2": Reference(42, 7),
    },
    Sex.MALE: {
        "edv_ml": Reference(166, 32),
        "esv_ml": Reference(69, 16),
        "sv_ml": Reference(96, 20),
        "sv_ml_per_m2": Reference(49, 10),
        "ef": Reference(0.58, 0.05),
        "mass_g_per_m2": Reference(53, 9),
    },
}


def reference_of(measure: str, sex: Sex | None, age_years: float | None) -> Reference | None:
    """The reference value of a measure (its column in tables), None where there is none.

    sex, age_years: of the person, None where unknown. Without sex there is none, and none of an
    age outside AGES; where the age is unknown, it is taken to be within.
    """
    if sex is None or not of_these_ages(age_years):
        return None
    return REFERENCES[sex].get(measure)


def of_these_ages(age_years: float | None) -> bool:
    """Whether reference values are of this age; an unknown one is taken to be."""
    return age_years is None or AGES[0] <= age_years < AGES[1] + 1


def outside(value: float, reference: Reference) -> str:
    """ "below" or "above" a reference range, "" within it."""
    if value < reference.low:
        return "below"
    return "above" if value > reference.high else ""
