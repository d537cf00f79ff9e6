"""A Linux guest that prints numbers on a virtio console as fast as it can, as soon as a line is
typed there. tools/quickstart/guest-image makes its kernel and initrd."""

import os
import shutil
import subprocess
import tempfile

from lib.proc import wait_until
from lib.virt import Guest

INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t devtmpfs dev /dev
cd /lib
for module in $(cat order); do insmod $module; done
until test -c /dev/hvc0; do sleep 1; done
exec </dev/hvc0 >/dev/hvc0 2>&1
stty raw -echo
while read word; do seq 1 100000000000 | cat; done
"""


def prepare(virt, folder):
    """Makes of what guest-image left in folder what LinuxGuests of this libvirt boot."""
    shutil.copy(f"{folder}/vmlinuz", f"{virt.dir}/vmlinuz")
    _make_initrd(folder, f"{virt.dir}/initrd")
    for name in ("vmlinuz", "initrd"):
        os.chmod(f"{virt.dir}/{name}", 0o644)


def _make_initrd(folder, target):
    """The initrd of guest-image, and one more file in a second archive behind it."""
    with tempfile.TemporaryDirectory() as work:
        with open(f"{work}/soak", "w", encoding="ascii") as file:
            file.write(INIT)
        os.chmod(f"{work}/soak", 0o755)
        more = subprocess.run(["cpio", "--quiet", "-o", "-H", "newc"], input=b"soak\n", cwd=work,
                              check=True, capture_output=True).stdout
    with open(f"{folder}/initrd", "rb") as first, open(target, "wb") as both:
        shutil.copyfileobj(first, both)
        both.write(bytes(-both.tell() % 4))  # an archive begins at a multiple of four
        both.write(more)


class LinuxGuest(Guest):
    def __init__(self, virt, name, kind):
        self.kind = kind
        super().__init__(virt, name)

    def _describe(self, *_):
        source = f"<source mode='bind' path='{self.socket()}'/>" if self.kind == "unix" else ""
        return f"""
<domain type='qemu'>
 <name>{self.name}</name><uuid>{self.uuid}</uuid><memory unit='MiB'>192</memory><vcpu>1</vcpu>
 <os><type arch='x86_64' machine='pc'>hvm</type><kernel>{self.virt.dir}/vmlinuz</kernel>
  <initrd>{self.virt.dir}/initrd</initrd><cmdline>quiet no_timer_check rdinit=/soak</cmdline></os>
 <features><acpi/></features>
 <devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
  <controller type='usb' model='none'/><memballoon model='none'/>
  <console type='{self.kind}'>{source}<target type='virtio' port='0'/></console></devices>
</domain>"""

    def wait_boot(self, seconds=20):
        wait_until(lambda: self.state == "running", seconds, f"{self.name} runs")
