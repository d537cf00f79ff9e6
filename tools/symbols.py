"""The built objects of the libraries and programs, and their symbols: for circles and unused."""
import collections
import pathlib
import re
import subprocess


def source(build):
    """The top of the source tree that this build is of."""
    cache = (build / "CMakeCache.txt").read_text()
    return pathlib.Path(re.search(r"^CMAKE_HOME_DIRECTORY:INTERNAL=(.*)$", cache, re.M).group(1))


def objects(build):
    """Source name -> object, of the libraries and programs (not tests, tools or benchmarks)."""
    found = {}
    top = source(build)
    for path in sorted(build.rglob("*.c.o")):
        parts = path.relative_to(build).parts
        if parts[0] in ("tests", "tools", "bench"):
            continue
        at = parts.index("CMakeFiles")
        name = "/".join(parts[:at] + parts[at + 2:])[:-2]
        if (top / name).exists():  # else its source has been renamed, and the object is left
            found[name] = path
    return found


def listing(paths):
    """(object, kind, symbol) of each global symbol; U, w and v are the kinds of what is needed."""
    lines = subprocess.run(["nm", "-gA", *paths], check=True, capture_output=True, text=True).stdout
    for line in lines.splitlines():
        path, _, rest = line.rpartition(":")
        yield path, *rest.split()[-2:]


def read(paths):
    """For each object what it defines, and what it leaves undefined."""
    defined, needed = collections.defaultdict(set), collections.defaultdict(set)
    for path, kind, name in listing(paths):
        (needed if kind in "Uwv" else defined)[path].add(name)
    return defined, needed
