"""No file is half written, and what is no file of its kind is told in one line."""

import errno
import os
import subprocess
import sys
import zipfile

import pytest

from tfllm import files
from tfllm.files import clear, json_object, understood, written
from tfllm.limits import check_unpacked


def test_a_failed_writer_leaves_the_old_file_alone(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(OSError, match=r"a\.txt: disk full; the previous file is unchanged"), written(path) as beside:
        beside.write_text("ne")
        raise OSError("disk full")
    with pytest.raises(ZeroDivisionError), written(path) as beside:
        beside.write_text("ne")
        print(1 / 0)
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_the_new_file_replaces_the_old_one(tmp_path):
    path = tmp_path / "a.weights.h5"
    path.write_text("old")
    with written(path) as beside:
        assert beside.name == path.name  # with all of its endings
        beside.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new" and list(tmp_path.iterdir()) == [path]


def test_a_folder_is_written_too(tmp_path):
    with written(tmp_path / "folder") as beside:
        (beside / "in").mkdir(parents=True)
        (beside / "in" / "a").write_text("a")
    assert (tmp_path / "folder" / "in" / "a").read_text() == "a" and len(list(tmp_path.iterdir())) == 1


def test_bytes_are_on_the_disk_before_the_name(tmp_path, monkeypatch):
    done, sync, replace = [], os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda file: (done.append(os.fstat(file).st_size), sync(file)))
    monkeypatch.setattr(os, "replace", lambda *paths: (done.append("replace"), replace(*paths)))
    with written(tmp_path / "a") as beside:
        beside.write_bytes(b"x" * 12345)
    assert done[:2] == [12345, "replace"] and len(done) == 3  # and the folder's entry after it


@pytest.mark.parametrize("wrong", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES])
def test_errors_of_the_disk_name_the_file(tmp_path, wrong):
    path = tmp_path / "a.txt"
    path.write_text("old")
    output = os.strerror(wrong)
    with (
        pytest.raises(OSError, match=rf"^.*{output}; the previous file is unchanged: '.*a\.txt'$") as result,
        written(path),
    ):
        raise OSError(wrong, output)
    assert result.value.errno == wrong and path.read_text() == "old"
    with pytest.raises(OSError, match=r"No such file or directory: '.*b[/\\]c'$"), written(tmp_path / "b" / "c"):
        pass
    with pytest.raises(FileNotFoundError, match="another"), written(path):
        (tmp_path / "another").read_text()


@pytest.mark.skipif(os.name == "nt", reason="no limit of sizes")
def test_a_full_disk(tmp_path):
    code = (
        "import resource, signal, sys; from tfllm.files import written\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "with written(sys.argv[1]) as beside: beside.write_bytes(bytes(5000))"
    )
    (tmp_path / "a.bin").write_text("old")
    ended = subprocess.run([sys.executable, "-c", code, str(tmp_path / "a.bin")], capture_output=True, text=True)
    assert ended.returncode == 1 and ended.stderr.splitlines()[-1].endswith(f"is unchanged: '{tmp_path / 'a.bin'}'")
    assert (tmp_path / "a.bin").read_text() == "old" and len(list(tmp_path.iterdir())) == 1


KILLED = """
import os, signal, sys
from tfllm.files import written
with written(sys.argv[1]) as beside:
    beside.write_text("half")
    print(beside.parent, flush=True)
    sys.stdin.read() if len(sys.argv) > 2 else os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(files.fcntl is None, reason="no locks")
def test_what_a_killed_process_left_is_removed_and_what_a_living_one_writes_is_not(tmp_path):
    command = [sys.executable, "-c", KILLED, str(tmp_path / "a.npz")]
    left = subprocess.run(command, capture_output=True, text=True).stdout.strip()
    assert os.path.exists(left) and not list(tmp_path.glob("*.npz"))
    living = subprocess.Popen([*command, "wait"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    its = living.stdout.readline().strip()
    (tmp_path / ".last.part.keras").write_text("of an older version")
    (tmp_path / ".film.part.mkv").write_text("of another program")
    with written(tmp_path / "a.npz") as beside:
        beside.write_text("mine")
        clear(tmp_path)
        assert beside.exists()
    assert {path.name for path in tmp_path.iterdir()} == {"a.npz", os.path.basename(its), ".film.part.mkv"}
    living.communicate("")
    assert living.returncode == 0 and (tmp_path / "a.npz").read_text() == "half"
    clear(tmp_path / "absent")


@pytest.mark.parametrize("content", [b"[1]", b"{", b"\xff\xfe{", b"[" * 100_000, b"", b"9" * 5000, b"null"])
def test_what_is_no_object_of_json_is_told_in_one_line(tmp_path, content):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"^.*a\.json (is not JSON in UTF-8|must be an object).*$") as result:
        json_object(tmp_path / "a.json")
    assert "\n" not in str(result.value)


def test_what_a_library_says_of_bytes_is_one_line(tmp_path):
    with pytest.raises(ValueError, match=r"^x: expected a table: KeyError: 'a'$"), understood("x", "a table"):
        {}["a"]
    with pytest.raises(ValueError, match=r"^x: expected a table: OSError: first$"), understood("x", "a table"):
        raise OSError("first\nsecond")
    with pytest.raises(FileNotFoundError), understood("x", "a table"):
        (tmp_path / "absent").read_text()


def test_archives_that_unpack_to_far_more_than_they_are(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(2**27))
    with pytest.raises(ValueError, match=r"a\.keras has \d+ bytes and would unpack to 134217728"):
        check_unpacked(tmp_path / "a.keras")
