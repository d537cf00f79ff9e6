"""scp's old protocol with OpenSSH's client."""

import os
import stat
import subprocess

import pytest

from conftest import MIB, same_pieces, write_sparse


def passed(run):
    assert run.returncode == 0, run.stdout + run.stderr


def test_scp_gets_a_file(served):
    passed(served.scp("h:dumps/web-1.elf", "."))
    assert served.got("web-1.elf") == served.read("dumps/web-1.elf")


def test_scp_gets_what_a_name_leads_to_by_that_name(served):
    os.symlink("web-1.elf", served.root / "dumps/latest")
    passed(served.scp("h:dumps/latest", "."))
    assert served.got("latest") == served.read("dumps/web-1.elf")


def test_scp_gets_several_files(served):
    passed(served.scp("-T", "h:console.log dumps/web-2.elf", "h:dumps/old/empty", "."))
    assert served.got("console.log") == served.read("console.log")
    assert served.got("web-2.elf") == b"two"
    assert served.got("empty") == b""


@pytest.mark.parametrize("pattern", ["dumps/web-*", "/d*/web-[12].elf", "~/?umps/*.elf"])
def test_scp_gets_what_fits_a_pattern(served, pattern):
    passed(served.scp(f"h:{pattern}", "."))
    assert sorted(os.listdir(served.here)) == ["web-1.elf", "web-2.elf"]
    assert served.got("web-1.elf") == served.read("dumps/web-1.elf")


@pytest.mark.parametrize("name, typed", [
    ("with blanks", "'with blanks'"),
    ("with blanks", r"with\ blanks"),
    ("it's", "\"it's\""),
    ("a*", r"a\*"),
])
def test_scp_gets_quoted_names(served, name, typed):
    served.add(name, name.encode())
    served.add("ab", b"ab")
    passed(served.scp("-T", f"h:{typed}", "."))
    assert os.listdir(served.here) == [name]
    assert served.got(name) == name.encode()


def test_scp_gets_folders_with_times_and_modes(served):
    os.chmod(served.root / "dumps/old/x", 0o640)
    for name in "dumps/old/x", "dumps/old", "dumps":
        os.utime(served.root / name, (1_000_000_000, 1_100_000_000))
    passed(served.scp("-r", "-p", "h:dumps", "."))
    assert subprocess.run(["diff", "-r", served.root / "dumps", served.here / "dumps"],
                          check=False).returncode == 0
    got = os.stat(served.here / "dumps/old/x")
    assert stat.S_IMODE(got.st_mode) == 0o640
    assert got.st_mtime == 1_100_000_000
    assert os.stat(served.here / "dumps/old").st_mtime == 1_100_000_000


def test_scp_gets_a_sparse_file(served):
    pieces = {0: b"begin", 100 * MIB + 3: b"middle" * 50_000, 300 * MIB - 3: b"end"}
    write_sparse(served.root / "sparse", 300 * MIB, pieces)
    passed(served.scp("h:sparse", "."))
    assert same_pieces(served.root / "sparse", served.here / "sparse", pieces, 300 * MIB)


def test_scp_is_told_what_is_wrong_and_gets_the_rest(served):
    run = served.scp("-T", "h:nothing dumps console.log", ".")
    assert run.returncode == 1
    assert "scp: nothing: No such file or directory\n" in run.stderr
    assert "scp: dumps: not a regular file\n" in run.stderr
    assert served.got("console.log") == served.read("console.log")
    run = served.scp("h:*.core", ".")
    assert run.returncode == 1
    assert "scp: *.core: No such file or directory\n" in run.stderr
    run = served.scp("h:../../../etc/passwd", ".")
    assert run.returncode == 1
    assert not (served.here / "passwd").exists()


def test_scp_goes_on_where_the_client_cannot_write(served):
    (served.here / "x").mkdir()
    run = served.scp("-T", "h:dumps/old/x console.log", "x")
    passed(run)
    (served.here / "web-2.elf").mkdir()  # in the way
    run = served.scp("-T", "h:dumps/web-2.elf console.log", ".")
    assert run.returncode == 1
    assert served.got("console.log") == served.read("console.log")


def test_scp_cannot_upload(served):
    (served.here / "new").write_bytes(b"new")
    for options in [], ["-r", "-p"]:
        run = served.scp(*options, "new", "h:dumps")
        assert run.returncode == 1
        assert "scp: files here are read-only\n" in run.stderr
        assert "refused scp -t dumps\n" in run.stderr
    assert not (served.root / "dumps/new").exists()
