"""What README.md shows, for those who run it."""

import os
import re

from .proc import HERE

README = f"{HERE}/../../../README.md"


def script():
    """The indented block that begins with its interpreter."""
    with open(README, encoding="utf-8") as file:
        found = re.search(r"(?m)^    #!/bin/sh\n(?:    .*\n)+", file.read())
    return re.sub("(?m)^    ", "", found.group(0))


def write_script(path):
    """As a program at that path."""
    with open(path, "w", encoding="utf-8") as file:
        file.write(script())
    os.chmod(path, 0o755)
    return path
