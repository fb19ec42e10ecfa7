"""The FCN of Bai et al. 2018 in TensorFlow, with given weights: labels a cine as it is deployed.

Arguments: weights.npz (names and axes of our state dict), cine.npy (t, z, y, x), labels.npy to
write, number of threads, and `joined` or `by_channel`: how maps are enlarged. The published network
has one transposed convolution of all channels, whose kernel is zero between two channels; by
channel the same is less arithmetic. Each line of input labels the cine once, a frame at a time as
published.
"""

import json
import os
import sys
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import tensorflow as tf

CONVOLUTIONS = (2, 2, 3, 3, 3)
NORM_EPS = 1e-3
JOINED = 32

weights_file, cine_file, labels_file, threads, enlargement = sys.argv[1:]
WEIGHTS = dict(np.load(weights_file))
tf.config.threading.set_intra_op_parallelism_threads(int(threads))
tf.config.threading.set_inter_op_parallelism_threads(1)


def convolved(maps, name, stride=1):
    # (out, in, y, x) is (y, x, in, out) here.
    kernel = tf.constant(WEIGHTS[f"{name}.weight"].transpose(2, 3, 1, 0))
    return tf.nn.conv2d(maps, kernel, stride, "SAME")


def unit(maps, name, stride=1):
    norm = [
        tf.constant(WEIGHTS[f"{name}.norm.{part}"])
        for part in ("weight", "bias", "running_mean", "running_var")
    ]
    maps = convolved(maps, f"{name}.conv", stride)
    maps = tf.compat.v1.nn.fused_batch_norm(maps, *norm, epsilon=NORM_EPS, is_training=False)[0]
    return tf.nn.relu(maps)


def enlarged(maps, factor):
    ramp = np.arange(1, 2 * factor)
    triangle = np.minimum(ramp, 2 * factor - ramp) / factor
    kernel = np.outer(triangle, triangle).astype(np.float32)[:, :, None, None]
    rows, columns = tf.shape(maps)[1] * factor, tf.shape(maps)[2] * factor
    shape = [tf.shape(maps)[0], rows, columns, JOINED]
    if enlargement == "joined":
        kernel = tf.constant(kernel * np.eye(JOINED, dtype=np.float32))
        return tf.nn.conv2d_transpose(maps, kernel, shape, factor, "SAME")
    kernel = tf.constant(kernel.repeat(JOINED, 2))
    strides = [1, factor, factor, 1]
    return tf.nn.depthwise_conv2d_backprop_input(shape, kernel, maps, strides, "SAME")


@tf.function(input_signature=[tf.TensorSpec([None, None, None, 1], tf.float32)])
def network(maps):
    joined = []
    for level, count in enumerate(CONVOLUTIONS):
        for number in range(count):
            stride = 2 if level and number == 0 else 1
            maps = unit(maps, f"levels.{level}.{number}", stride)
        small = unit(maps, f"joins.{level}")
        joined.append(enlarged(small, 2**level) if level else small)
    maps = unit(unit(tf.concat(joined, -1), "head.0"), "head.1")
    logits = convolved(maps, "logits") + WEIGHTS["logits.bias"]
    return tf.argmax(tf.nn.softmax(logits), -1, tf.int32)


def labelled(cine):
    low, high = np.percentile(cine, (1, 99))
    images = ((np.clip(cine, low, high) - low) / (high - low)).astype(np.float32)
    return np.stack([network(frame[..., None]).numpy() for frame in images]).astype(np.uint8)


CINE = np.load(cine_file)
np.save(labels_file, labelled(CINE[:1]))  # the graph is made here
for _ in sys.stdin:
    started = time.perf_counter()
    labels = labelled(CINE)
    seconds = time.perf_counter() - started
    np.save(labels_file, labels)
    print(json.dumps({"seconds": seconds}), flush=True)
