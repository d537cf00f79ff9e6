# bash completion for vmconsolectl(8): verbs and guests as the daemon names them.
# shellcheck shell=bash

# The socket of -S, if one was given, for asking the daemon.
_vmconsolectl_ask()
{
	local i
	for ((i = 1; i < COMP_CWORD; i++)); do
		if [[ ${COMP_WORDS[i]} == -S || ${COMP_WORDS[i]} == --socket ]]; then
			vmconsolectl -S "${COMP_WORDS[i + 1]}" "$@" 2>/dev/null
			return
		fi
	done
	vmconsolectl "$@" 2>/dev/null
}

# Words that are no options, before the cursor: the verb, and what follows it.
_vmconsolectl_words()
{
	local i
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-S | --socket) ((i++)) ;;
		-*) ;;
		*) echo "${COMP_WORDS[i]}" ;;
		esac
	done
}

_vmconsolectl()
{
	local word=${COMP_WORDS[COMP_CWORD]} words=() line
	COMPREPLY=()
	if [[ ${COMP_WORDS[COMP_CWORD - 1]} == -S || ${COMP_WORDS[COMP_CWORD - 1]} == --socket ]]; then
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
	fi
	mapfile -t words < <(_vmconsolectl_words)
	local found=()
	case ${#words[@]} in
	0) mapfile -t found < <(_vmconsolectl_ask help | sed -n 's/^\([a-z][a-z]*\)  .*/\1/p') ;;
	1)
		while read -r line; do
			found+=("${line##* }")
		done < <(_vmconsolectl_ask list)
		;;
	esac
	# Whoever makes a VM names it: compgen -W would expand that name, and bare it would be commands.
	for line in "${found[@]}"; do
		printf -v line %q "$line"
		if [[ $line == "$word"* ]]; then
			COMPREPLY+=("$line")
		fi
	done
}

complete -F _vmconsolectl vmconsolectl
