import copyreg
import os
import pickle
import struct
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweep.data.formats.unpickle import StoredArray, StoredType, unpickle
from sweep.errors import DataError
from tests.data.cifar10_writer import batch, meta, present, published

RAN = []
"""What the pickles of these tests have run in this process."""


def run(*arguments):
    RAN.append(arguments)


@pytest.fixture
def load(tmp_path):
    """From the bytes of a pickle to its content."""

    def read(content):
        (tmp_path / "pickle").write_bytes(content)
        return unpickle(tmp_path / "pickle")

    return read


@pytest.fixture
def refuse(tmp_path, load, refused):
    """Asserts that a pickle is refused by the name of its file, and that nothing ran."""

    def check(content, *parts):
        RAN.clear()
        with refused(tmp_path / "pickle", *parts):
            load(content)
        assert RAN == []
        assert {path.name for path in tmp_path.iterdir()} == {"pickle"}

    return check


def text(string):
    return b"\x8c" + bytes([len(string)]) + string.encode()


def name(module, attribute):
    """The opcodes of protocol 4 that push a global, which may be dotted."""
    return text(module) + text(attribute) + b"\x93"


class Calls:
    """Pickles as the call of a function."""

    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


class TestPlainContent:
    @pytest.mark.parametrize("write", [published, present])
    def test_both_generations_are_read_alike(self, load, write):
        written = batch(1001)
        read = load(write(written))
        np.testing.assert_array_equal(read[b"data"].uint8(), written["data"])
        assert read[b"labels"] == written["labels"]
        assert read[b"filenames"] == [name.encode() for name in written["filenames"]]
        assert list(read) == [b"batch_label", b"labels", b"data", b"filenames"]

    def test_the_writer_of_old_pickles_is_right(self):
        written = batch(1001)
        with warnings.catch_warnings(action="ignore"):  # NumPy 2 says that its core has moved
            read = pickle.loads(published(written), encoding="bytes")
        np.testing.assert_array_equal(read[b"data"], written["data"])
        assert read[b"labels"] == written["labels"]
        assert b"cnumpy.core.multiarray\n_reconstruct\n" in published(written)

    @pytest.mark.parametrize("protocol", [3, 4])
    def test_other_protocols_that_know_bytes(self, load, protocol):
        x = np.arange(6, dtype=np.uint8).reshape(2, 3)
        np.testing.assert_array_equal(load(pickle.dumps([x], protocol))[0].uint8(), x)

    @pytest.mark.parametrize("write", [published, present])
    def test_two_arrays_share_their_type(self, load, write):
        arrays = [np.arange(3, dtype=np.uint8), np.arange(4, dtype=np.uint8)]
        assert [array.uint8().tolist() for array in load(write(arrays))] == [[0, 1, 2], [0, 1, 2, 3]]

    @pytest.mark.parametrize("write", [published, present])
    def test_arrays_are_copies_in_c_order_whatever_their_own(self, load, write):
        x = np.asfortranarray(np.arange(6, dtype=np.uint8).reshape(2, 3))
        read = load(write([x]))[0].uint8()
        np.testing.assert_array_equal(read, x)
        assert read.flags.c_contiguous
        assert read.flags.writeable

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers(-(2**31), 2**31 - 1) | st.text() | st.binary(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(0, 9), inner),
        )
    )
    def test_plain_containers_are_read_as_pickle_reads_them(self, tmp_path_factory, content):
        path = tmp_path_factory.getbasetemp() / "plain"
        path.write_bytes(pickle.dumps(content, protocol=4))
        assert unpickle(path) == content


