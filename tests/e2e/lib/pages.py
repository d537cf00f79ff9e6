"""What the pages of the project show, to be run as it is printed."""

import os
import re

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))


def blocks(page, title):
    """The indented blocks of a section."""
    with open(f"{TOP}/{page}", encoding="utf-8") as file:
        section = file.read().partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    found = re.findall(r"(?:^    .*\n(?:^\n(?=    ))*)+", section, re.M)
    return [re.sub(r"^    ", "", block, flags=re.M) for block in found]
