# shellcheck shell=bash disable=SC2154,SC2034	# shared names are those of scripts/stack
# Processes that a stack starts, recognises and ends. Part of scripts/stack.

# A part (db, demo, workers, front) is the leader of a session of its own. DIR/pid/PART holds its
# pid, its start time and the boot it belongs to, so a number that was given to another process
# is never mistaken for it.

# proc PID: its state, session and start time in p_state, p_session, p_start.
proc() {
	local stat

	{ IFS= read -r -d '' stat || [ -n "$stat" ]; } 2>/dev/null <"/proc/$1/stat" || return 1
	stat=${stat##*) }	# the name before may hold anything
	# shellcheck disable=SC2086
	set -- $stat
	p_state=$1 p_session=$4 p_start=${20}
}

# Reads what is known of a part into pid and start; fails where nothing is, or it was another boot.
recorded() {
	local boot

	pid=
	[ -r "$dir/pid/$1" ] && read -r pid start boot <"$dir/pid/$1" &&
	    [ "$boot" = "$(</proc/sys/kernel/random/boot_id)" ]
}

alive() {
	recorded "$1" && proc "$pid" && [ "$p_start" = "$start" ] && [ "$p_state" != Z ]
}

# spawn PART LOG COMMAND…
spawn() {
	local part=$1 log=$2

	shift 2
	setsid "$@" </dev/null >>"$log" 2>&1 9>&- &
	pid=$!
	proc "$pid" || die 71 "$1 ended at once, see $log"
	echo "$pid $p_start $(</proc/sys/kernel/random/boot_id)" >"$dir/pid/$part"
}

# Is the command true within so many seconds? within SECONDS COMMAND…
within() {
	local tries=$(($1 * 20))

	shift
	until "$@"; do
		[ $((tries -= 1)) -gt 0 ] || return 1
		sleep 0.05
	done
}

not_alive() {
	! alive "$1"
}

# What a part's leader left behind when it was killed alone: the rest of its session. Where another
# process has the leader's number by now nothing of ours is left: a number is not given out again
# while a session bears it.
rest_of() {
	local p

	recorded "$1" || return 0
	if proc "$pid" && [ "$p_start" != "$start" ]; then
		return 0
	fi
	for p in /proc/[0-9]*; do
		p=${p#/proc/}
		if proc "$p" && [ "$p_session" = "$pid" ] && [ "$p_start" -ge "$start" ] &&
		    [ "$p_state" != Z ]; then
			echo "$p"
		fi
	done
}

none_of() {
	[ -z "$(rest_of "$1")" ]
}

# end PART SIGNAL SECONDS [SIGNAL SECONDS]…: then KILL; true when there was something to end.
end() {
	local part=$1 was=1

	shift
	while alive "$part" && [ $# -gt 0 ]; do
		was=0
		kill -s "$1" "$pid" 2>/dev/null || :
		within "$2" not_alive "$part" || :
		shift 2
	done
	if ! none_of "$part"; then
		was=0
		# shellcheck disable=SC2046
		kill -s TERM $(rest_of "$part") 2>/dev/null || :
		within 2 none_of "$part" || :
		# shellcheck disable=SC2046
		kill -s KILL $(rest_of "$part") 2>/dev/null || :
		within 5 none_of "$part" || :
	fi
	rm -f "$dir/pid/$part"
	return $was
}

# The last words of a log, for an error.
last_words() {
	tail -n "${2:-3}" "$1" 2>/dev/null | cut -c 1-300 >&2
}

# One command at a time works on a DIR.
lock() {
	exec 9>"$dir/.lock"
	flock -w 300 9 || die 75 "another stack command is at work on $dir"
}

need() {
	command -v "$1" >/dev/null ||
	    die 69 "$1 is not here: run scripts/packages install ${2:-stack}"
}
