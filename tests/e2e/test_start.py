"""What a start refuses, each with its cure, and what --check says of it before."""

import os
import stat

import pytest

from lib.daemon import Daemon

STRANGER = 4711  # a uid that nobody has


@pytest.fixture
def unstarted(user, programs, virt, keys):
    """unstarted(config): a daemon that is not started."""
    made = []

    def make(config=None):
        daemon = Daemon(user, programs, virt, keys, config)
        made.append(daemon)
        return daemon
    yield make
    for daemon in made:
        daemon.finish()


def refuses(daemon, *words):
    """It ends by itself with 1, and says all this."""
    daemon.launch()
    assert daemon.wait_end(20) == 1, daemon.log_tail(20)
    for word in words:
        assert word in daemon.log(), (word, daemon.log_tail(20))


# Folders

@pytest.mark.parametrize("mode", [0o777, 0o775, 0o720])
@pytest.mark.parametrize("key, folder", [("state_dir", "state"), ("run_dir", "run")])
def test_folder_that_others_may_write_to_is_refused(unstarted, key, folder, mode):
    daemon = unstarted()
    path = f"{daemon.dir}/{folder}"
    os.chmod(path, mode)
    refuses(daemon, f"{key} {path}: others may write to it (mode {mode:04o}): chmod go-w {path}")
    assert os.listdir(path) == []
    os.chmod(path, 0o755)
    daemon.start()


@pytest.mark.parametrize("key, folder", [("state_dir", "state"), ("run_dir", "run")])
def test_folder_of_somebody_else_is_refused(unstarted, user, key, folder):
    if not user.switch:
        pytest.skip("needs root")
    daemon = unstarted()
    path = f"{daemon.dir}/{folder}"
    for uid, name in ((STRANGER, STRANGER), (0, "root")):
        os.chown(path, uid, -1)
        refuses(daemon, f"{key} {path}: it belongs to user {name} and not to {user.name}: "
                        f"chown {user.name} {path}")
    user.own(path)
    daemon.start()


def test_folder_that_others_could_replace_is_refused(unstarted, user):
    daemon = unstarted()
    above = user.mkdir(f"{daemon.dir}/above", 0o777)
    user.mkdir(f"{above}/state")
    daemon.configure({"daemon": {"state_dir": f"{above}/state"}})
    refuses(daemon, f"others may write to the folder {above} above it (mode 0777) and could "
                    f"replace it: chmod go-w {above}")
    os.chmod(above, 0o1777)
    daemon.start()


def test_folder_that_cannot_be_is_refused_with_the_cure(unstarted, user):
    daemon = unstarted({"daemon": {"state_dir": "/proc/vmconsoled"}})
    refuses(daemon, "state_dir /proc/vmconsoled cannot be made: No such file or directory")
    daemon.configure({"daemon": {"state_dir": f"{daemon.file}"}})
    refuses(daemon, f"state_dir {daemon.file}: it is not a folder")
    daemon.configure({"daemon": {"state_dir": f"{daemon.file}/below"}})
    refuses(daemon, f"state_dir {daemon.file}/below cannot be made: Not a directory")
    if os.getuid() == 0:
        daemon.configure({"daemon": {"state_dir": "/etc/vmconsoled-test/state"}})
        refuses(daemon, "state_dir /etc/vmconsoled-test/state cannot be made: Permission denied; "
                f"as root: install -d -o {user.name} -m 0700 /etc/vmconsoled-test/state")


def test_missing_folders_are_made_for_the_service_alone(unstarted):
    daemon = unstarted({"daemon": {}})
    daemon.configure({"daemon": {"state_dir": f"{daemon.dir}/new/state",
                                 "run_dir": f"{daemon.dir}/newrun"},
                      "ssh": {"host_keys": None}})
    daemon.launch()
    daemon.wait_log("listening for ssh")
    assert stat.S_IMODE(os.stat(f"{daemon.dir}/new/state").st_mode) == 0o700
    assert stat.S_IMODE(os.stat(f"{daemon.dir}/newrun").st_mode) == 0o755
