"""The benchmark of large sweeps gives every row, on a tiny size."""

from benchmarks import scale
from benchmarks.database import finished_sweep

READ = ["best 10", "list", "progress"]


def test_every_row_is_there(tmp_path):
    reading, drawing = scale.run(scale.Size(trials=200, drawn=20, rounds=1), tmp_path)
    kinds = ["all epochs", "all epochs by chunks"]
    memory = [f"{kind}: memory" for kind in kinds] if scale.HAS_PEAK else []
    assert set(reading.rows) == {*READ, *kinds, *memory}
    assert "200 trials" in reading.title and "20 trials" in drawing.title
    assert list(drawing.rows) == ["CPU time", *(["memory at its peak"] if scale.HAS_PEAK else [])]
    assert all(row["measured"].target == scale.AT_ONCE for name, row in reading.rows.items() if name in READ)
    assert all(cell.value > 0 for cell in drawing.cells) and not list(tmp_path.iterdir())


def test_what_is_read_is_the_whole_sweep(tmp_path, monkeypatch):
    monkeypatch.setattr(scale, "CHUNK", 7)
    path = str(tmp_path / "some.db")
    finished_sweep(tmp_path / "some.db", trials=40, real=4, epochs=scale.EPOCHS)
    tasks = scale.reader_tasks()
    assert tasks["all epochs"](path) == tasks["all epochs by chunks"](path) == 40 * (scale.EPOCHS + 1)
    assert (tasks["best 10"](path), tasks["list"](path), tasks["progress"](path)) == (10, 1, 1)
