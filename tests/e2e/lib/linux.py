"""A real Linux guest with several shells on its serial port: tools/quickstart/guest-image makes
its kernel and initrd, once for a build."""

import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import tempfile

from . import proc
from .daemon import free_port
from .gdb import CS, FLAGS, INTERRUPTS, RIP, Gdb
from .proc import wait_until
from .virt import Guest

FOLDER = f"{proc.BUILD}/guest"
TOOL = os.path.abspath(f"{proc.HERE}/../../../tools/quickstart/guest-image")

# The answer to "shell?" is one of these; leaving a shell asks again. root's password is PASSWORD.
PASSWORD = "open sesame"
INIT = r"""#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t devtmpfs dev /dev
dmesg -n 4
export TERM=vt100 HOME=/tmp PS1='ready# '
cd /tmp
echo 'root:$1$ab12cd34$XDJ2evnZkuo4r1P0zchWJ/:0:0:root:/root:/bin/sh' >/etc/passwd
echo 'root:x:0:' >/etc/group
echo "export PS1='in# '" >/etc/profile
cat >/etc/osc <<'END'
PS0='\e]3008;start=0f;type=command;cwd=/tmp\e\\'
PROMPT_COMMAND='printf "\e]3008;end=0f;exit=success\e\\\\\e]3008;start=1f;type=shell\e\\\\"'
PS1='ready# '
END
# Whoever leaves a shell hangs up the terminal: it is opened anew each time.
while :; do
	printf 'shell? ' >/dev/ttyS0
	read word </dev/ttyS0 || continue
	case $word in
	sh) set -- sh -i ;;
	busybox) set -- busybox ash -i ;;
	dash) set -- dash -i ;;
	bash) set -- bash --norc -i ;;
	bash-paste) set -- env INPUTRC=/dev/null bash --norc -i ;;
	fish) set -- env TERM=vt220 fish ;;
	bash-osc) set -- env INPUTRC=/dev/null bash --rcfile /etc/osc -i ;;
	getty) set -- getty -L 115200 ttyS0 vt100 ;;
	agetty) set -- agetty -L 115200 ttyS0 vt100 ;;
	off) poweroff -f ;;
	halt) dmesg -n 8; halt -f ;;
	*) continue ;;
	esac
	setsid -c "$@" </dev/ttyS0 >/dev/ttyS0 2>&1
done
"""


def _is_made():
    """By the tool as it is now."""
    made = f"{FOLDER}/initrd"
    return os.path.exists(made) and os.path.getmtime(made) >= max(
        os.path.getmtime(f"{os.path.dirname(TOOL)}/{name}") for name in ("guest-image", "guest-init"))


