"""What somebody says of the person in the images, and a title of the report."""

from collections.abc import Mapping
from typing import Any

from app.session import Refused, Session
from cmrseg.measure.person import LIMITS, WORDS, Person, by_person, person_of
from cmrseg.measure.reference_ranges import RANGE_WORDS, SOURCE

MOST_TITLE = 80


def take_person(session: Session, said: Mapping[str, Any]) -> None:
    """Keep what a request says until other images are loaded. Raises Refused if it cannot be."""
    try:
        person = person_of(said)
    except ValueError as error:
        text = str(error)
        raise Refused(f"{text[:1].upper()}{text[1:]}.") from None
    title = said.get("title") or ""
    if not isinstance(title, str) or len(title) > MOST_TITLE or not title.isprintable():
        raise Refused(f"A title has at most {MOST_TITLE} characters, in one line.")
    session.person, session.title = person, title.strip()


def with_person(rows: list[dict[str, Any]], person: Person) -> list[dict[str, Any]]:
    """Rows of measures with what is known of the person (`measure.person.by_person`)."""
    return [{**row, **by_person(row["key"], row["value"], row["unit"], person)} for row in rows]


def person_rows(rows: list[dict[str, Any]], person: Person) -> list[tuple[str, str, str]]:
    """Rows of the table of measures: values per body surface area, reference ranges, the person."""
    found = []
    for row in rows:
        if indexed := row.get("indexed"):
            found.append((f"{row['name']} per m²", f"{indexed['value']:.6g}", indexed["unit"]))
    has_reference = False
    for row in rows:
        for name, about in ((row["name"], row), (f"{row['name']} per m²", row.get("indexed"))):
            if about and "reference" in about:
                has_reference = True
                low, high = about["reference"]
                where = f", the value is {about['outside']}" if about["outside"] else ""
                words = f"{about['unit']}, {RANGE_WORDS}{where}"
                found.append((f"reference range of {name}", f"{low:.3g} to {high:.3g}", words))
    if has_reference:
        found.append(("source of the reference ranges", SOURCE, ""))
    if bsa := person.bsa_m2:
        found.append(("body surface area", f"{bsa:.4g}", "m², Mosteller"))
    for key, (_, _, unit) in LIMITS.items():
        if (value := getattr(person, key)) is not None:
            found.append((WORDS[key], f"{value:g}", unit))
    return [*found, *([("sex", str(person.sex), "")] if person.sex else [])]
