"""Damaged weights of a model, of an ImageNet encoder and of a published bundle."""

import json
from collections.abc import Iterator
from pathlib import Path

from bad_cases import Case, Family, content_cases, place_cases
from bad_study import RECORD
from mutations import damaged_bytes


def make_weights(folder: Path) -> None:
    import torch

    from bundle_writer import random_checkpoint
    from cmrseg.learn.weights import save_weights
    from cmrseg.nets.build import empty_network, network_settings

    state = empty_network(network_settings(RECORD["settings"] | {"width": 1})).state_dict()
    weights = {name: torch.zeros(value.shape, dtype=value.dtype) for name, value in state.items()}
    save_weights(weights, folder / "model/weights.safetensors")
    record = {"settings": {**RECORD["settings"], "width": 1}}
    (folder / "model/record.json").write_text(json.dumps(record))
    (folder / "torch").mkdir()
    torch.save({"conv1.weight": torch.zeros(2, 2)}, folder / "torch/resnet34.pth")
    entry = {"network": "fcn", "width": 1, "tissues": "lv,my,rv"}
    (folder / "bundle").mkdir()
    random_checkpoint(folder / "bundle/FCN_sa", entry)


def run_model(folder: Path) -> list[str]:
    from cmrseg.learn.label import load_model

    load_model(folder / "model")
    return []


def run_torch(folder: Path) -> list[str]:
    from cmrseg.learn.imagenet import convert_imagenet

    convert_imagenet(folder / "torch", "resnet34", folder / "out.safetensors")
    return []


def run_bundle(folder: Path) -> list[str]:
    from cmrseg.nets.published import read_published

    read_published(folder / "bundle/FCN_sa", {"network": "fcn", "width": 1, "tissues": "lv,my,rv"})
    return []


def odd_weights(good: bytes) -> Iterator[tuple[str, bytes]]:
    """Headers of safetensors files: a length, then JSON."""
    length = int.from_bytes(good[:8], "little")
    body = good[8 + length :]

    def headed(head: bytes, announced: int | None = None) -> bytes:
        return (len(head) if announced is None else announced).to_bytes(8, "little") + head + body

    yield "a header of 2^63 bytes", headed(good[8 : 8 + length], 2**63)
    yield "a header of 4 GB", headed(good[8 : 8 + length], 2**32)
    yield "a deep header", headed(b'{"a":' * 10**5 + b"1" + b"}" * 10**5)
    yield (
        "a huge tensor",
        headed(b'{"a":{"dtype":"F32","shape":[1000000,1000000],"data_offsets":[0,4000000000000]}}'),
    )
    yield (
        "a tensor beyond the end",
        headed(b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[999999996,1000000000]}}'),
    )
    yield "a pickle", b"\x80\x04\x8c\x05posix\x94\x8c\x06system\x94\x93\x94\x8c\x04echo\x94\x85R."


def weight_cases(good: Path) -> Iterator[Case]:
    target = "model/weights.safetensors"
    content = (good / target).read_bytes()
    yield from content_cases(target, damaged_bytes(content, 121, 2), run_model)
    yield from content_cases(target, odd_weights(content), run_model)
    yield from place_cases(good, target, run_model)
    target = "model/record.json"
    text = (good / target).read_text()
    yield from content_cases(target, damaged_bytes(text.encode(), 122, 1), run_model)
    for key, value in (
        *(("width", v) for v in (0, -1, 10**9, 1e300, "4", None, [1])),
        *(("tissues", v) for v in ("", "lv,lv", "heart", 4, None)),
        *(("network", v) for v in ("", 3, None, [1])),
        *(("encoder", v) for v in ("resnet34", 3, None)),
    ):
        settings = {**json.loads(text)["settings"], key: value}
        changed = json.dumps({"settings": settings}).encode()
        yield from content_cases(target, iter([(f"{key} is {value}", changed)]), run_model)
    yield from content_cases(target, iter([("deep", b"[" * 10**5)]), run_model)
    yield from place_cases(good, target, run_model)
    target = "torch/resnet34.pth"
    content = (good / target).read_bytes()
    yield from content_cases(target, damaged_bytes(content, 123, 2), run_torch)
    yield from content_cases(target, iter([odd_weights(content * 8).__next__()]), run_torch)
    yield from place_cases(good, target, run_torch)
    for target in ("bundle/FCN_sa.index", "bundle/FCN_sa.data-00000-of-00001"):
        content = (good / target).read_bytes()
        yield from content_cases(target, damaged_bytes(content, 124, 3), run_bundle)
        yield from place_cases(good, target, run_bundle)


FAMILIES = {
    "weights": Family(make_weights, weight_cases, ("model", "resnet34", "FCN_sa", "torch")),
}