def _make_image():
    os.makedirs(FOLDER, exist_ok=True)
    with open(f"{FOLDER}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _is_made():
            subprocess.run([TOOL, FOLDER], check=True, stdin=subprocess.DEVNULL)


def _add(name, data):
    """Makes a file of the archive that is being put together."""
    os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
    with open(name, "wb") as file:
        file.write(data)
    os.chmod(name, 0o755)


def _read(path):
    with open(path, "rb") as file:
        return file.read()


def _add_program(work, path):
    """With the libraries it is linked with; bash's are there, but may be others on another day."""
    _add(f"{work}/bin/{os.path.basename(path)}", _read(path))
    linked = subprocess.run(["ldd", path], check=True, capture_output=True, text=True).stdout
    for library in re.findall(r"/\S+", linked):
        _add(work + library, _read(library))


def _add_fish(work):
    """Its functions as well: the prompt is one. Completions are not needed to run commands. Its
    terminal is the one that systemd gives a serial port: fish 4 prints the delays of a vt100 as
    text."""
    _add_program(work, shutil.which("fish"))
    terminal = next(path for path in ("/usr/share/terminfo/v/vt220", "/lib/terminfo/v/vt220")
                    if os.path.exists(path))
    _add(work + terminal, _read(terminal))
    share = "usr/share/fish"
    for name in ("config.fish", "__fish_build_paths.fish"):
        if os.path.exists(f"/{share}/{name}"):
            _add(f"{work}/{share}/{name}", _read(f"/{share}/{name}"))
    if os.path.isdir(f"/{share}/functions"):  # it may have them in itself
        shutil.copytree(f"/{share}/functions", f"{work}/{share}/functions")


def _archive(work):
    names = [os.path.relpath(os.path.join(folder, name), work)
             for folder, folders, files in os.walk(work) for name in folders + files]
    return subprocess.run(["cpio", "--quiet", "-o", "-H", "newc"], cwd=work, check=True,
                          input="\n".join(names).encode(), capture_output=True).stdout


def _make_initrd(target, fish):
    """The initrd of guest-image, and dash, agetty, fish and our init in a second archive behind it."""
    with tempfile.TemporaryDirectory() as work:
        for program in ("/bin/dash", "/sbin/agetty"):
            _add_program(work, program)
        if fish:
            _add_fish(work)
        _add(f"{work}/shells", INIT.encode())
        more = _archive(work)
    with open(f"{FOLDER}/initrd", "rb") as first, open(target, "wb") as both:
        shutil.copyfileobj(first, both)
        both.write(bytes(-both.tell() % 4))  # an archive begins at a multiple of four
        both.write(more)


SPIN = b"\xfa\xeb\xfe"  # cli; jmp to itself


class LinuxGuest(Guest):
    """Asks "shell?" on its serial port when it is up; as demo=True "demo login:", and lets root in
    without a password, as the guest of ./quickstart does. words: more of its command line. fish: it has
    that shell too."""

    MEMORY_MIB = 96

    def __init__(self, virt, name, demo=False, words="", fish=False, **options):
        # A processor that gets no real one in time must not make Linux panic at its timer's test.
        self.command_line = ("console=ttyS0,115200 quiet no_timer_check "
                             f"rdinit={'/init' if demo else '/shells'} {words}")
        _make_image()
        shutil.copy(f"{FOLDER}/vmlinuz", f"{virt.dir}/vmlinuz")
        _make_initrd(f"{virt.dir}/initrd", fish)
        for file in ("vmlinuz", "initrd"):
            os.chmod(f"{virt.dir}/{file}", 0o644)
        super().__init__(virt, name, **options)

    def _describe(self, serials, hvc, on_crash, *_):
        return f"""
<domain type='qemu'>
 <name>{self.name}</name><uuid>{self.uuid}</uuid><memory unit='MiB'>{self.MEMORY_MIB}</memory><vcpu>1</vcpu>
 <os><type arch='x86_64' machine='pc'>hvm</type><kernel>{self.virt.dir}/vmlinuz</kernel>
  <initrd>{self.virt.dir}/initrd</initrd>
  <cmdline>{self.command_line}</cmdline></os>
 <features><acpi/><vmcoreinfo state='on'/></features>
 <on_crash>{on_crash}</on_crash>
 <devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
  <controller type='usb' model='none'/><memballoon model='none'/><panic model='isa'/>
  <serial type='pty'><target type='isa-serial' port='0'/></serial></devices>
</domain>"""

    def wait_boot(self, seconds=20):
        wait_until(lambda: self.state == "running", seconds, f"{self.name} runs")

    @contextlib.contextmanager
    def spinning(self):
        """Its processor does nothing and takes no interrupts. It must be at a prompt, so that the
        kernel waits for something when this begins."""
        with self._debugger() as gdb:
            address, ring = gdb.register(RIP), gdb.register(CS, 4) & 3
            assert ring == 0, "it is not idle"
            before = gdb.read(address, len(SPIN))
            gdb.write(address, SPIN)
        try:
            wait_until(lambda: self._spins(address), 20, f"{self.name} spins")
            yield
        finally:
            with self._debugger() as gdb:
                gdb.write(address, before)
                gdb.set_register(RIP, address)
                gdb.set_register(FLAGS, gdb.register(FLAGS, 4) | INTERRUPTS, 4)

    @contextlib.contextmanager
    def _debugger(self):
        port = free_port()
        self._monitor(f"gdbserver tcp:127.0.0.1:{port}")
        try:
            with Gdb(port) as gdb:
                yield gdb
        finally:
            self._monitor("gdbserver none")

    def _monitor(self, command):
        return self.virt.virsh("qemu-monitor-command", "--hmp", self.uuid, command)

    def _spins(self, address):
        said = self._monitor("info registers")
        rip, flags = (int(re.search(rf"{name}=(\w+)", said).group(1), 16) for name in ("RIP", "RFL"))
        return rip == address + 1 and not flags & INTERRUPTS
