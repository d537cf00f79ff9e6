"""The same over a console of type unix, on guests whose shell is on such a socket: libvirt takes no
part. A recorded console is one more way: what is printed also goes to the journal."""

from .flood import in_turns, lost
from .report import Verdict
from .ways import SshSocat, Unix

GUESTS = 3


def measure(place, rounds, kib=1024):
    guests = place.unix_guests(GUESTS)
    console = {"keep_open": "0", "unix_dirs": f"{place.virt.dir}/files"}
    plain = place.vmconsoled("vmc-flood-unix", history={"record": "none"}, **console)
    recorded = place.vmconsoled("vmc-record-unix", history={"record": "attached"}, **console)
    recorded.name = "recorded"
    socat = place.ways["sshd_socat"]
    ways = [Unix("direct_unix", port=0), SshSocat("sshd_socat", socat.groups, socat.server,
                                                  socat.login, port=0), plain, recorded]
    for way in (plain, recorded):
        way.groups = way.groups[:1]  # libvirtd has nothing to do with it
    for way in ways:
        way.shell = True
    try:
        return in_turns(place, "flood over a unix socket", ways, guests, rounds, kib)
    finally:
        place.drop(plain)
        place.drop(recorded)
        for guest in guests:
            guest.remove()


def verdicts(figures):
    return [Verdict("unix flood rate, MB/s", 0.95,
                    *figures.compare("MB/s", "vmconsoled", "direct_unix"), "direct_unix",
                    at_least=True),
            Verdict("unix flood server CPU, s/MB", 0.5,
                    *figures.compare("server CPU s/MB", "vmconsoled", "sshd_socat"), "sshd_socat"),
            Verdict("recorded / unrecorded, MB/s", 0.95,
                    *figures.compare("MB/s", "recorded", "vmconsoled"), "unrecorded",
                    at_least=True),
            Verdict("unix flood lines lost", 0, lost(figures))]
