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

__all__ = ["PAGES", "Page"]
