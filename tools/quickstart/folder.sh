# shellcheck shell=bash
# The demo's one folder, the unprivileged user that owns it, and the processes that run in it.
# Sourced by quickstart, which sets DIR and DEMO_USER. Knows nothing of libvirt or vmconsoled.

# as_demo COMMAND...: run COMMAND in the folder, unprivileged, with all that libvirt looks for
# inside it. The lock (descriptor 9) is not for it.
as_demo()
{
	local drop=()
	((EUID != 0)) || drop=(setpriv --reuid "$DEMO_USER" --regid "$DEMO_USER" --clear-groups --)
	"${drop[@]}" env -C "$DIR" HOME="$DIR" XDG_RUNTIME_DIR="$DIR/run" \
		XDG_CONFIG_HOME="$DIR/cfg" XDG_CACHE_HOME="$DIR/cache" XDG_DATA_HOME="$DIR/data" \
		PATH="$PATH:/usr/sbin:/sbin" LIBVIRT_AUTOSTART=0 "$@" 9>&-
}

# put FILE [MODE]: standard input becomes DIR/FILE. The unprivileged user writes it, so that root
# never writes through a name that user controls.
put()
{
	# shellcheck disable=SC2016 # the inner shell expands
	as_demo sh -c 'cat >"$1.new" && chmod "$2" "$1.new" && mv "$1.new" "$1"' \
		sh "$1" "${2:-600}"
}

demo_uid()
{
	if ((EUID == 0)); then
		id -u "$DEMO_USER" 2>/dev/null
	else
		echo "$EUID"
	fi
}

make_user()
{
	((EUID != 0)) || id "$DEMO_USER" >/dev/null 2>&1 ||
		useradd --system --user-group --no-create-home --home-dir /nonexistent \
			--shell /usr/sbin/nologin "$DEMO_USER" ||
		die "cannot make the user $DEMO_USER"
}

# Unless another demo goes on, in a folder of its own.
remove_user()
{
	((EUID != 0)) || ! id "$DEMO_USER" >/dev/null 2>&1 || user_is_busy || userdel "$DEMO_USER" ||
		die "cannot remove the user $DEMO_USER"
}

user_is_busy()
{
	[[ -n $(find /proc -maxdepth 1 -name '[0-9]*' -user "$DEMO_USER" 2>/dev/null) ]]
}

folder_exists()
{
	[[ -e $DIR || -L $DIR ]]
}

# It must be the unprivileged user's, and nobody else may go there.
folder_check()
{
	[[ -d $DIR && ! -L $DIR && $(stat -c '%u %a' "$DIR") == "$(demo_uid) 700" ]] ||
		die "$DIR is not a folder of the demo: remove it or set QUICKSTART_DIR"
}

make_folder()
{
	# The longest socket below it must fit into 107 bytes.
	[[ ${#DIR} -le 50 && $DIR =~ ^/[A-Za-z0-9_./-]+$ ]] ||
		die "QUICKSTART_DIR must be an absolute path of at most 50 plain characters: $DIR"
	if ! folder_exists; then
		mkdir -m 0700 "$DIR" || die "cannot make $DIR"
		((EUID != 0)) || chown "$DEMO_USER:" "$DIR" || die "cannot give $DIR to $DEMO_USER"
	fi
	folder_check
	as_demo mkdir -p -m 0700 bin guest log run state cfg cfg/libvirt cache data ||
		die "cannot write to $DIR"
}

# libvirt locks a console it opens with a file there; some containers lack the folder.
lock_files_check()
{
	as_demo test -w /var/lock/. || die "/var/lock must be writable: mkdir -m 1777 /run/lock"
}

lock_folder()
{
	{ exec 9<"$DIR" && flock -w 15 9; } || die "another quickstart is at work in $DIR"
}

# launch NAME COMMAND...: run COMMAND in the folder, in a session of its own. Its pid goes to
# NAME.pid, its output to log/NAME.out and log/NAME.log.
launch()
{
	# shellcheck disable=SC2016 # the inner shell expands
	as_demo setsid --fork sh -c '
		name=$1; shift
		echo $$ >"$name.pid"
		exec "$@" </dev/null >"log/$name.out" 2>"log/$name.log"' sh "$@"
	wait_until 10 test -s "$DIR/$1.pid"
}

# 0 when the process PID runs for this folder: it names it, or was started by as_demo. Numbers in
# pid files may be old and used again.
is_ours()
{
	grep -qsF "$DIR/" "/proc/$1/cmdline" || grep -qszxF "HOME=$DIR" "/proc/$1/environ"
}

# pid_of NAME: print its pid if it runs.
pid_of()
{
	local pid
	{ read -r pid <"$DIR/$1.pid"; } 2>/dev/null
	[[ ${pid:-} =~ ^[1-9][0-9]*$ ]] && is_ours "$pid" && echo "$pid"
}

alive()
{
	pid_of "$1" >/dev/null
}

gone()
{
	! alive "$1"
}

# wait_until SECONDS COMMAND...: 0 once COMMAND succeeds.
wait_until()
{
	local until=$((SECONDS + $1))
	shift
	until "$@"; do
		((SECONDS < until)) || return 1
		sleep 0.05
	done
}

# terminate NAME: TERM, and KILL when that is not heard.
terminate()
{
	local pid
	if pid=$(pid_of "$1"); then
		kill "$pid" 2>/dev/null
		wait_until 10 gone "$1" || kill -KILL "$pid" 2>/dev/null
		wait_until 5 gone "$1"
	fi
	as_demo rm -f "$1.pid"
}

# The pids of all that as_demo started, and of what those started.
strays()
{
	grep -lszxF "HOME=$DIR" /proc/[0-9]*/environ | cut -d / -f 3
}

no_strays()
{
	[[ -z $(strays) ]]
}

# End what has no pid file any more: what a killed supervisor or libvirtd left behind.
terminate_strays()
{
	local signal
	for signal in TERM KILL; do
		strays | xargs -r kill -s "$signal" 2>/dev/null
		wait_until 5 no_strays && return
	done
}