class TestArrays:
    @pytest.mark.parametrize("code", ["i1", "b1", "f4", "u2", ">u2", "S1", "i8"])
    @pytest.mark.parametrize("write", [published, present])
    def test_other_types_are_none(self, load, write, code):
        assert load(write([np.zeros((2, 3), code)]))[0].uint8() is None

    @pytest.mark.parametrize("x", [np.array([1, None]), np.zeros(2, "u1,u1"), np.zeros(2, "M8[s]")])
    def test_neither_are_objects_nor_structures_nor_times_arrays_of_bytes(self, load, x):
        try:
            read = load(pickle.dumps([x], protocol=4))[0].uint8()
        except DataError:
            return
        assert read is None

    @pytest.mark.parametrize(
        "shape", [(2, 4), (2, -1), (-2, -3), (2**31 - 1,) * 3, (True, 6), ("a",), 6, [6], (1,) * 70]
    )
    def test_a_shape_must_be_filled(self, shape):
        assert stored(shape=shape).uint8() is None

    @pytest.mark.parametrize(
        "changed",
        [{"values": "abcdef"}, {"values": [1] * 6}, {"values": b""}, {"fortran": 0}, {"dtype": "u1"}, {"version": ""}],
    )
    def test_a_strange_state_is_no_array(self, changed):
        assert stored().uint8().tolist() == [[97, 98, 99], [100, 101, 102]]
        assert stored(**changed).uint8() is None

    @pytest.mark.parametrize("state", [None, (), (1,), "abcde", {1: 2}])
    def test_without_a_state_there_is_no_array(self, state):
        array = StoredArray()
        assert array.uint8() is None
        array.__setstate__(state)
        assert array.uint8() is None


def stored(*, version=1, shape=(2, 3), dtype=None, fortran=False, values=b"abcdef"):
    array = StoredArray()
    array.__setstate__((version, shape, dtype or StoredType("u1", False, True), fortran, values))
    return array


