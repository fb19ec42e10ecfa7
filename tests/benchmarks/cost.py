"""What the published study would take: `python tests/benchmarks/cost.py` prints a table.

Counts are those of the published study (Ankenbrand et al. 2021, doi:10.1002/mrm.28822): 357,760
images of 1,140 patients, 433,460 with turned copies; confidence sets and 7T volunteers as in its
tables. Costs are measured ones: seconds of a core by `make bench` and of this file's networks by
one process each, seconds of a card by gpu_label.py and gpu_train.py.
"""

from dataclasses import dataclass

IMAGES, TURNED = 357_760, 433_460
# (images of an epoch in training, in validation) by confidence set.
SETS = {"c05": (45_990, 8_550), "c10": (133_950, 28_530), "c15": (196_740, 41_610)}
EPOCHS = 60
SEVEN_TESLA, SEVEN_TESLA_VALIDATION, SEVEN_TESLA_EPOCHS, SEVEN_TESLA_MODELS = 5_076, 1_842, 20, 27
# Encoder and share of the pixels of 256 x 256 of each model of the search, by set.
SEARCH = {
    "c05": [*["resnet34"] * 5, "resnet34 at 128", "resnet50", "vgg16_bn"],
    "c10": ["resnet34"],
    "c15": ["resnet34"],
}
# Seconds of a core for an image: a step of training, and labelling (`unet_compat`).
CORE = {
    "resnet34": (1.234, 0.301),
    "resnet34 at 128": (1.234 / 4, 0.301 / 4),
    "resnet50": (14.1, 2.79),
    "vgg16_bn": (8.84, 3.02),
}
# Images per second of a step of ResNet-34 on one H100: of a long training, and of a short one.
CARD_LONG, CARD_SHORT = 819.0, 508.0
# A card labels an image of the narrow U-Net this many times faster than a core.
CARD_LABELLING = 500.0
# Seconds of a core for an image of the study: import, label, prepare; of a card: label.
IMPORT_S, LABEL_S, SLICES_S, CARD_LABEL_S = 0.26 * 1140 / IMAGES, 0.0241, 0.00056, 0.00025


@dataclass(frozen=True)
class Cost:
    """core, card: seconds on one core, and with one card."""

    core: float
    card: float

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.core + other.core, self.card + other.card)


def training(encoder: str, images: float, validation: float, card: float) -> Cost:
    """images: seen in all epochs. validation: labelled in all of them. card: images per second."""
    step, label = CORE[encoder]
    relative = CORE["resnet34"][0] * card
    return Cost(
        step * images + label * validation,
        step * images / relative + label * validation / CARD_LABELLING,
    )


def one(encoder: str, subset: str) -> Cost:
    images, validation = SETS[subset]
    return training(encoder, EPOCHS * images, EPOCHS * validation, CARD_LONG)


def labelled(encoder: str, images: int) -> Cost:
    core = CORE[encoder][1] * images
    return Cost(core, core / CARD_LABELLING)


def total(costs: list[Cost]) -> Cost:
    return sum(costs, Cost(0, 0))


def main() -> None:
    search = {e + s: one(e, s) for s, encoders in SEARCH.items() for e in set(encoders)}
    trained = [search[e + s] for s, encoders in SEARCH.items() for e in encoders]
    predicted = [labelled(e, TURNED) for encoders in SEARCH.values() for e in encoders]
    transfer = training(
        "resnet34",
        SEVEN_TESLA_MODELS * SEVEN_TESLA_EPOCHS * SEVEN_TESLA,
        SEVEN_TESLA_MODELS * SEVEN_TESLA_EPOCHS * SEVEN_TESLA_VALIDATION,
        CARD_SHORT,
    )
    labels = Cost(LABEL_S * IMAGES, CARD_LABEL_S * IMAGES)
    # Processors do this, also beside a card: 16 of them.
    prepared = Cost((IMPORT_S + SLICES_S) * IMAGES, (IMPORT_S + SLICES_S) * IMAGES / 16)
    parts = {
        "import and slices": prepared,
        "labels of the published FCN": labels,
        "ten models of the search": total(trained),
        "their labels of all images": total(predicted),
        "27 models at 7T": transfer,
        "all": total([prepared, labels, *trained, *predicted, transfer]),
        "one base model and 27 at 7T": total(
            [prepared, labels, search["resnet34c05"], labelled("resnet34", TURNED), transfer]
        ),
    }
    print("| part | 2 cores, days | 16 cores, days | 16 cores and a card, hours |")
    print("| --- | ---: | ---: | ---: |")
    for name, cost in parts.items():
        cells = (cost.core / 2 / 86400, cost.core / 16 / 86400, cost.card / 3600)
        print(f"| {name} | {' | '.join(f'{cell:.2g}' for cell in cells)} |")
    longest = max(search.values(), key=lambda cost: cost.card)
    base = search["resnet34c05"].card + transfer.card / SEVEN_TESLA_MODELS
    print(f"Longest training on a card: {longest.card / 3600:.1f} h, base and one at 7T after it:")
    print(f"{base / 3600:.1f} h")


if __name__ == "__main__":
    main()
