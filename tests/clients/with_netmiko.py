"""netmiko: paramiko, with a terminal of 511 columns and 1000 rows."""

import os
import re

from netmiko import ConnectHandler


def connection(login):
    return ConnectHandler(device_type="terminal_server", host="127.0.0.1", port=int(os.environ["VMC_PORT"]),
                          username=login, use_keys=True, key_file=os.environ["VMC_KEY_PEM"],
                          allow_agent=False, ssh_strict=False, timeout=240, auth_timeout=240)


def status(link, verb):
    _, output, _ = link.remote_conn_pre.exec_command(verb)
    return output.channel.recv_exit_status()


console = connection(os.environ["VMC_VM"])
print("wait:", status(console, "wait --timeout 1 'nothing like this'"))
print("unknown VM:", status(connection("vmconsole"), "status nobody"))
console.write_channel("say hello netmiko\r")
# Its terminal shows what was printed before, too.
print("console:", re.search("hello netmiko", console.read_until_pattern(r"hello netmiko\s")).group())
console.write_channel("\x1d.")
print("end:", console.remote_conn.recv_exit_status())
print("panic:", status(console, "send --enter --wait never panic"))
