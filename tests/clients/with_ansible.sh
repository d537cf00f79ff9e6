#!/bin/sh
# Ansible's raw, over a ControlMaster of its own. Without an executable: no /bin/sh around the verb.
export ANSIBLE_EXECUTABLE='' ANSIBLE_NOCOLOR=1 ANSIBLE_HOST_KEY_CHECKING=True
export ANSIBLE_SSH_ARGS="-F $VMC_CONFIG -o ControlMaster=auto -o ControlPersist=10s"

# try LOGIN VERB: what Ansible prints; its own status is 2 for any that is not 0
try() {
	ansible all -i "console," -e ansible_shell_type=sh -u "$1" -m raw -a "$2" 2>&1
}

status() {
	try "$@" | sed -n 's/.*| rc=\([0-9]*\) .*/\1/p'
}

echo "wait: $(status "$VMC_VM" "wait --timeout 1 'nothing like this'")"
echo "unknown VM: $(status nobody status)"
said=$(try "$VMC_VM" "send --enter --timeout 2m --wait 'hello \\w+' say hello Ansible")
echo "console: $(echo "$said" | tr -d '\r' | grep -o 'hello Ansible$')"
echo "end: $(echo "$said" | sed -n 's/.*| rc=\([0-9]*\) .*/\1/p')"
echo "panic: $(status "$VMC_VM" "send --enter --wait never panic")"
