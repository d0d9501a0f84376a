"""Execute the notebooks of this folder, or those named, and store what they show: python examples/execute.py [NAME]."""

import base64
import io
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from PIL import Image

HERE = Path(__file__).parent
COLORS = 64
"""Of each picture, so that the files stay small."""


def execute(name):
    """Execute a notebook in an empty folder, and write it with its outputs."""
    path = HERE / f"{name}.ipynb"
    notebook = nbformat.read(path, 4)
    with tempfile.TemporaryDirectory() as folder:
        resources = {"metadata": {"path": folder}}
        NotebookClient(notebook, timeout=600, resources=resources, record_timing=False).execute()
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if png := output.get("data", {}).get("image/png"):
                output["data"]["image/png"] = smaller(png)
    notebook.metadata.pop("widgets", None)
    nbformat.write(notebook, path)


def smaller(png):
    """Return a picture in base64 with few colors."""
    written = io.BytesIO()
    picture = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")
    picture.quantize(COLORS).save(written, "png", optimize=True)
    return base64.b64encode(written.getvalue()).decode()


if __name__ == "__main__":
    for each in sys.argv[1:] or sorted(path.stem for path in HERE.glob("*.ipynb")):
        execute(each)
