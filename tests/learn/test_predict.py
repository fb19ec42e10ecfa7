import json
import shutil
import threading

import numpy as np
import pytest
import torch

from cmrseg.cine import Cine
from cmrseg.learn.cuda_images import CardImages, planes_for_card
from cmrseg.learn.label import label_shard, load_model
from cmrseg.learn.predict import (
    LEAST_AGREEMENT,
    Predictor,
    agreement,
    checked_images,
    label_on_card,
    predict_cine,
)
from cmrseg.learn.prepare import as_float, prepare_cine
from cmrseg.learn.weights import save_weights
from cmrseg.nets.build import build_network, network_settings
from cmrseg.nets.folded import folded
from cmrseg.tasks.label_map import LabelMap
from networks import network_of

UNET = {"preparation": "unet", "size_px": 32, "intensity": "linear", "tissues": "lv,my"}
FCN = {"preparation": "fcn", "size_px": 16, "intensity": "linear", "tissues": "lv,my"}
READING = LabelMap.of(FCN)


class Threshold(torch.nn.Module):
    """Class 1 where the image is brighter than a half, else 0; remembers what it saw."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def __deepcopy__(self, memo):
        return self

    def forward(self, images):
        self.seen.append(images)
        return torch.cat([0.5 - images, images - 0.5], 1)


@pytest.fixture
def cine():
    """Two frames of three slices, 20 x 28 pixels (y, x), with a bright disc each."""
    y, x = np.mgrid[:20, :28]
    voxels = np.zeros((2, 3, 20, 28), np.float32)
    for t in range(2):
        for z in range(3):
            voxels[t, z] = 200 * ((y - 9 - t) ** 2 + (x - 12 - z) ** 2 < 36) + 10
    return Cine(voxels, np.eye(4))


@pytest.mark.parametrize("size_px", [28, 32, 48, 64])
def test_labels_come_back_on_the_native_grid(cine, size_px):
    labels = predict_cine(Threshold(), cine, UNET | {"size_px": size_px})
    assert labels.dtype == np.uint8
    assert labels.shape == cine.voxels.shape
    assert ((labels == 1) != (cine.voxels > 100)).mean() < (0.02 if size_px > 28 else 1e-9)


def test_fcn_labels_are_cropped_back_exactly(cine):
    assert ((predict_cine(Threshold(), cine, FCN) == 1) == (cine.voxels > 100)).all()


def test_network_sees_prepared_images_in_batches_over_frames_and_slices(cine):
    network = Threshold()
    predict_cine(network, cine, UNET, batch=4)
    # Batches may change places where there are several threads.
    batches = sorted(network.seen, key=len, reverse=True)
    assert [len(images) for images in batches] == [4, 2]
    pixels, _ = prepare_cine(cine.voxels, UNET)
    seen = torch.cat(batches)[:, 0].numpy()
    assert (seen == as_float(pixels).reshape(6, 32, 32)).all()


def test_batch_size_has_no_influence(cine):
    results = [predict_cine(Threshold(), cine, UNET, batch=batch) for batch in (1, 5, 100)]
    assert (results[0] == results[1]).all()
    assert (results[0] == results[2]).all()


def test_progress_is_told_after_each_batch_and_may_end_the_work(cine):
    told = []
    predict_cine(Threshold(), cine, UNET, batch=4, progress=lambda *part: told.append(part))
    assert told == [(4, 6), (6, 6)]

    def enough(done, total):
        raise InterruptedError

    network, threads = Threshold(), torch.get_num_threads()
    at_work = threading.active_count()
    try:
        torch.set_num_threads(1)
        with pytest.raises(InterruptedError) as ended:
            predict_cine(network, cine, UNET, batch=1, progress=enough)
        # Also while somebody looks at the error.
        assert ended.tb is not None
        assert threading.active_count() == at_work
    finally:
        torch.set_num_threads(threads)
    assert len(network.seen) <= 2


@pytest.fixture
def fcn():
    """A narrow FCN of random weights, whose labels of the cine have several classes."""
    settings = network_of("fcn", 4, "lv,my")
    return build_network(settings, torch.Generator().manual_seed(1))


def test_labels_of_a_network_are_those_of_its_logits(cine, fcn):
    pixels, canvas = prepare_cine(cine.voxels, FCN)
    with torch.inference_mode():
        logits = fcn.eval()(torch.from_numpy(as_float(pixels.reshape(6, 1, *canvas.size))))
    labels = predict_cine(fcn, cine, FCN)
    assert len(np.unique(labels)) > 1
    assert (labels.reshape(6, 20, 28) == READING.result(logits, canvas).numpy()).all()


@pytest.mark.parametrize(("rows", "columns"), [(32, 32), (112, 64), (192, 208)])
def test_threads_and_batch_have_no_influence_on_any_logit(fcn, rows, columns):
    images = torch.rand(1, 5, rows, columns, generator=torch.Generator().manual_seed(2))
    labeller = Predictor(fcn, FCN)
    given: dict[bytes, set[bytes]] = {}

    def remember(module, inputs, logits):
        for image, result in zip(inputs[0], logits, strict=True):
            given.setdefault(image.numpy().tobytes(), set()).add(result.numpy().tobytes())

    labeller.network.register_forward_hook(remember)
    threads = torch.get_num_threads()
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            for labeller.batch in (1, 2, 3, 5):
                labeller.label(labeller.prepare(Cine(images.numpy(), np.eye(4))))()
                assert torch.get_num_threads() == count
    finally:
        torch.set_num_threads(threads)
    assert [len(results) for results in given.values()] == [1] * 5


def test_a_card_s_way_of_labelling_gives_the_labels_of_a_processor(cine, fcn):
    images = CardImages(*planes_for_card([cine.voxels], FCN), FCN, "cpu")
    labels = label_on_card(folded(fcn), images, 4, READING)
    assert (labels.numpy().reshape(cine.voxels.shape) == predict_cine(fcn, cine, FCN)).all()
    assert agreement(folded(fcn), images, labels, READING) == 1


def test_agreement_is_that_of_some_images(cine, fcn):
    voxels = np.concatenate([cine.voxels] * 9)  # 54 images, of which eight are looked at
    images = CardImages(*planes_for_card([voxels], FCN), FCN, "cpu")
    labels = label_on_card(folded(fcn), images, 4, READING).clone()
    numbers = checked_images(18, 3)
    labels[np.setdiff1d(np.arange(54), numbers)] += 1
    assert agreement(folded(fcn), images, labels, READING) == 1
    labels[numbers[3], 0] += 1
    assert agreement(folded(fcn), images, labels, READING).item() == pytest.approx(1 - 1 / 20 / 8)


@pytest.mark.parametrize("slices", [1, 2, 3, 5, 8, 9, 10, 12, 16])
@pytest.mark.parametrize("frames", [1, 2, 8, 16, 24, 25, 30, 32, 40, 50])
def test_images_that_are_checked_are_of_all_parts_of_the_heart_and_the_beat(frames, slices):
    numbers = checked_images(frames, slices)
    assert 0 <= numbers[0] <= numbers[-1] < frames * slices
    t, z = np.divmod(numbers, slices)
    assert len(set(z)) == min(slices, 8)
    assert len(set(t)) == min(frames, 8)


def test_a_cine_whose_other_slices_are_wrong_does_not_agree(cine, fcn):
    voxels = np.concatenate([cine.voxels] * 4)  # 8 frames of 3 slices
    images = CardImages(*planes_for_card([voxels], FCN), FCN, "cpu")
    labels = label_on_card(folded(fcn), images, 4, READING).clone()
    labels.reshape(8, 3, *labels.shape[1:])[:, 1:] += 1
    assert agreement(folded(fcn), images, labels, READING) < LEAST_AGREEMENT


def test_numbers_that_overflow_do_not_agree(cine, fcn):
    images = CardImages(*planes_for_card([cine.voxels], FCN), FCN, "cpu")
    broken = folded(fcn)
    broken.logits.bias.data[1] = torch.nan
    labels = label_on_card(broken, images, 4, READING)
    assert agreement(folded(fcn), images, labels, READING) < LEAST_AGREEMENT


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("settings", [FCN, UNET], ids=["fcn", "unet"])
def test_a_card_labels_as_a_processor_does(cine, fcn, settings, caplog):
    expected = predict_cine(fcn, cine, settings)
    assert (predict_cine(fcn, cine, settings, "cuda") != expected).mean() < 1e-3
    # Weights that 16 bits do not hold are used with 32.
    fcn.logits.weight.data *= 1e6
    fcn.logits.bias.data *= 1e6
    expected = predict_cine(fcn, cine, settings)
    assert (predict_cine(fcn, cine, settings, "cuda") != expected).mean() < 1e-3
    assert "labels agree with those of 32 bits" in caplog.text


def test_cine_is_left_as_it_is(cine):
    before = cine.voxels.copy()
    predict_cine(Threshold(), cine, FCN)
    assert (cine.voxels == before).all()


def test_islands_are_removed_where_a_model_says_so_and_it_is_logged(cine, caplog):
    """Discs of both frames are whole, but for a spot in one slice and a second disc."""
    cine.voxels[1, 2, 0:2, 0:2] = 210
    plain = predict_cine(Threshold(), cine, FCN)
    assert plain[1, 2, 0, 0] == 1
    assert caplog.text == ""
    labels = predict_cine(Threshold(), cine, FCN | {"islands": "code"}, subject="subject 7")
    assert (labels != plain).sum() == 4
    assert labels[1, 2, 0, 0] == 0
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert (
        "subject 7: islands (code): removed 4 voxels of LV cavity in frames 2, slices 3 (from 1)"
        in caplog.text
    )


def test_an_erased_tissue_is_named_with_its_frames(cine, caplog):
    cine.voxels[0, :2] = 10
    labels = predict_cine(Threshold(), cine, FCN | {"islands": "code"}, subject="subject 7")
    assert not labels[0].any()
    assert labels[1].any()
    assert "subject 7: islands (code): no LV cavity is left in frames 1" in caplog.text


def test_cine_that_is_not_finite_is_refused(cine):
    cine.voxels[0, 0, 0, 0] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        predict_cine(Threshold(), cine, UNET)


# -- models in folders ------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    """A model's folder: a small FCN of random weights with its record."""
    settings = {"network": "fcn", "encoder": "", "width": 2, "sequence": "sa", **FCN}
    network = build_network(network_settings(settings), torch.Generator().manual_seed(1))
    save_weights(network.state_dict(), tmp_path / "weights.safetensors")
    (tmp_path / "record.json").write_text(json.dumps({"settings": settings}))
    return tmp_path


