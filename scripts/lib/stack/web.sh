# shellcheck shell=bash disable=SC2154,SC2034	# shared names are those of scripts/stack
# The workers and the web server in front of them. Part of scripts/stack.

workers_listen_or_ended() {
	{ [ -S "$run/fcgi.sock" ] && [ -S "$run/ws.sock" ]; } || not_alive workers
}

# Restarted where the settings or the program are not those it was started with.
start_workers() {
	local state=started now

	now=$(cksum <"$dir/parley.conf")
	if alive workers; then
		if [ "$(readlink "/proc/$pid/exe")" = "$(readlink -f "$parley")" ] &&
		    [ "$now" = "${kept[workers_sum]:-}" ]; then
			say workers "running, $workers processes"
			return
		fi
		state=restarted
	fi
	end workers TERM 5 INT 5 || :
	rm -f "$run/fcgi.sock" "$run/ws.sock"
	spawn workers "$dir/log/parley.log" "$parley" serve -F -c "$dir/parley.conf"
	within 30 workers_listen_or_ended || :
	if [ ! -S "$run/fcgi.sock" ] || ! alive workers; then
		last_words "$dir/log/parley.log"
		die 69 "the workers do not start, see $dir/log/parley.log"
	fi
	keep workers_sum "$now"
	say workers "$state, $workers processes"
}

nginx_front() {
	# shellcheck disable=SC2034	# fill takes them by name
	local user='' nofile connections tmp=$dir/tmp/nginx

	need nginx
	[ "$(id -u)" != 0 ] || user='user root;'
	# A stream takes two connections, and one process may get all of them. Some descriptors stay
	# for files: logs, pages, bodies too large for memory.
	nofile=$(ulimit -Hn)
	[ "$nofile" != unlimited ] && [ "$nofile" -le 65536 ] || nofile=65536
	# shellcheck disable=SC2034
	connections=$((nofile - nofile / 16))
	mkdir -p "$tmp"
	fill "$top/nginx/stack.conf.in" top run log tmp port user nofile connections \
	    >"$dir/nginx.conf"
	front=(nginx -p "$dir/" -c nginx.conf -e "$log/nginx.log")
	front_stays=(-g 'daemon off;') front_reload=HUP
	front_parts=("$dir/nginx.conf" "$top"/nginx/parley-*.conf)
}

# Apache refuses to serve as root. There it runs as www-data with the one capability that lets it
# reach this directory, wherever it is.
apache_front() {
	# shellcheck disable=SC2034
	local modules=/usr/lib/apache2/modules

	need apache2 test
	fill "$top/apache/stack.conf.in" top dir run log port modules >"$dir/apache.conf"
	front=(apache2 -d "$dir" -f "$dir/apache.conf")
	[ "$(id -u)" != 0 ] || front=(setpriv --reuid=www-data --regid=www-data --clear-groups
	    --inh-caps=+dac_override --ambient-caps=+dac_override "${front[@]}")
	front_stays=(-DFOREGROUND) front_reload=USR1
	front_parts=("$dir/apache.conf" "$top"/apache/parley-*)
}

front_answers() {
	[ "$(curl -s -m 5 -o /dev/null --noproxy '*' -w '%{http_code}' \
	    "http://127.0.0.1:$port/healthz")" = 200 ]
}

front_answers_or_ended() {
	not_alive front || front_answers
}

start_front() {
	local log=$dir/log name=${kept[front]} state=running now
	local -a front front_stays front_parts
	local front_reload

	"${name}_front"
	"${front[@]}" -t >"$dir/tmp/front.err" 2>&1 || {
		last_words "$dir/tmp/front.err"
		die 78 "$name does not take $dir/$name.conf"
	}
	now="$name $(cat "${front_parts[@]}" | cksum)"
	if alive front && [ "${kept[front_sum]%% *}" = "$name" ]; then
		if [ "$now" != "${kept[front_sum]}" ]; then
			kill -s "$front_reload" "$pid"
			state=reloaded
		fi
	else
		end front TERM 5 || :
		if port_taken "$port"; then
			die 69 "port $port is taken by another program: name another with --port"
		fi
		rm -f "$run/$name.pid"
		spawn front "$log/$name.log" "${front[@]}" "${front_stays[@]}"
		state=started
	fi
	keep front_sum "$now"
	if ! within 15 front_answers_or_ended || not_alive front; then
		last_words "$log/$name.log"
		alive front || die 69 "$name does not start, see $log/$name.log"
		die 69 "no answer to http://127.0.0.1:$port/healthz, see $log"
	fi
	say "$name" "$state, http://127.0.0.1:$port"
}
