"""What a real terminal shows."""

import os
import subprocess

from .proc import wait_until


def shown_by_tmux(tmp_path, output, columns, rows, kept=()):
    """The rows of a real terminal that is shown these bytes; with "-S", "-" those that it keeps, too."""
    (tmp_path / "output").write_bytes(output)
    tmux = ["tmux", "-f", "/dev/null", "-S", str(tmp_path / "tmux")]
    script = f"stty -opost; cat {tmp_path}/output; printf '\\033]2;all\\007'; exec sleep 1000"
    subprocess.run([*tmux, "-u", "new-session", "-d", "-x", str(columns), "-y", str(rows), "sh", "-c", script],
                   check=True, env={**os.environ, "LC_ALL": "C.UTF-8"})
    try:
        wait_until(lambda: subprocess.run([*tmux, "display", "-p", "#{pane_title}"], check=True,
                                          capture_output=True).stdout == b"all\n", 10, "tmux has read it")
        rows = subprocess.run([*tmux, "capture-pane", "-p", *kept], check=True, capture_output=True).stdout
    finally:
        subprocess.run([*tmux, "kill-server"], check=True)
    return [row.rstrip() for row in rows.decode().split("\n")[:-1]]
