"""The FCN: published counts, TensorFlow's padding and enlargement, conversion of checkpoints."""

import shutil

import numpy as np
import pytest
import torch

from cmrseg.nets.fcn import FCN, Enlarge, Unit, from_tensorflow
from cmrseg.nets.tensorbundle import masked_crc32c, read_bundle


@pytest.fixture(scope="module")
def variables(data):
    return read_bundle(data / "ukbb" / "FCN_sa")


@pytest.mark.parametrize("classes", [2, 3, 4, 5])
def test_fcn_has_the_published_number_of_values(classes):
    with torch.device("meta"):
        network = FCN(classes=classes)
    state = {k: v for k, v in network.state_dict().items() if not k.endswith("batches_tracked")}
    assert len(state) == 102
    assert sum(v.numel() for v in state.values()) == 1_988_752 + 65 * classes
    moving = sum(v.numel() for k, v in state.items() if "running" in k)
    assert moving == 3_456


def test_stride_two_pads_behind_only():
    unit = Unit(1, 1, 3, stride=2).eval()
    torch.nn.init.ones_(unit.conv.weight)
    images = torch.arange(16.0).reshape(1, 1, 4, 4)
    # Sums of 3 x 3 pixels from rows and columns 0-2 and 2-3, with zeros behind.
    expected = torch.tensor([[45.0, 39.0], [66.0, 50.0]]) / (1 + 1e-3) ** 0.5
    torch.testing.assert_close(unit(images)[0, 0], expected)


