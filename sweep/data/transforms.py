"""Changes of the images of a data set before anything is fitted to them, the same for every part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np

from sweep.data.dataset import Array
from sweep.data.formats.base import Loaded
from sweep.errors import DataError

Transform = Literal["none", "deskew"]

_BLOCK = 1024
"""Images that are turned into float64 at once."""


def transformed(loaded: Loaded, transform: str, name: str) -> Loaded:
    """Return a data set whose images are transformed, in every part.

    Args:
        loaded: a data set of images, no pixel of which is below 0, unless `transform` is `none`.
        transform: `none` or a name of `TRANSFORMS`.
        name: of the data set, for the error.

    Raises: DataError if the data set has no images that the transform can be applied to.
    """
    if transform == "none":
        return loaded
    if len(loaded.shape) != 3:
        raise DataError(
            f'{name}: data.transform = "{transform}" is for images, and its examples are rows of '
            f"{loaded.shape[0]} features: leave data.transform out."
        )
    if lowest := min(0, *(part.x.min() for part in loaded.parts.values())):
        raise DataError(
            f'{name}: data.transform = "{transform}" takes the brightness of a pixel for its mass, and there is a '
            f"pixel of {lowest:g}: save the images with a background of 0 and nothing below it."
        )
    apply = TRANSFORMS[transform]
    parts = {key: replace(part, x=apply(part.x, loaded.shape)) for key, part in loaded.parts.items()}
    return replace(loaded, parts=parts)


def deskew(x: Array, shape: tuple[int, ...]) -> Array:
    """Return images made upright by a shear, with their center of mass in the middle.

    Brightness is mass. A row of an image is shifted by alpha pixels more than the row above it, where alpha =
    mu_xy / mu_yy is the slope of the regression of the columns on the rows: afterwards mu_xy is 0, but for what
    interpolation and the frame change. The center of mass c goes to the pixel (rows // 2, columns // 2), where the
    images of MNIST have theirs, so that these are hardly moved. Pixels in between are interpolated linearly, and what
    comes from outside of the frame is 0. (The usual recipe for MNIST, such as
    https://fsix.github.io/mnist/Deskewing.html, has cubic interpolation, which overshoots.)

    The shear of an image of several channels is that of their mean. Blank images stay as they are, and images with all
    their mass in one row are not sheared.

    Args:
        x: (samples, channels·rows·columns) of any real dtype, finite and at least 0.
        shape: (channels, rows, columns).

    Returns: an array of the shape and dtype of `x`; integers are rounded.
    """
    found = np.empty_like(x)
    for start in range(0, len(x), _BLOCK):
        block = x[start : start + _BLOCK].astype(np.float64).reshape(-1, *shape)
        for image, (centers, alpha) in zip(block, _moments(block), strict=True):
            image[:] = _sheared(image, centers, alpha)
        values = block if x.dtype.kind == "f" else np.rint(block)
        found[start : start + _BLOCK] = values.reshape(len(block), -1).astype(x.dtype)
    return found


TRANSFORMS: dict[str, Callable[[Array, tuple[int, ...]], Array]] = {"deskew": deskew}
"""Name of a transform -> its function (x, shape) -> x."""


def _moments(images: Array) -> list[tuple[tuple[float, float] | None, float]]:
    """Return the center of mass of each image, None if it is blank, and its slope alpha."""
    largest = images.max(axis=(1, 2, 3), keepdims=True)
    mass = (images / np.where(largest > 0, largest, 1)).mean(axis=1)
    rows, columns = (np.arange(length, dtype=np.float64) for length in mass.shape[1:])
    total = mass.sum(axis=(1, 2))
    safe = np.where(total > 0, total, 1)
    y, x = mass.sum(axis=2) @ rows / safe, mass.sum(axis=1) @ columns / safe
    dy, dx = rows - y[:, None], columns - x[:, None]
    mu_yy = np.einsum("nyx,ny->n", mass, dy**2)
    mu_xy = np.einsum("nyx,ny,nx->n", mass, dy, dx, optimize=True)
    is_tall = mu_yy > 1e-9 * safe
    alpha = np.where(is_tall, mu_xy / np.where(is_tall, mu_yy, 1), 0.0)
    centers = [center if has_mass else None for center, has_mass in zip(zip(y, x, strict=True), total > 0, strict=True)]
    return list(zip(centers, alpha.tolist(), strict=True))


def _sheared(image: Array, center: tuple[float, float] | None, alpha: float) -> Array:
    """Return an image (channels, rows, columns) sheared about its center of mass, which goes to the middle."""
    from scipy.ndimage import affine_transform

    if center is None:
        return image
    matrix = np.array([[1.0, 0.0], [alpha, 1.0]])
    middle = np.array([length // 2 for length in image.shape[1:]], dtype=np.float64)
    offset = np.array(center) - matrix @ middle
    return np.stack([affine_transform(channel, matrix, offset, order=1, mode="constant") for channel in image])
