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
for module in virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci virtio_console
do
	insmod $module.ko
done
until test -c /dev/hvc0; do sleep 1; done
exec </dev/hvc0 >/dev/hvc0 2>&1
stty raw -echo
while read word; do seq 1 100000000000 | cat; done
"""


def make_initrd(folder, target):
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
    def __init__(self, virt, name, folder, kind):
        self.kernel, self.initrd, self.kind = f"{virt.dir}/vmlinuz", f"{virt.dir}/initrd", kind
        shutil.copy(f"{folder}/vmlinuz", self.kernel)
        make_initrd(folder, self.initrd)
        for path in (self.kernel, self.initrd):
            os.chmod(path, 0o644)
        super().__init__(virt, name)

    def _describe(self, *_):
        source = f"<source mode='bind' path='{self.socket()}'/>" if self.kind == "unix" else ""
        return f"""
<domain type='qemu'>
 <name>{self.name}</name><uuid>{self.uuid}</uuid><memory unit='MiB'>192</memory><vcpu>1</vcpu>
 <os><type arch='x86_64' machine='pc'>hvm</type><kernel>{self.kernel}</kernel>
  <initrd>{self.initrd}</initrd><cmdline>quiet rdinit=/soak</cmdline></os>
 <features><acpi/></features>
 <devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
  <controller type='usb' model='none'/><memballoon model='none'/>
  <console type='{self.kind}'>{source}<target type='virtio' port='0'/></console></devices>
</domain>"""

    def wait_boot(self, seconds=20):
        wait_until(lambda: self.state == "running", seconds, f"{self.name} runs")