class TestMalice:
    """First that the plain unpickler would have run it, then that ours did not."""

    @pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
    def test_a_function_is_not_called(self, refuse, protocol):
        content = pickle.dumps(Calls(run, 1), protocol)
        pickle.loads(content)
        assert RAN.pop() == (1,)
        refuse(content)

    @pytest.mark.parametrize("protocol", [2, 4])
    @pytest.mark.parametrize("function", ["system", "eval", "mkdir"])
    def test_nor_is_anything_of_the_system(self, tmp_path, refuse, function, protocol):
        marker = tmp_path / "marker"
        call = {
            "system": Calls(os.system, f"mkdir {marker}"),
            "eval": Calls(eval, f"__import__('os').mkdir({str(marker)!r})"),
            "mkdir": Calls(os.mkdir, str(marker)),
        }[function]
        content = pickle.dumps({"data": call}, protocol)
        refuse(content, "it asks for")
        pickle.loads(content)
        assert marker.exists()

    def test_nor_what_is_found_by_a_chain_of_attributes(self, tmp_path, refuse):
        marker = tmp_path / "marker"
        module = name("importlib", "import_module") + text("os") + b"\x85R"
        function = name("builtins", "getattr") + module + text("mkdir") + b"\x86R"
        content = b"\x80\x04" + function + text(str(marker)) + b"\x85R."
        refuse(content, "it asks for 'builtins.getattr'")
        pickle.loads(content)
        assert marker.exists()

    @pytest.mark.parametrize(
        ("module", "attribute"),
        [
            ("builtins", "getattr"),
            ("builtins", "eval"),
            ("posix", "system"),
            ("_codecs", "encode"),
            ("copyreg", "_reconstructor"),
            ("numpy", "load"),
            ("numpy", "ndarray.tofile"),
            ("numpy", "dtype.__class__"),
            ("numpy", "matrix"),
            ("numpy.ctypeslib", "load_library"),
            ("numpy.core.multiarray", "fromfile"),
            ("numpy.core.multiarray", "scalar"),
            ("numpy.core.multiarray", "_reconstruct.__globals__"),
            ("numpy.core.multiarray", "_reconstruct.__class__"),
            ("numpy._core.multiarray", "_reconstruct.__self__"),
            ("numpy._core.multiarray", "fromfile"),
            ("numpy._core.numeric", "_frombuffer"),
            ("numpy.core", "multiarray._reconstruct"),
            ("sweep.data.formats.unpickle", "StoredArray"),
            ("ctypes", "CDLL"),
            ("", ""),
            ("numpy\n", "dtype\x1b[2J"),
        ],
    )
    def test_no_other_name_is_looked_up(self, refuse, module, attribute):
        refuse(b"\x80\x04" + name(module, attribute) + b".", "it asks for")
        if module and "\n" not in module:
            refuse(b"\x80\x02c" + f"{module}\n{attribute}\n".encode() + b".", "it asks for")

    def test_an_array_of_objects_runs_nothing(self, refuse):
        objects = np.empty(1, object)
        objects[0] = Calls(run, 1)
        refuse(pickle.dumps(objects, protocol=4), "it asks for")

    @pytest.mark.parametrize("module", ["numpy.core.multiarray", "numpy._core.multiarray"])
    @pytest.mark.parametrize("arguments", [b")", b"K\x00\x85", text("x") + b"\x85", b"(" + b"K\x00" * 9 + b"t"])
    def test_what_is_called_only_takes_note(self, load, module, arguments):
        read = None
        try:
            read = load(b"\x80\x04" + name(module, "_reconstruct") + arguments + b"R.")
        except DataError as error:
            assert arguments == b")"
            assert "EMPTY_TUPLE" in str(error)
        assert read is None or read.uint8() is None

    def test_the_class_of_arrays_itself_is_never_made(self, refuse):
        refuse(b"\x80\x04" + name("numpy", "ndarray") + b"(J\xff\xff\xff\x7fK\x01tR.", "not callable")

    @pytest.mark.parametrize(
        "target", [("numpy", "dtype"), ("numpy.core.multiarray", "_reconstruct"), ("numpy", "ndarray")]
    )
    @pytest.mark.parametrize("state", [b"N}" + text("code") + b"K\x01s\x86", b"}" + text("uint8") + b"K\x01s"])
    def test_the_stand_ins_cannot_be_changed(self, refuse, target, state):
        before = [dict(vars(StoredType)), dict(vars(StoredArray))]
        refuse(b"\x80\x04" + name(*target) + state + b"b.")
        assert [dict(vars(StoredType)), dict(vars(StoredArray))] == before

    @pytest.mark.parametrize("code", [b"\x82\x0a", b"\x83\x0a\x00", b"\x84\x0a\x00\x00\x00"])
    def test_registered_extensions_are_not_reached(self, refuse, code):
        copyreg.add_extension(__name__, "run", 10)
        content = b"\x80\x02" + code + b"K\x01\x85R."
        try:
            pickle.loads(content)  # it remembers the function, and will no longer look for its name
            assert RAN.pop() == (1,)
            refuse(content, "opcode EXT")
        finally:
            copyreg.remove_extension(__name__, "run", 10)

    @pytest.mark.parametrize(
        ("content", "opcode"),
        [
            (b"\x80\x02U\x01xQ.", "BINPERSID"),
            (b"Px\n.", "PERSID"),
            (b"(i" + __name__.encode() + b"\nrun\n.", "INST"),
            (b"(c" + __name__.encode() + b"\nrun\no.", "OBJ"),
            (b"\x80\x02cnumpy\ndtype\nU\x02u1\x85\x81.", "NEWOBJ"),
            (b"\x80\x04" + name("numpy", "dtype") + text("u1") + b"\x85}\x92.", "NEWOBJ_EX"),
            (b"\x80\x05\x97.", "NEXT_BUFFER"),
            (b"\x80\x05\x96" + struct.pack("<Q", 1) + b"x.", "BYTEARRAY8"),
            (b"\x80\x04\x8f.", "EMPTY_SET"),
            (b"\x80\x02K\x012.", "DUP"),
            (b"\x80\x02G" + b"\0" * 8 + b".", "BINFLOAT"),
        ],
    )
    def test_opcodes_that_no_array_needs_are_refused(self, refuse, content, opcode):
        refuse(content, f"opcode {opcode}")


