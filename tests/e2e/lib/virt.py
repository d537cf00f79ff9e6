"""A private libvirt of an ordinary user below one short folder, and guests in it."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
import xml.etree.ElementTree as xml

import libvirt

from . import proc
from .term import BarePty, Terminal, UnixConsole
from .proc import wait_until

os.environ["LIBVIRT_AUTOSTART"] = "0"  # no client may start a libvirtd of its own
libvirt.registerErrorHandler(lambda *_: None, None)

GROUPS = "https://vmconsoled.org/domain/1.0"
STATES = {libvirt.VIR_DOMAIN_RUNNING: "running", libvirt.VIR_DOMAIN_PAUSED: "paused",
          libvirt.VIR_DOMAIN_SHUTDOWN: "shutdown", libvirt.VIR_DOMAIN_SHUTOFF: "shut off",
          libvirt.VIR_DOMAIN_CRASHED: "crashed", libvirt.VIR_DOMAIN_PMSUSPENDED: "suspended"}


class Libvirt:
    """virtlogd and libvirtd of the test user, under a reaper. All files lie below .dir."""

    def __init__(self, user, programs):
        self.user, self.programs = user, programs
        self.dir = user.own(tempfile.mkdtemp(prefix="vmc-", dir="/tmp"), 0o755)
        self.kept = f"/var/tmp/vmconsoled-test-cache-{user.uid}/capabilities"
        self.socket = f"{self.dir}/run/libvirt/libvirt-sock"
        self.uri = f"qemu+unix:///session?socket={self.socket}"
        self.env = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": self.dir, "LIBVIRT_AUTOSTART": "0", "LC_ALL": "C.UTF-8",
            "XDG_RUNTIME_DIR": f"{self.dir}/run", "XDG_CONFIG_HOME": f"{self.dir}/cfg",
            "XDG_CACHE_HOME": f"{self.dir}/cache", "XDG_DATA_HOME": f"{self.dir}/data"}
        self.capabilities = f"{self.dir}/cache/libvirt/qemu/cache/capabilities"
        for folder in ("run", "cfg", "cfg/libvirt", "cache", "cache/libvirt", "cache/libvirt/qemu",
                       "cache/libvirt/qemu/cache", "data", "files"):
            user.mkdir(f"{self.dir}/{folder}")
        # Without this capability libvirt asks QEMU for the features of a processor at once, not for
        # each of some 400 by itself, which takes more than the rest of a start.
        user.write(f"{self.dir}/cfg/libvirt/qemu.conf", 'security_driver = "none"\n'
                   'capability_filters = [ "cpu-unavailable-features" ]\n')
        user.write(f"{self.dir}/cfg/libvirt/libvirtd.conf",
                   f'host_uuid = "{uuid.uuid4()}"\nkeepalive_interval = 5\n'
                   f'log_outputs = "2:file:{self.dir}/libvirtd.log"\n')
        self.reaper = None
        self.connection = None

    def start(self):
        self._take_capabilities()
        self.reaper = subprocess.Popen(
            self.user.argv([self.programs.reaper, "-p", f"{self.dir}/reaper.pid",
                            "--", "virtlogd", "--", "libvirtd"]),
            env=self.env, cwd=self.dir, stdin=subprocess.DEVNULL,
            stdout=open(f"{self.dir}/reaper.log", "ab"), stderr=subprocess.STDOUT)
        self.connect(60)
        return self

    def connect(self, seconds=30):
        """The connection of the test itself; made anew after a restart."""
        def attempt():
            try:
                return libvirt.open(self.uri)
            except libvirt.libvirtError:
                return None
        self.connection = wait_until(attempt, seconds, "libvirtd answers")
        return self.connection

    def pid(self, name="libvirtd"):
        for child in proc.children(self.reaper.pid):
            if proc.comm(child) == name and proc.alive(child):
                return child
        return None

    def kill9(self):
        """libvirtd dies; the guests live on. Returns once it is gone."""
        pid = self.pid()
        proc.end(pid, signal.SIGKILL)
        wait_until(lambda: not proc.state(pid), 10, "libvirtd is gone and reaped")

    def restart(self):
        """After kill9(), or instead of it: a new libvirtd that answers."""
        pid = self.pid()
        if pid:
            proc.end(pid)
            wait_until(lambda: not proc.alive(pid), 20, "libvirtd is gone")
            wait_until(lambda: not proc.state(pid), 10, "the reaper has seen it")
        self.reaper.send_signal(signal.SIGUSR1)
        wait_until(self.pid, 10, "a new libvirtd")
        self.connect()

    def mend(self):
        """Whatever a test has done: libvirtd runs and the connection works."""
        self.thaw()
        if not self.pid():
            self.restart()
        try:
            self.connection.getLibVersion()
        except libvirt.libvirtError:
            self.connect()

    def freeze(self):
        proc.end(self.pid(), signal.SIGSTOP)

    def thaw(self):
        if self.pid():
            proc.end(self.pid(), signal.SIGCONT)

    def virsh(self, *arguments, check=True, seconds=30):
        done = subprocess.run(
            self.user.argv(["virsh", "-q", "-c", self.uri, *arguments]), env=self.env,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=seconds * proc.SLOW)
        text = done.stdout.decode(errors="replace").strip()
        assert not check or done.returncode == 0, f"virsh {' '.join(arguments)}: {text}"
        return text

    def virsh_console(self, name, *options):
        """A `virsh console` on a terminal, that is: somebody else who holds the console."""
        argv = self.user.argv(["virsh", "-c", self.uri, "console", name, *options])
        return Terminal(argv, env=self.env)

    def stop(self):
        if self.reaper is None:
            return
        self.reaper.terminate()
        try:
            self.reaper.wait(15 * proc.SLOW)
        finally:
            if self.reaper.poll() is None:
                self.reaper.kill()
            self.reaper = None
            self._keep_capabilities()
            shutil.rmtree(self.dir, ignore_errors=True)

    # Asking QEMU what it can do takes seconds: the answers are kept between runs. libvirt looks
    # whether they are still true. Tests run beside each other, so a file appears there whole.

    def _take_capabilities(self):
        self.user.copytree(self.kept, self.capabilities)

    def _keep_capabilities(self):
        if not os.path.isdir(self.capabilities):
            return
        os.makedirs(self.kept, exist_ok=True)
        for name in os.listdir(self.capabilities):
            with tempfile.NamedTemporaryFile(dir=os.path.dirname(self.kept), delete=False) as copy:
                with open(f"{self.capabilities}/{name}", "rb") as file:
                    shutil.copyfileobj(file, copy)
            os.replace(copy.name, f"{self.kept}/{name}")


class Guest:
    """A domain that runs tests/guest. Its isa-debugcon tells when it is up and what it runs."""

    def __init__(self, virt, name, serials=("pty",), hvc=False, on_crash="preserve",
                 on_reboot="restart", log=False, boot="", domain_uuid=None, alias=None,
                 emulator="/usr/bin/qemu-system-x86_64"):
        self.virt, self.name = virt, name
        self.uuid = str(domain_uuid or uuid.uuid4())
        self.files = f"{virt.dir}/files"
        self.log = f"{self.files}/{name}.log" if log else None
        self.reports = f"{self.files}/{name}-{self.uuid[:8]}.reports"
        self.boots = 0
        self.emulator = emulator
        self._xml = self._describe(serials, hvc, on_crash, on_reboot, boot, alias)

    def socket(self, port=0):
        """Where a serial console of type unix listens, or QEMU connects to."""
        return f"{self.files}/{self.name}-{port}.sock"

    def _serial(self, port, kind, alias):
        dial = (f"<source mode='connect' path='{self.socket(port)}'>"
                "<reconnect enabled='yes' timeout='1'/></source>")
        source = {"unix": f"<source mode='bind' path='{self.socket(port)}'/>",
                  "unix-connect": dial,
                  "file": f"<source path='{self.files}/{self.name}-{port}.out'/>"}.get(kind, "")
        log = f"<log file='{self.log}' append='on'/>" if self.log and port == 0 else ""
        name = f"<alias name='{alias}'/>" if alias and port == 0 else ""
        return (f"<serial type='{kind.split('-', 1)[0]}'>{source}{log}"
                f"<target type='isa-serial' port='{port}'/>{name}</serial>")

    def _describe(self, serials, hvc, on_crash, on_reboot, boot, alias):
        options = f"name={self.name}" + (f" boot={boot}" if boot else "")
        ports = "".join(self._serial(*item, alias) for item in enumerate(serials))
        virtio = "<console type='pty'><target type='virtio'/></console>" if hvc else ""
        debug = "".join(f"<qemu:arg value='{value}'/>" for value in (
            "-chardev", f"file,id=reports,path={self.reports},append=on",
            "-device", "isa-debugcon,chardev=reports,iobase=0xe9"))
        return f"""