def rewrite(folder, **changes):
    """Change settings in the record of a model; None removes one."""
    settings = json.loads((folder / "record.json").read_text())["settings"] | changes
    settings = {name: value for name, value in settings.items() if value is not None}
    (folder / "record.json").write_text(json.dumps({"settings": settings}))


def test_model_s_folder_is_all_that_labelling_needs(folder, cine):
    network, settings = load_model(folder)
    labels = predict_cine(network, cine, settings)
    assert labels.shape == cine.voxels.shape
    (folder / "images" / "a").mkdir(parents=True)
    (folder / "labels").mkdir()
    cine.save(folder / "images/a/sa.nii.gz")
    label_shard(
        settings, folder / "weights.safetensors", folder / "images", folder / "labels", "cpu"
    )
    assert (Cine.load(folder / "labels/a/sa.nii.gz").voxels == labels).all()


@pytest.fixture
def shard(folder, cine):
    """Images of seven subjects, each brighter than the last in a corner."""
    for number in range(7):
        voxels = cine.voxels.copy()
        voxels[..., :5, :5] += 30 * number
        cine.like(voxels).save(folder / f"images/s{number}/sa.nii.gz")
    (folder / "labels").mkdir()
    return folder


def run_shard(shard):
    _, settings = load_model(shard)
    weights = shard / "weights.safetensors"
    label_shard(settings, weights, shard / "images", shard / "labels", "cpu")