class TestExhaustion:
    """A small file may neither fill the memory nor overflow the stack nor keep the computer busy for ever."""

    @pytest.mark.parametrize(
        "claim",
        [
            b"T" + struct.pack("<i", 2**31 - 1),
            b"B" + struct.pack("<I", 2**32 - 1),
            b"X" + struct.pack("<I", 2**32 - 1),
            b"\x8e" + struct.pack("<Q", 2**40),
            b"\x8e" + struct.pack("<Q", 2**64 - 1),
            b"\x8d" + struct.pack("<Q", 2**62),
            b"\x95" + struct.pack("<Q", 2**62),
            b"\x95" + struct.pack("<Q", 2**64 - 1),
        ],
    )
    def test_promised_bytes_must_be_there(self, refuse, claim):
        refuse(b"\x80\x04" + claim + b"abc.")

    @pytest.mark.parametrize("place", [100, 2**31 - 1, 2**32 - 1])
    def test_the_memo_is_no_larger_than_the_file(self, refuse, place):
        refuse(b"\x80\x02]r" + struct.pack("<I", place) + b".", "more memory than it should")

    def test_deep_tuples_are_refused_as_their_hash_would_overflow_the_stack(self, refuse):
        refuse(b"\x80\x02}K\x00" + b"\x85" * 1_000_000 + b"K\x01s.", "more tuples")

    def test_shared_tuples_are_refused_as_their_hash_would_take_for_ever(self, refuse):
        doubled = b"".join(b"q" + bytes([place]) + b"h" + bytes([place]) + b"\x86" for place in range(50))
        refuse(b"\x80\x02}K\x00\x85" + doubled + b"K\x01s.", "twice")

    def test_a_list_that_holds_itself_is_refused(self, refuse):
        refuse(b"\x80\x02]q\x00h\x00a.", "twice")
        refuse(b"\x80\x04]\x94h\x00a.", "twice")

    def test_a_place_of_the_memo_holds_what_was_put_last(self, refuse):
        refuse(b"\x80\x02U\x01aq\x00]q\x00h\x00a.", "twice")

    def test_strings_are_used_twice(self, load):
        assert load(b"\x80\x02](U\x01aq\x00h\x00e.") == [b"a", b"a"]
        assert load(b"\x80\x04](" + text("a") + b"\x94h\x00j\x00\x00\x00\x00e.") == ["a"] * 3

    def test_deep_lists_are_harmless(self, load):
        assert isinstance(load(b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b"."), list)


class TestDamage:
    @pytest.mark.parametrize("write", [published, present])
    @pytest.mark.parametrize("content", [meta(), batch(3)], ids=["meta", "batch"])
    def test_every_truncation_is_refused(self, load, write, content):
        whole = write(content)
        load(whole)
        pixels = whole.find(content["data"].tobytes()) if "data" in content else len(whole)
        inside = range(pixels + 20, pixels + 3 * 3072 - 20)
        for length in range(len(whole)):
            if length not in inside or length % 97 == 0:
                with pytest.raises(DataError, match="pickle"):
                    load(whole[:length])

    @pytest.mark.parametrize("write", [published, present])
    def test_any_damaged_byte_is_refused_or_read_as_plain_content(self, load, write):
        whole = bytearray(write(batch(2)))
        pixels = whole.find(batch(2)["data"].tobytes())
        outcomes = set()
        for position in [*range(pixels), *range(pixels + 2 * 3072, len(whole))]:
            for flip in (0xFF, 0x01):
                damaged = whole.copy()
                damaged[position] ^= flip
                try:
                    outcomes.add(type(load(damaged)).__name__)
                except DataError:
                    outcomes.add("refused")
        assert outcomes >= {"refused", "dict"}

    @given(st.binary(max_size=60))
    def test_random_bytes_are_refused_or_read_as_plain_content(self, tmp_path_factory, content):
        path = tmp_path_factory.getbasetemp() / "random"
        path.write_bytes(b"\x80\x04" + content)
        try:
            unpickle(path)
        except DataError as error:
            assert str(path) in str(error)

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"\0",
            b"<!DOCTYPE html><title>404</title>",
            b"I" + b"ndex of /kriz" * 1000 + b"\n",
            b"c" + b"x" * 9999 + b"\nx\n.",
            b"\x1f\x8b\x08" + b"\0" * 50,
            b"S" * 9999,
        ],
    )
    def test_foreign_files_are_refused_in_one_short_sentence(self, refuse, load, content):
        refuse(content, "download it again")
        with pytest.raises(DataError) as caught:
            load(content)
        assert len(str(caught.value)) < 500

    @pytest.mark.parametrize(
        "content", [b".", b"\x80\x04.", b"\x80\x02K\x01a.", b"\x80\x02}]K\x01s.", b"\x80\x06N.", b"0."]
    )
    def test_well_formed_nonsense_is_refused(self, refuse, content):
        refuse(content)

    def test_nothing_may_follow_the_end(self, refuse):
        refuse(present(meta()) + b"N.", "goes on after its end")

    def test_missing_files_and_folders_are_refused(self, tmp_path, refused):
        for path in (tmp_path / "none", tmp_path):
            with refused(path, "cannot be read"):
                unpickle(path)
