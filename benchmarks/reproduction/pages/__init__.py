"""The pages, by the name of their folder."""

from benchmarks.reproduction.pages.base import Page
from benchmarks.reproduction.pages.batch_norm import BatchNorm
from benchmarks.reproduction.pages.datasets import Datasets
from benchmarks.reproduction.pages.deskew import Deskew
from benchmarks.reproduction.pages.everything import Everything
from benchmarks.reproduction.pages.networks import NETWORKS
from benchmarks.reproduction.pages.normalization import Normalization
from benchmarks.reproduction.pages.one_parameter import ONE_PARAMETER
from benchmarks.reproduction.pages.overflow import Overflow
from benchmarks.reproduction.pages.widths import Widths

PAGES: dict[str, Page] = {
    "mnist-widths": Widths(),
    "mnist-normalization": Normalization(),
    "mnist-deskew": Deskew(),
    **ONE_PARAMETER,
    "mnist-overflow": Overflow(),
    **NETWORKS,
    "mnist-search-everything": Everything(),
    "mnist-cnn-batch-norm": BatchNorm(),
    "data-sets": Datasets(),
}

SUBJECTS = {
    "mnist-widths": "a random search over networks of two hidden layers, and its published configurations",
    "mnist-normalization": "which way of scaling pixels diverges most",
    "mnist-deskew": "what it does to upright the digits first",
    "mnist-learning-rate": "how high the learning rate can go",
    "mnist-alpha": "the slope of leaky relu at a gentle learning rate",
    "mnist-alpha-fast": "the slope of leaky relu at a high learning rate",
    "mnist-overflow": "what triggers an overflow, array by array",
    "digits-cnn": "a small convolutional network",
    "mnist-sigmoid-mlp": "sigmoids, raw pixels and a gradient check",
    "mnist-two-layer": "the network that many people write first, and a gradient check",
    "mnist-cnn": "convolution and batch normalization",
    "mnist-batch-norm-mlp": "batch normalization without convolution",
    "cifar10-cnn": "color photographs",
    "mnist-search-everything": "the best network of a long search",
    "mnist-cnn-batch-norm": "why an accuracy collapses while the loss keeps falling",
    "data-sets": "what the data look like",
}
"""Page -> what it is about, in the list of all."""

__all__ = ["PAGES", "SUBJECTS", "Page"]
