# shellcheck shell=bash
# Talk to a program over pipes: send text, wait until a pattern has been printed. Never sleeps
# and hopes. Sourced by quickstart; uses bash 5 and LC_ALL=C.

TALK_ALL=  # everything it printed so far
TALK_NEW=  # the part that no pattern has consumed yet

# talk_open ERRORS COMMAND...: start COMMAND; its standard error goes to the file ERRORS.
talk_open()
{
	local errors=$1
	shift
	TALK_ALL=''
	TALK_NEW=''
	coproc TALK { exec "$@" 2>"$errors"; }
	# bash forgets a coprocess when it ends: keep what is needed after that.
	TALK_CHILD=$TALK_PID
	exec {TALK_IN}<&"${TALK[0]}" {TALK_OUT}>&"${TALK[1]}"
}

talk_send()
{
	printf '%s' "$1" >&"$TALK_OUT"
}

# talk_expect REGEX SECONDS: 0 once the unconsumed output matches, and consumes it up to the end
# of the match; 1 after SECONDS or at the end of the output.
talk_expect()
{
	local until=$((SECONDS + $2)) part status
	until [[ $TALK_NEW =~ $1 ]]; do
		((SECONDS < until)) || return 1
		IFS= read -r -d '' -n 4096 -t 0.2 -u "$TALK_IN" part
		status=$?
		TALK_ALL+=$part
		TALK_NEW+=$part
		# 1 is the end, more than 128 a timeout; the last bytes may still match.
		if ((status == 1)) && [[ -z $part ]]; then
			return 1
		fi
	done
	TALK_NEW=${TALK_NEW#*"${BASH_REMATCH[0]}"}
}

# End of input, then its status.
talk_close()
{
	exec {TALK_OUT}>&- {TALK_IN}<&-
	wait "$TALK_CHILD"
}
