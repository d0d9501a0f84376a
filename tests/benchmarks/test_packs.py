"""The benchmark of packs: trials come out the same, and what is altered is found."""

from benchmarks import packs


def test_packs(tmp_path, here):
    whole, forged = packs.run(packs.Size(trials=3, alterations=2), tmp_path)
    assert whole.rows["3 trials"]["epochs that differ"].value == 0
    assert whole.rows["3 trials"]["trials trained again"].value == 3
    assert forged.rows["manifest made to fit"]["found without training"].value == 1.0
    assert set(forged.rows) == {"manifest made to fit", "digests computed again"}
