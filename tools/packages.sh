# shellcheck shell=bash
# The Debian packages each job needs, and a way to install only those that are missing.
# Sourced by quickstart and check, after tools/progress.sh.
# shellcheck disable=SC2034 # the lists are for those who source this

PACKAGES_BUILD=(
	build-essential cmake ninja-build pkg-config
	libssh-dev libvirt-dev libssl-dev libiniparser-dev libsystemd-dev libseccomp-dev
	libjansson-dev libxml2-dev libzstd-dev libpcre2-dev
)
PACKAGES_GUEST=(
	libvirt-daemon libvirt-daemon-driver-qemu libvirt-clients qemu-system-x86 openssh-client
)
PACKAGES_DEMO=(busybox-static cpio gzip)
PACKAGES_CHECK=(
	clang clang-format-19 clang-tidy libclang-rt-dev llvm libcmocka-dev
	shellcheck mandoc git openssl zstd iproute2
	python3 python3-pytest python3-pytest-timeout python3-pytest-xdist
	python3-asyncssh python3-paramiko
	tmux screen libvterm-dev acl zsh fish
	python3-libvirt putty-tools dropbear-bin lftp rclone sshpass curl wget
)

# Some tests compare answers with sshd's. Only continuous integration installs it by itself:
# elsewhere that would start a service nobody asked for.
[[ ${CI:-} != true ]] || PACKAGES_CHECK+=(openssh-server)

# packages_missing NAME...: print those that are not installed.
packages_missing()
{
	local name
	declare -A installed=()
	while read -r name; do
		installed[$name]=1
	done < <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
		sed -n 's/^installed //p')
	for name in "$@"; do
		[[ -n ${installed[$name]:-} ]] || echo "$name"
	done
}

# as_root COMMAND...: with sudo where needed. A password is asked for beforehand (root_ready).
as_root()
{
	if ((EUID == 0)); then
		"$@"
	else
		sudo -n -- "$@"
	fi
}

root_ready()
{
	((EUID == 0)) && return 0
	command -v sudo >/dev/null && sudo -v
}

apt_update()
{
	as_root apt-get -q -o DPkg::Lock::Timeout=300 update
}

packages_install()
{
	apt_update && as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
		--no-install-recommends -o DPkg::Lock::Timeout=300 install "$@"
}

# packages_need NAME...: install what is missing; silent where nothing is.
packages_need()
{
	local missing
	if ! command -v dpkg-query >/dev/null; then
		echo "No dpkg here: taking it that these are installed in another way: $*"
		return 0
	fi
	mapfile -t missing < <(packages_missing "$@")
	((${#missing[@]} == 0)) && return 0
	root_ready || die "these packages are missing and need root or sudo: ${missing[*]}"
	step "Installing ${#missing[@]} packages" packages_install "${missing[@]}"
}
