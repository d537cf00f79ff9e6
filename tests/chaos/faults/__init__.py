"""The table of faults. A fault is a function of the world; it comes while the load works, does its
harm for a while, takes it back, and leaves the look at the consequences to checks.py."""

import collections
import importlib

# act(world); ends: {kind of client: statuses it may end with}; loses: input, or history that was in
# memory only, may be gone afterwards; dear: takes a minute.
Fault = collections.namedtuple("Fault", "act ends loses dear")

FAMILIES = ("processes", "hypervisor", "guests", "disk", "limits", "network", "settings", "people",
            "clock")


def fault(ends=None, loses=False, dear=False):
    """Puts a function into its module's table, under its name."""
    return lambda act: Fault(act, ends or {}, loses, dear)


NOTHING = Fault(lambda world: None, {}, False, False)


def table():
    found = {}
    for family in FAMILIES:
        module = importlib.import_module(f"faults.{family}")
        found.update({name.replace("_", "-"): value for name, value in vars(module).items()
                      if isinstance(value, Fault)})
    return found


def everybody(ssh, https):
    """Endings of all who talk to the daemon by either protocol."""
    return {**{kind: set(ssh) for kind in ("viewer", "victim", "writer", "scp")},
            "https": set(https)}