def test_each_subject_of_a_shard_gets_its_own_labels(shard):
    run_shard(shard)
    network, settings = load_model(shard)
    names = [f"s{number}" for number in range(7)]
    assert sorted(path.name for path in (shard / "labels").iterdir()) == names
    for name in names:
        image = Cine.load(shard / "images" / name / "sa.nii.gz")
        labels = Cine.load(shard / "labels" / name / "sa.nii.gz")
        assert (labels.voxels == predict_cine(network, image, settings)).all()


def test_a_subject_that_cannot_be_labelled_is_named(shard, cine):
    voxels = cine.voxels.copy()
    voxels[0, 0, 0, 0] = np.inf
    cine.like(voxels).save(shard / "images/s4/sa.nii.gz")
    with pytest.raises(ValueError, match="subject s4: the cine has values that are not finite"):
        run_shard(shard)
    (shard / "images/s4/sa.nii.gz").write_bytes(b"no image")
    for path in (shard / "labels").iterdir():
        shutil.rmtree(path)
    with pytest.raises(ValueError, match=r"s4/sa\.nii\.gz: not a readable NIfTI"):
        run_shard(shard)


@pytest.mark.parametrize("name", ["record.json", "weights.safetensors"])
def test_folder_without_one_of_its_files_is_refused_by_name(folder, name):
    (folder / name).unlink()
    with pytest.raises(FileNotFoundError, match=rf"no {name}; a model's folder has weights.safet"):
        load_model(folder)


@pytest.mark.parametrize("text", ["not json", "[1]", '{"scores": {}}', '{"settings": 3}'])
def test_record_that_is_no_model_s_is_refused_by_name(folder, text):
    (folder / "record.json").write_text(text)
    with pytest.raises(ValueError, match=r"record\.json: not the record of a model"):
        load_model(folder)


def test_record_without_a_setting_is_refused_by_its_name(folder):
    rewrite(folder, size_px=None, width=None)
    with pytest.raises(ValueError, match=r"record\.json: its settings lack width, size_px"):
        load_model(folder)


def test_network_that_is_not_here_is_refused_by_name(folder):
    rewrite(folder, network="vit")
    with pytest.raises(ValueError, match="network vit cannot be used here; there are fcn, unet"):
        load_model(folder)


def test_a_folder_of_an_earlier_version_labels_the_same(folder, cine):
    network, settings = load_model(folder)
    labels = predict_cine(network, cine, settings)
    record = json.loads((folder / "record.json").read_text())
    del record["settings"]["tissues"], record["settings"]["sequence"]
    record["settings"]["classes"] = 3
    (folder / "record.json").write_text(json.dumps(record))
    network, former = load_model(folder)
    assert former == settings
    np.testing.assert_array_equal(predict_cine(network, cine, former), labels)


def test_weights_of_another_network_are_refused_by_name(folder):
    rewrite(folder, tissues="lv,my,rv")
    with pytest.raises(
        ValueError,
        match=r"weights\.safetensors: its weights are not of a network with encoder '', .* tissues",
    ):
        load_model(folder)
