"""The clients: how each is started, and which version it is."""

import os
import subprocess


class Client:
    """package: what Debian calls it; word: the guest says "hello WORD"; more: of its environment."""

    def __init__(self, package, word, start, more=None):
        self.package, self.word, self.start, self.more = package, word, start, more or {}

    def version(self):
        """Of its package, or nothing when that is not installed."""
        done = subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Status} ${Version}", self.package],
                              capture_output=True, text=True, check=False)
        status, _, version = done.stdout.partition(" ")
        return version if status == "installed" else ""

    def argv(self, here, folder):
        return ["sh", "-ec", self.start.format(here=here, folder=folder)]


class FromNpm(Client):
    """package: its name there; NODE_PATH, or VMC_NODE_MODULES, is where it was installed."""

    def __init__(self, package, word, start):
        self.modules = os.environ.get("VMC_NODE_MODULES", "node_modules")
        super().__init__(package, word, start, {"NODE_PATH": os.path.abspath(self.modules)})

    def version(self):
        done = subprocess.run(["node", "-p", f"require('{self.package}/package.json').version"],
                              env={**os.environ, **self.more}, capture_output=True, text=True, check=False)
        return done.stdout.strip()


CLIENTS = {
    "expect": Client("expect", "expect", "exec expect -f {here}/with_expect.exp"),
    "pexpect": Client("python3-pexpect", "pexpect", "exec /usr/bin/python3 {here}/with_pexpect.py"),
    "Net::SSH2": Client("libnet-ssh2-perl", "Net::SSH2", "exec perl {here}/with_net_ssh2.pl"),
    "ssh2": FromNpm("ssh2", "ssh2", "exec node {here}/with_ssh2.js"),
    "x/crypto/ssh": Client("golang-golang-x-crypto-dev", "Go",
                           "cd {folder}; go build -o with_go {here}/with_crypto_ssh.go; exec ./with_go",
                           {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode"}),
    "JSch": Client("libjsch-java", "JSch", "exec java -cp /usr/share/java/jsch.jar {here}/WithJsch.java"),
    "libssh2": Client("libssh2-1-dev", "libssh2",
                      "cc -o {folder}/with_libssh2 {here}/with_libssh2.c -lssh2; exec {folder}/with_libssh2"),
    "netmiko": Client("python3-netmiko", "netmiko", "exec /usr/bin/python3 {here}/with_netmiko.py"),
    "Ansible": Client("ansible-core", "Ansible", "exec {here}/with_ansible.sh"),
    "conman": Client("conman", "conman", "exec /usr/bin/python3 {here}/with_conman.py"),
    "conserver": Client("conserver-server", "conserver", "exec /usr/bin/python3 {here}/with_conserver.py"),
}