@pytest.mark.parametrize("factor", [2, 4, 8, 16])
def test_enlarging_interpolates_and_fades_at_the_border(factor):
    maps = torch.tensor([[2.0, 4.0, 8.0]])[None, None].expand(1, 3, 2, 3)
    out = Enlarge(3, factor)(maps)
    assert out.shape == (1, 3, 2 * factor, 3 * factor)
    # Away from the borders of y, where rows hold half a neighbour outside the map.
    row = out[0, 1, factor]
    steps = torch.arange(factor) / factor
    middle = torch.cat([2 + 2 * steps, 4 + 4 * steps])
    torch.testing.assert_close(row[factor // 2 : factor // 2 + 2 * factor], middle)
    assert row[0] == 1.0  # half of the first pixel
    assert row[-1] == pytest.approx(8 * (0.5 + 1 / factor))
    assert torch.equal(out[0, 0], out[0, 2])


def test_enlarging_kernel_is_not_saved():
    assert not any("kernel" in name for name in FCN(filters=2).state_dict())


def test_fcn_equals_tensorflow(data, variables):
    expected = np.load(data / "ukbb" / "FCN_sa_expected.npz")
    network = FCN(classes=4, filters=4).eval()
    network.load_state_dict(from_tensorflow(variables))
    # The fixture is (n, x, y, c).
    images = torch.from_numpy(expected["image"].transpose(0, 3, 2, 1).copy())
    with torch.no_grad():
        logits = network(images).numpy()
    np.testing.assert_allclose(logits, expected["logits"].transpose(0, 3, 2, 1), atol=1e-4, rtol=0)
    np.testing.assert_array_equal(logits.argmax(1), expected["pred"].transpose(0, 2, 1))


def test_images_of_odd_size_are_refused():
    with pytest.raises(ValueError, match=r"96 x 100 pixels .*multiples of 16"):
        FCN(filters=2)(torch.zeros(1, 1, 96, 100))
    with pytest.raises(ValueError, match=r"must be \(n, 1, y, x\), got shape \(1, 3, 96, 96\)"):
        FCN(filters=2)(torch.zeros(1, 3, 96, 96))


def test_initial_weights_are_glorot_uniform():
    network = FCN(filters=8)
    network.initialise(torch.Generator().manual_seed(3))
    weight = network.levels[3][1].conv.weight
    limit = (6 / (9 * (64 + 64))) ** 0.5
    assert 0.99 * limit < weight.abs().max() <= limit
    assert weight.std().item() == pytest.approx(limit / 3**0.5, rel=0.02)
    assert network.logits.bias.abs().max() == 0


def _invented(filters=2, classes=3):
    """Variables of a small network under TensorFlow's names, drawn at random."""
    rng = np.random.default_rng(1)
    network = FCN(classes=classes, filters=filters)
    shapes = [tuple(m.weight.shape) for m in network.modules() if isinstance(m, torch.nn.Conv2d)]
    # Modules are in order of levels, joins, head, logits: TensorFlow's order of creation.
    result = {}
    for i, shape in enumerate(shapes):
        suffix = f"_{i}" if i else ""
        result[f"conv2d{suffix}/kernel"] = rng.normal(size=shape[::-1]).astype(np.float32)
        norm = ("gamma", "beta", "moving_mean", "moving_variance") if i < 20 else ()
        for part in norm:
            name = f"batch_normalization{suffix}/{part}"
            result[name] = rng.random(shape[0]).astype(np.float32)
    result["conv2d_20/bias"] = rng.normal(size=classes).astype(np.float32)
    return result


def test_conversion_swaps_the_image_axes_of_kernels():
    given = _invented()
    state = from_tensorflow(given)
    assert FCN(classes=3, filters=2).load_state_dict(state)
    kernel = given["conv2d_1/kernel"]  # x, y, in, out
    assert state["levels.0.1.conv.weight"][1, 0, 2, 0] == kernel[0, 2, 0, 1]
    assert state["joins.4.norm.running_mean"].tolist() == pytest.approx(
        given["batch_normalization_17/moving_mean"].tolist()
    )


def test_conversion_ignores_the_optimiser():
    given = _invented()
    extra = {"beta1_power": np.float32(0), "beta2_power": np.float32(0)}
    extra |= {f"conv2d/kernel/{slot}": given["conv2d/kernel"] for slot in ("Adam", "Adam_1")}
    with_optimiser = from_tensorflow(given | extra)
    assert all(torch.equal(v, with_optimiser[k]) for k, v in from_tensorflow(given).items())


def test_conversion_names_the_variable_that_does_not_fit():
    given = _invented()
    missing = {k: v for k, v in given.items() if k != "batch_normalization_7/beta"}
    with pytest.raises(ValueError, match="batch_normalization_7/beta: missing"):
        from_tensorflow(missing)
    with pytest.raises(ValueError, match="conv2d/kernel: missing"):
        from_tensorflow({})
    with pytest.raises(
        ValueError, match=r"conv2d_3/kernel: has shape \(3, 3, 2, 4\), expected \(3, 3, 4, 4\)"
    ):
        from_tensorflow(given | {"conv2d_3/kernel": given["conv2d_2/kernel"]})
    with pytest.raises(ValueError, match="conv2d_3/kernel: is float64, expected float32"):
        from_tensorflow(given | {"conv2d_3/kernel": given["conv2d_3/kernel"].astype(float)})


def test_checksum_has_the_published_check_value():
    # CRC-32C of "123456789" is 0xE3069283 (RFC 3720 gives the polynomial).
    crc = 0xE3069283
    assert masked_crc32c(b"123456789") == ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def _block(entries, compression=0):
    """A block of a string table with one restart point, and its trailer."""
    shared = [bytes([0, len(key), len(value)]) + key + value for key, value in entries]
    content = b"".join(shared) + (0).to_bytes(4, "little") + (1).to_bytes(4, "little")
    content += bytes([compression])
    return content + masked_crc32c(content).to_bytes(4, "little")


def _write_bundle(prefix, dtype=1, compression=0):
    """A checkpoint of one variable `a/b` of shape (2, 1), put together byte by byte."""
    content = np.array([[1.5], [-2.0]], "<f4").tobytes()
    shape = bytes([0x12, 2, 0x08, 2, 0x12, 2, 0x08, 1])
    entry = bytes([0x08, dtype, 0x12, len(shape)]) + shape + bytes([0x28, len(content), 0x35])
    entry += masked_crc32c(content).to_bytes(4, "little")
    block = _block([(b"", b"\x08\x01"), (b"a/b", entry)], compression)
    handle = bytes([0, len(block) - 5])
    index = _block([(b"b", handle)])
    footer = (handle + bytes([len(block), len(index) - 5])).ljust(40, b"\0")
    magic = (0xDB4775248B80FB57).to_bytes(8, "little")
    prefix.with_suffix(".index").write_bytes(block + index + footer + magic)
    prefix.with_suffix(".data-00000-of-00001").write_bytes(content)


def test_bundle_of_one_variable_is_read(tmp_path):
    _write_bundle(tmp_path / "net")
    variables = read_bundle(tmp_path / "net")
    assert list(variables) == ["a/b"]
    assert variables["a/b"].tolist() == [[1.5], [-2.0]]


def test_bundle_in_another_form_is_refused_by_name(tmp_path):
    _write_bundle(tmp_path / "net", dtype=7)
    with pytest.raises(ValueError, match="a/b has type 7, shard 0; only whole numeric"):
        read_bundle(tmp_path / "net")
    _write_bundle(tmp_path / "net", compression=1)
    with pytest.raises(ValueError, match=r"net\.index: compressed block at byte 0"):
        read_bundle(tmp_path / "net")


def test_bundle_holds_model_and_optimiser(variables):
    assert len(variables) == 228
    assert variables["conv2d_20/kernel"].shape == (1, 1, 64, 4)
    assert variables["beta1_power"].shape == ()


def test_damaged_bundle_is_refused_by_name(data, tmp_path):
    for suffix in (".index", ".data-00000-of-00001"):
        shutil.copyfile(data / "ukbb" / f"FCN_sa{suffix}", tmp_path / f"net{suffix}")
    shard = tmp_path / "net.data-00000-of-00001"
    content = bytearray(shard.read_bytes())
    content[0] ^= 1
    shard.write_bytes(content)
    with pytest.raises(ValueError, match="wrong checksum of batch_normalization/beta"):
        read_bundle(tmp_path / "net")
    index = tmp_path / "net.index"
    content = bytearray(index.read_bytes())
    content[40] ^= 1
    index.write_bytes(content)
    with pytest.raises(ValueError, match=r"net\.index: wrong checksum of the block at byte 0"):
        read_bundle(tmp_path / "net")
    index.write_bytes(b"<html>not found</html>")
    with pytest.raises(ValueError, match=r"net\.index: not the index of a TensorFlow checkpoint"):
        read_bundle(tmp_path / "net")
