"""A model on the page that needs another one first, which finds the heart."""

import json
import shutil

import numpy as np
import pytest
import torch

from app_server import Visitor, model_folder, nifti
from cmrseg.apply import apply_model
from cmrseg.learn.weights import save_weights
from cmrseg.nets.build import build_network, network_settings

SETTINGS = {
    **{"network": "unet_myops", "encoder": "", "width": 2, "task": "segment", "sequence": "sa"},
    **{"tissues": "lv,my", "activation": "", "preparation": "channel_max", "intensity": "linear"},
    **{"size_px": 16, "coarse": "finder", "coarse_channel": "yes"},
}


def test_a_model_labels_with_its_coarse_model_beside_it_and_is_refused_without(
    visitor: Visitor, root, tmp_path
):
    folder = root / "results/demo/models/fcn"
    network = build_network(network_settings(SETTINGS), torch.Generator().manual_seed(2))
    save_weights(network.state_dict(), folder / "weights.safetensors")
    (folder / "record.json").write_text(json.dumps({"settings": SETTINGS}))
    path = nifti(tmp_path)
    visitor.upload(path)
    fault = visitor.label(visitor.model)["fault"]
    assert "fcn: needs its coarse model finder, which finds the heart first; put th" in fault
    assert str(tmp_path) not in fault
    finder = folder.parent / "finder"
    finder.mkdir()
    model_folder(finder)
    assert visitor.label(visitor.model)["fault"] == ""
    (labels,) = tmp_path.rglob("labels.u8")
    expected = apply_model(path, folder).labels.voxels
    assert 0 < (expected > 0).sum() < expected[..., :16, :16].size
    assert (np.fromfile(labels, np.uint8).reshape(expected.shape) == expected).all()
    shutil.rmtree(finder)
    with pytest.raises(FileNotFoundError, match="fcn: needs its coarse model finder"):
        apply_model(path, folder)
