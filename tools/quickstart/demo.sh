# shellcheck shell=bash
# What runs in the demo's folder: a libvirt session instance, one guest, vmconsoled.
# Sourced by quickstart, which sets DIR and PORT, after folder.sh.

URI="qemu+unix:///session?socket=$DIR/run/libvirt/libvirt-sock"
BOOT_SECONDS=180

demo_virsh()
{
	as_demo timeout 30 virsh -q -c "$URI" "$@"
}

# demo_ssh ARGUMENT...: what the user would type, with the demo's own key and host keys.
demo_ssh()
{
	as_demo ssh -F "$DIR/ssh_config" -p "$PORT" "$@"
}

port_answers()
{
	(exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null
}

# 0 when it is our vmconsoled that has the port.
port_is_ours()
{
	alive vmconsoled && grep -qxF "listen = 127.0.0.1:$PORT" "$DIR/vmconsoled.conf"
}

# ---- libvirt and the guest -----------------------------------------------------------------

libvirt_answers()
{
	demo_virsh version >/dev/null 2>&1
}

libvirt_settled()
{
	libvirt_answers || gone libvirt
}

start_libvirt()
{
	echo 'security_driver = "none"' | put cfg/libvirt/qemu.conf &&
		echo "host_uuid = \"$(</proc/sys/kernel/random/uuid)\"" |
		put cfg/libvirt/libvirtd.conf || return 1
	# QEMU becomes the reaper's child when it goes to the background, and is reaped at once.
	launch libvirt "$DIR/bin/reaper" "$DIR/libvirt.pid" -- virtlogd -- libvirtd
	wait_until 30 libvirt_settled
	libvirt_answers || {
		tail -n 5 "$DIR/log/libvirt.log"
		return 1
	}
}

# Always the same UUID: another would be another guest to libvirt and vmconsoled.
guest_xml()
{
	cat <<END
<domain type='qemu'>
  <name>demo</name>
  <uuid>6c3f3a52-9d0e-4b51-8b8e-2d1f0c6f7a11</uuid>
  <memory unit='MiB'>96</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
    <kernel>$DIR/guest/vmlinuz</kernel>
    <initrd>$DIR/guest/initrd</initrd>
    <cmdline>console=ttyS0 no_timer_check sysrq_always_enabled</cmdline>
  </os>
  <features><acpi/></features>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
    <serial type='pty'><target type='isa-serial' port='0'/></serial>
  </devices>
</domain>
END
}

define_guest()
{
	guest_xml | put demo.xml && demo_virsh define "$DIR/demo.xml"
}

guest_runs()
{
	[[ $(demo_virsh domstate demo 2>/dev/null) == running ]]
}

# ---- vmconsoled ----------------------------------------------------------------------------

daemon_config()
{
	cat <<END
[daemon]
state_dir = $DIR/state
run_dir = $DIR/run

[hypervisor demo]
uri = $URI

[ssh]
listen = 127.0.0.1:$PORT

[auth]
authorized_keys = $DIR/authorized_keys

[console]
# The demo is looked at now and then: its console is held in between.
keep_open = 30d
# It is emulated, and slow to answer where the machine has other work.
linger = 3s

[access demo]
who = key:*
vms = *
allow = view, type, force, log, control, admin
END
}

ssh_config()
{
	cat <<END
HostName 127.0.0.1
Port $PORT
IdentityFile $DIR/id_ed25519
IdentitiesOnly yes
UserKnownHostsFile $DIR/known_hosts
StrictHostKeyChecking accept-new
BatchMode yes
ConnectTimeout 30
LogLevel ERROR
END
}

make_keys()
{
	as_demo rm -f known_hosts id_ed25519 id_ed25519.pub &&
		as_demo ssh-keygen -q -t ed25519 -N '' -C quickstart -f id_ed25519 &&
		put authorized_keys <"$DIR/id_ed25519.pub" &&
		ssh_config | put ssh_config
}

daemon_settled()
{
	port_answers || gone vmconsoled
}

start_daemon()
{
	make_keys && daemon_config | put vmconsoled.conf || return 1
	launch vmconsoled "$DIR/bin/vmconsoled" --config "$DIR/vmconsoled.conf"
	wait_until 30 daemon_settled
	{ port_answers && alive vmconsoled; } || {
		tail -n 5 "$DIR/log/vmconsoled.log"
		return 1
	}
}

boot_settled()
{
	grep -q 'login:' "$DIR/log/viewer.out" || gone viewer
}

# A console is opened by its first viewer and held from then on: have one before the first byte
# is printed, so that the whole boot is in the history.
boot_guest()
{
	launch viewer ssh -F "$DIR/ssh_config" -p "$PORT" demo@127.0.0.1 attach --wait --no-input
	wait_until 30 test -s "$DIR/log/viewer.log"
	demo_virsh start demo && wait_until "$BOOT_SECONDS" boot_settled
	grep -q 'login:' "$DIR/log/viewer.out" || {
		tail -n 5 "$DIR/log/viewer.log" "$DIR/log/viewer.out"
		return 1
	}
	terminate viewer
}

# ---- all of it -----------------------------------------------------------------------------

# 0 when everything runs as it would be started now.
all_running()
{
	[[ $(daemon_config) == "$(cat "$DIR/vmconsoled.conf" 2>/dev/null)" ]] &&
		alive libvirt && alive vmconsoled && port_answers && guest_runs
}

# End everything that runs, whatever state it is in; the files stay.
halt()
{
	terminate viewer
	terminate vmconsoled
	gone libvirt || demo_virsh destroy demo >/dev/null 2>&1
	terminate libvirt
	terminate_strays
	as_demo rm -rf run && as_demo mkdir -m 0700 run
}

start_all()
{
	step "Starting a libvirt session instance" start_libvirt
	step "Defining the guest" define_guest
	step "Starting vmconsoled" start_daemon
	step "Booting the guest (emulated, no KVM)" boot_guest
}
