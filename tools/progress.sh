# shellcheck shell=bash
# One line per step with the time it took; what the step prints goes to a log, whose end is
# shown when the step fails. Sourced by quickstart and check, which set STEP_LOGS (a folder)
# beforehand.

# Times are read and printed with a point.
export LC_ALL=C

: "${STEP_LOGS:?}"
STEP_LOG=
STEP_PID=
STEP_TICKER=
STEP_SECONDS=

# die TEXT: one line with the program's name, then the end.
die()
{
	echo "${0##*/}: $*" >&2
	exit 1
}

# seconds_since MICROSECONDS: "12.3"
seconds_since()
{
	local tenths=$(((${EPOCHREALTIME/./} - $1) / 100000))
	echo "$((tenths / 10)).$((tenths % 10))"
}

# A sign of life until killed, or the script is: the seconds on a terminal, a dot every 10 s
# elsewhere.
step_ticker()
{
	local name=$1 begin=$2
	while sleep "$([[ -t 1 ]] && echo 1 || echo 10)" && kill -0 $$ 2>/dev/null; do
		if [[ -t 1 ]]; then
			printf '\r%-44s %6.0f s' "$name" "$(seconds_since "$begin")"
		else
			printf '.'
		fi
	done
}

# step_run NAME COMMAND...: run COMMAND (a function may be one) to its end in a process group
# of its own, output to the step's log STEP_LOG. Sets STEP_SECONDS; returns COMMAND's status.
step_run()
{
	local name=$1 begin=${EPOCHREALTIME/./} status
	shift
	STEP_LOG=$STEP_LOGS/$(tr -cs 'A-Za-z0-9\n' - <<<"$name").log
	mkdir -p "$STEP_LOGS" || die "cannot write to $STEP_LOGS"
	printf '%-44s' "$name"
	set -m
	"$@" </dev/null >"$STEP_LOG" 2>&1 &
	STEP_PID=$!
	step_ticker "$name" "$begin" &
	STEP_TICKER=$!
	set +m
	wait "$STEP_PID"
	status=$?
	step_abort
	STEP_SECONDS=$(seconds_since "$begin")
	[[ ! -t 1 ]] || printf '\r%-44s' "$name"
	return "$status"
}

# End the groups of the running step and its ticker, if any; for traps too.
step_abort()
{
	[[ -n $STEP_PID ]] || return 0
	kill -- "-$STEP_PID" "-$STEP_TICKER" 2>/dev/null
	wait "$STEP_PID" "$STEP_TICKER" 2>/dev/null
	STEP_PID=
}

# step NAME COMMAND...: as step_run; a failure ends the script with the end of the log.
step()
{
	if step_run "$@"; then
		printf ' %6s s\n' "$STEP_SECONDS"
	else
		printf ' FAILED after %s s\n' "$STEP_SECONDS"
		tail -n 25 "$STEP_LOG" | sed 's/^/    /' >&2
		die "\"$1\" failed; the whole log: $STEP_LOG"
	fi
}