<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
 <name>{self.name}</name><uuid>{self.uuid}</uuid><memory unit='KiB'>2048</memory><vcpu>1</vcpu>
 <os><type arch='x86_64' machine='pc'>hvm</type><kernel>{self.virt.programs.guest}</kernel>
  <cmdline>{options}</cmdline></os>
 <features><acpi/></features>
 <on_crash>{on_crash}</on_crash><on_reboot>{on_reboot}</on_reboot>
 <devices><emulator>{self.emulator}</emulator>
  <controller type='usb' model='none'/><memballoon model='none'/><panic model='isa'/>
  {ports}{virtio}</devices>
 <qemu:commandline>{debug}</qemu:commandline>
</domain>"""

    @property
    def domain(self):
        """Looked up each time: the connection may be a new one."""
        return self.virt.connection.lookupByUUIDString(self.uuid)

    def define(self):
        self.virt.connection.defineXML(self._xml)
        return self

    def start(self, wait=True):
        """Starts it (defining it if it is not) and waits until it has booted."""
        try:
            domain = self.domain
        except libvirt.libvirtError:
            domain = self.define().domain
        self.boots = self.count_boots()
        domain.create()
        if wait:
            self.wait_boot()
        return self

    def create_transient(self):
        """As VDSM does: libvirt forgets the domain when it ends."""
        self.boots = self.count_boots()
        self.virt.connection.createXML(self._xml, 0)
        self.wait_boot()
        return self

    def set_groups(self, *names):
        """The groups of its metadata, from now on."""
        groups = "".join(f"<group>{name}</group>" for name in names)
        self.domain.setMetadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, f"<groups>{groups}</groups>",
                                "vmconsoled", GROUPS, libvirt.VIR_DOMAIN_AFFECT_LIVE)

    def report_lines(self):
        try:
            with open(self.reports, encoding="latin-1") as file:
                return file.read().split("\n")[:-1]
        except FileNotFoundError:
            return []

    def count_boots(self):
        return self.report_lines().count("ready")

    def wait_boot(self, seconds=20):
        """Waits for one more boot than the last call saw."""
        wait_until(lambda: self.count_boots() > self.boots, seconds, f"{self.name} boots")
        self.boots += 1

    def wait_run(self, command, seconds=15):
        """Waits until the guest has begun to run this command (in this boot)."""
        def begun():
            found = self.report_lines()
            last_boot = max((i for i, text in enumerate(found) if text == "ready"), default=0)
            return f"run {command}" in found[last_boot:]
        wait_until(begun, seconds, f"{self.name} runs {command}")

    def destroy(self):
        self.domain.destroy()

    def remove(self):
        """Off and undefined, whatever state it is in."""
        try:
            domain = self.domain
            if domain.isActive():
                domain.destroy()
            if domain.isPersistent():
                domain.undefine()
        except libvirt.libvirtError as error:
            if error.get_error_code() == libvirt.VIR_ERR_OPERATION_INVALID:
                self.remove()  # it ended between the question and the order
            elif error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
                raise

    def migrate(self, target):
        """Moves it, running, to another Libvirt; returns once it runs there."""
        socket = f"{target.dir}/migration.sock"
        self.virt.virsh("migrate", "--live", "--p2p", "--migrateuri", f"unix://{socket}",
                        "--persistent", "--undefinesource", self.name, target.uri)
        self.virt = target

    @property
    def state(self):
        try:
            return STATES.get(self.domain.state()[0], "other")
        except libvirt.libvirtError:
            return "unknown"

    def wait_state(self, state, seconds=15):
        wait_until(lambda: self.state == state, seconds, f"{self.name} is {state}")

    @property
    def qemu_pid(self):
        with open(f"{self.virt.dir}/run/libvirt/qemu/run/{self.name}.pid",
                  encoding="ascii") as file:
            return int(file.read())

    def kill_qemu(self):
        proc.end(self.qemu_pid, signal.SIGKILL)

    def live(self):
        return xml.fromstring(self.domain.XMLDesc())

    def pty(self, port=0):
        return self.live().findall("devices/serial")[port].find("source").get("path")

    def bare(self, port=0):
        """The console without libvirt or daemon in between; answers when this returns."""
        console = BarePty(self.pty(port))
        self.wake(console)
        return console

    def unix(self, port=0):
        return UnixConsole(self.socket(port))

    @staticmethod
    def wake(console, seconds=10):
        """QEMU looks at an unheld pty once a second: types until the guest answers, then drains."""
        deadline = time.monotonic() + seconds * proc.SLOW
        while not console.read_some(0.3):
            assert time.monotonic() < deadline, "the guest does not answer"
            console.send(b"\r")
        while console.read_some(0.15):
            pass
        console.taken = len(console.seen)
