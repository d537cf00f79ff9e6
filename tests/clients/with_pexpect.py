"""pexpect, around OpenSSH."""

import os

import pexpect

CONFIG, VM = os.environ["VMC_CONFIG"], os.environ["VMC_VM"]


def status(login, verb):
    return pexpect.run(f"ssh -F {CONFIG} {login}@console {verb}", withexitstatus=True, timeout=240)[1]


print("wait:", status(VM, "wait --timeout 1 'nothing like this'"))
print("unknown VM:", status("nobody", "status"))
console = pexpect.spawn("ssh", ["-F", CONFIG, "-t", f"{VM}@console", "attach --lines 0"], timeout=240)
console.expect_exact("you have the keyboard")
console.send("say hello pexpect\r")
console.expect(rb"\n(hello \w+)\r\n")
print("console:", console.match[1].decode())
console.send("\x1d.")
console.expect(pexpect.EOF)
console.close()
print("end:", console.exitstatus)
print("panic:", status(VM, "send --enter --wait never panic"))
