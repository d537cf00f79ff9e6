"""The answers in JSON, against the tables of docs/json.md."""

import re

from .proc import HERE

PAGE = f"{HERE}/../../../docs/json.md"


def kind(value):
    for name, types in (("bool", bool), ("number", (int, float)), ("text", str), ("list", list),
                        ("object", dict)):
        if isinstance(value, types):
            return name
    return "null"


def tables():
    """{title: {path: (types, it may be missing)}}"""
    found, table = {}, None
    with open(PAGE, encoding="utf-8") as page:
        for line in page:
            if line.startswith("## "):
                table = found[line[3:].strip().replace("`", "")] = {}
            row = re.match(r"\| `([^`]+)` \| (perhaps )?([a-z ]+) \|", line)
            if row:
                table[row.group(1)] = (set(row.group(3).split(" or ")), bool(row.group(2)))
    return found


def members(table, path):
    """The names of what stands right below this path."""
    start = f"{path}." if path else ""
    names = (name[len(start):] for name in table if name.startswith(start))
    return {name for name in names if name and not re.search(r"[.\[]", name)}


def walk(table, value, path):
    if isinstance(value, list):
        for item in value:
            walk(table, item, f"{path}[]")
        return
    if not isinstance(value, dict):
        if path.endswith("[]"):
            assert kind(value) in table[path][0], (path, value)
        return
    # That of `status` is the same as in `dumps`.
    if path == "dump":
        table, path = tables()["dumps"], "[].making"
    known = members(table, path)
    for name, item in value.items():
        below = f"{path}.{name}" if path else name
        assert name in known, f"docs/json.md does not have {below}: {item!r}"
        assert kind(item) in table[below][0], f"{below} is {item!r}, not {table[below][0]}"
        walk(table, item, below)
    missing = {name for name in known - set(value)
               if not table[f"{path}.{name}" if path else name][1]}
    assert not missing, f"{path or 'the answer'} lacks {missing}: {value}"


def check(title, value):
    """Returns the value, which is as the table of this title says."""
    walk(tables()[title], value, "")
    return value
