"""ImageNet weights of torchvision: tensors alone, without the classifier, of a known checksum."""

import hashlib
import os

import pytest
import torch
from safetensors.torch import load_file

from cmrseg.learn.imagenet import convert_imagenet, read_torchvision
from cmrseg.nets.build import make_encoder


def torchvision_file(folder, encoder, width, **changes):
    """A file like torchvision's, named by its checksum."""
    generator = torch.Generator().manual_seed(1)
    state = {
        name: torch.rand(value.shape, generator=generator)
        for name, value in make_encoder(encoder, width).state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    classifier = "classifier.0" if encoder == "vgg16_bn" else "fc"
    state |= {f"{classifier}.weight": torch.zeros(3, 2), f"{classifier}.bias": torch.zeros(3)}
    torch.save(state | changes, folder / "saved")
    digest = hashlib.sha256((folder / "saved").read_bytes()).hexdigest()
    return (folder / "saved").rename(folder / f"{encoder}-{digest[:8]}.pth"), state


@pytest.mark.parametrize("encoder", ["resnet34", "resnet50", "vgg16_bn"])
def test_encoder_weights_are_taken_without_the_classifier(encoder, tmp_path):
    file, state = torchvision_file(tmp_path, encoder, 2)
    read = read_torchvision(file, encoder, width=2)
    assert read.keys() == make_encoder(encoder, 2).state_dict().keys()
    assert all(torch.equal(read[k], v) for k, v in state.items() if not k.startswith(("fc", "cl")))


def test_published_encoder_is_written_as_training_reads_it(tmp_path):
    _, state = torchvision_file(tmp_path, "resnet34", 64)
    convert_imagenet(tmp_path, "resnet34", tmp_path / "resnet34.safetensors")
    weights = load_file(tmp_path / "resnet34.safetensors")
    encoder = make_encoder("resnet34", 64)
    encoder.load_imagenet(weights)
    assert torch.equal(encoder.layer4[2].conv2.weight, state["layer4.2.conv2.weight"])


def test_encoder_file_of_another_network_is_refused(tmp_path):
    file, _ = torchvision_file(tmp_path, "resnet34", 2)
    with pytest.raises(ValueError, match=r"resnet34-.*\.pth: ImageNet weights do not fit ResNet"):
        read_torchvision(file, "resnet50", width=2)


class Harmful:
    """Runs a command where a pickle is opened without care."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_code_in_a_file_of_weights_is_not_run(tmp_path):
    file, _ = torchvision_file(tmp_path, "resnet34", 2, extra=Harmful(tmp_path / "broken_in"))
    with pytest.raises(ValueError, match="holds more than tensors and was not opened, as it could"):
        read_torchvision(file, "resnet34", width=2)
    assert not (tmp_path / "broken_in").exists()


def test_files_that_are_no_weights_are_refused(tmp_path):
    file, _ = torchvision_file(tmp_path, "resnet34", 2)
    wrong = file.with_name("resnet34-00000000.pth")
    wrong.write_bytes(file.read_bytes())
    with pytest.raises(ValueError, match=r"resnet34-00000000\.pth: its sha256 is not the one in"):
        read_torchvision(wrong, "resnet34", width=2)
    cut = tmp_path / "cut.pth"
    cut.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(ValueError, match=r"cut\.pth: not a file of torch"):
        read_torchvision(cut, "resnet34", width=2)
    torch.save({"epoch": 3}, tmp_path / "other.pth")
    with pytest.raises(ValueError, match=r"other\.pth: holds no state dict"):
        read_torchvision(tmp_path / "other.pth", "resnet34", width=2)


def test_folder_needs_exactly_one_file_of_weights(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"0 files end in \.pth, expected torchvision's"):
        convert_imagenet(tmp_path, "resnet34", tmp_path / "out")
