import pytest
from pydantic import TypeAdapter, ValidationError

from sweep.data import KINDS
from sweep.experiment.messages import describe_errors
from sweep.experiment.sections.data import Data, resolve_defaults

TABLE = {"kind": "csv", "file": "a.csv", "label": "y"}


def section(**changed):
    return {"dataset": "digits", **changed}


def refusal(tree):
    """The one sentence that a wrong section is answered with."""
    with pytest.raises(ValidationError) as caught:
        Data.model_validate(tree)
    (line,) = describe_errors(caught.value, tree)
    return line


def test_what_is_not_said_is_as_in_the_first_versions():
    data = Data.model_validate(section())
    assert (data.task, data.validation, data.split_seed) == (None, 0.0, 0)
    assert data.transform == "none"
    assert (data.normalization.kind, data.normalization.constant) == ("none", "zero")
    assert Data.model_validate(section(normalization="z_score", dataset=TABLE)).normalization.over == "all"


def test_everything_of_a_table_can_be_said():
    table = {**TABLE, "drop": ["id"], "separator": ";", "decimal": ",", "test_fraction": 0.5, "split_seed": 3}
    data = Data.model_validate({"dataset": table, "task": "regression", "validation": 0.1, "split_seed": 2**63 - 1})
    assert data.dataset.values() == {key: value for key, value in table.items() if key != "kind"}
    assert (data.task, data.validation, data.split_seed) == ("regression", 0.1, 2**63 - 1)


def test_every_kind_of_the_registry_has_a_model():
    required = {"npz": {"file": "a.npz"}, "csv": TABLE}
    for kind in KINDS:
        assert Data.model_validate(section(dataset={"kind": kind, **required.get(kind, {})})).dataset.kind == kind


@pytest.mark.parametrize(
    ("tree", "parts"),
    [
        (section(task="regresion"), ["task is 'regresion'", "did you mean 'regression'?"]),
        (section(task="regression"), ["task = 'regression'", "digits is a data set of classes"]),
        (section(validation=1.0), ["validation is 1.0", "less than 1"]),
        (section(validation=-0.1), ["validation is -0.1", "greater than or equal to 0"]),
        (section(split_seed=-1), ["split_seed is -1"]),
        (section(split_seed=0.5), ["split_seed is 0.5"]),
        (section(transform="descew"), ["transform is 'descew'", "did you mean 'deskew'?"]),
        (
            section(normalization={"kind": "z_score", "constant": "article"}),
            ["constant = 'article'", "over = 'feature'"],
        ),
        (section(normalization={"kind": "min_max", "over": "feature", "constant": "one"}), ["constant is 'one'"]),
        (section(normalization={"kind": "none", "constant": "article"}), ["constant is 'article'"]),
        (section(dataset={**TABLE, "drop": "id"}), ["dataset.drop is 'id'"]),
        (section(dataset={**TABLE, "drop": [1]}), ["dataset.drop[0] is 1"]),
        (section(dataset={**TABLE, "separator": "ab"}), ["dataset.separator is 'ab'", "1"]),
        (section(dataset={**TABLE, "decimal": ""}), ["dataset.decimal is ''", "1"]),
        (section(dataset={**TABLE, "seperator": ";"}), ["'seperator'", "did you mean 'separator'?"]),
        (section(dataset={"kind": "mnist", "file": "a"}), ["has no key 'file'"]),
    ],
)
def test_a_mistake_is_named(tree, parts):
    line = refusal(tree)
    for part in parts:
        assert part in line


class TestDefaults:
    @pytest.mark.parametrize("normalization", ["z_score", "min_max", {"kind": "z_score"}])
    def test_a_table_is_normalized_over_each_feature(self, normalization):
        drawn = {"dataset": TABLE, "normalization": normalization, "validation": 0.1}
        resolved = resolve_defaults(drawn)
        kind = normalization if isinstance(normalization, str) else normalization["kind"]
        assert resolved == {**drawn, "normalization": {"kind": kind, "over": "feature"}}
        assert drawn["normalization"] == normalization  # left alone
        assert Data.model_validate(resolved).normalization.over == "feature"
        assert resolve_defaults(resolved) == resolved

    @pytest.mark.parametrize(
        "drawn",
        [
            {"dataset": TABLE},
            {"dataset": TABLE, "normalization": "none"},
            {"dataset": TABLE, "normalization": {"kind": "none"}},
            {"dataset": TABLE, "normalization": {"kind": "z_score", "over": "all"}},
            {"dataset": "digits", "normalization": "z_score"},
            {"dataset": {"kind": "mnist"}, "normalization": {"kind": "min_max"}},
            {"dataset": {"kind": "npz", "file": "a.npz"}, "normalization": "z_score"},
        ],
    )
    def test_all_else_stays_as_it_was_drawn(self, drawn):
        assert resolve_defaults(drawn) == drawn


def test_the_schema_can_be_written():
    assert {"task", "validation", "split_seed"} <= set(TypeAdapter(Data).json_schema()["properties"])
