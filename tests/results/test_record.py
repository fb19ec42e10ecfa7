import hashlib
import json
import math
import time

import numpy as np
import pytest

from cmrseg.results.record import copy_record, record


def test_record_says_what_a_result_was_made_of(tmp_path):
    (tmp_path / "index.tsv").write_text("row\n")
    record(
        tmp_path / "record.json",
        settings={"lr": np.float32(0.5), "batch": np.int64(8), "splits": ["train"]},
        code=["cmrseg.learn.train@abc"],
        inputs=[tmp_path / "index.tsv"],
        seed=3,
        device="cpu",
        started=time.time() - 2,
        mode={"bfloat16": False},
        data={"training": {"images": np.int64(8)}},
        scores={"dice_lv": 0.9, "dice_rv": math.nan, "loss": np.float64("inf")},
    )
    text = (tmp_path / "record.json").read_text()
    content = json.loads(text)
    assert content["settings"] == {"lr": 0.5, "batch": 8, "splits": ["train"]}
    assert content["code"] == ["cmrseg.learn.train@abc"]
    assert content["inputs"] == {str(tmp_path / "index.tsv"): hashlib.sha256(b"row\n").hexdigest()}
    assert content["seed"] == 3
    assert content["mode"] == {"bfloat16": False}
    assert content["data"] == {"training": {"images": 8}}
    assert content["scores"] == {"dice_lv": 0.9, "dice_rv": None, "loss": None}
    assert content["versions"]["numpy"] == np.__version__
    assert content["duration_s"] >= 2
    assert content["peak_memory_mb"] > 10
    assert list(content) == sorted(content)
    assert "NaN" not in text


def test_absent_input_is_refused_by_name(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no such input: .*weights.safetensors"):
        record(tmp_path / "r.json", {}, [], [tmp_path / "weights.safetensors"], 0, "cpu", 0, {})
    assert not (tmp_path / "r.json").exists()


def test_a_copy_of_a_record_says_more_of_its_settings_and_the_same_otherwise(tmp_path):
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    record(first, {"seed": 3}, ["a@1"], [], 3, "cpu", time.time(), {"dice_lv": math.nan})
    copy_record(first, second, {"seed": 3, "islands": "code"})
    before, after = (json.loads(path.read_text()) for path in (first, second))
    assert after.pop("settings") == before.pop("settings") | {"islands": "code"}
    assert after == before
    assert list(after) == sorted(after)
