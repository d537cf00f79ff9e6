# shellcheck shell=bash
# Talk to a program over pipes: send text, wait until a pattern has been printed. Never sleeps
# and hopes. Sourced by quickstart; uses bash 5 and LC_ALL=C.

TALK_ALL= # everything it printed so far
TALK_NEW= # the part that no pattern has consumed yet

# talk_open ERRORS COMMAND...: start COMMAND (a function may be one); its standard error goes to
# the file ERRORS.
talk_open()
{
	local errors=$1 in out
	shift
	TALK_ALL=''
	TALK_NEW=''
	coproc TALK { "$@" 2>"$errors"; }
	TALK_CHILD=$TALK_PID
	in=${TALK[0]}
	out=${TALK[1]}
	# bash closes a coprocess's own descriptors when it ends, with output unread.
	exec {TALK_IN}<&"$in" {TALK_OUT}>&"$out"
	exec {in}<&- {out}>&-
	# Its end is seen by talk_read; a send to it is not the end of the script.
	trap '' PIPE
}

talk_send()
{
	{ printf '%s' "$1" >&"$TALK_OUT"; } 2>/dev/null
}

# Take what was printed, waiting 0.2 s at most; 1 at the end of the output.
talk_read()
{
	local part status
	IFS= read -r -d '' -n 4096 -t 0.2 -u "$TALK_IN" part
	status=$?
	TALK_ALL+=$part
	TALK_NEW+=$part
	# More than 128 is a timeout, 1 the end, perhaps with last bytes.
	((status != 1)) || [[ -n $part ]]
}

# talk_expect REGEX SECONDS: 0 once the unconsumed output matches, and consumes it up to the end
# of the match; 1 after SECONDS or at the end of the output.
talk_expect()
{
	local until=$((SECONDS + $2))
	until [[ $TALK_NEW =~ $1 ]]; do
		((SECONDS < until)) && talk_read || return 1
	done
	TALK_NEW=${TALK_NEW#*"${BASH_REMATCH[0]}"}
}

# talk_close SECONDS: end of input, then the rest of the output; returns COMMAND's status.
talk_close()
{
	local until=$((SECONDS + $1))
	exec {TALK_OUT}>&-
	while ((SECONDS < until)) && talk_read; do :; done
	exec {TALK_IN}<&-
	trap - PIPE
	kill "$TALK_CHILD" 2>/dev/null
	wait "$TALK_CHILD"
}
