# shellcheck shell=bash disable=SC2154,SC2034	# shared names are those of scripts/stack
# Where answers come from: the demo upstream or that of the user. Part of scripts/stack.

# A TCP port of 127.0.0.1 that is free, below those that outgoing connections take.
free_port() {
	perl -MIO::Socket::INET -e '
		for (1 .. 100) {
			my $p = 10000 + int rand 20000;
			next unless IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => $p,
			    Listen => 1, ReuseAddr => 1);
			print "$p\n";
			exit;
		}
		exit 1'
}

port_taken() {
	(: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

demo_says_port_or_ended() {
	[ -s "$dir/tmp/demo.port" ] || not_alive demo
}

# The demo keeps its port as long as nobody else took it.
start_demo() {
	local port=${kept[demo_port]:-} try

	if alive demo; then
		say demo "running, http://127.0.0.1:$port/v1"
		return
	fi
	end demo TERM 5 || :
	for try in 1 2 3; do
		if [ -z "$port" ] || [ "$try" -gt 1 ]; then
			port=$(free_port)
		fi
		rm -f "$dir/tmp/demo.port"
		spawn demo "$dir/log/demo.log" "$top/scripts/demo-upstream" --port "$port" \
		    --port-file "$dir/tmp/demo.port"
		within 20 demo_says_port_or_ended || :
		if [ -s "$dir/tmp/demo.port" ] && alive demo; then
			keep demo_port "$(<"$dir/tmp/demo.port")"
			say demo "started, http://127.0.0.1:${kept[demo_port]}/v1"
			return
		fi
		end demo TERM 5 || :
	done
	last_words "$dir/log/demo.log"
	die 69 "the demo upstream does not start, see $dir/log/demo.log"
}

model() {
	local words

	words=$("$parley" model "$@" 2>&1) || {
		echo "$words" | tail -n 1 >&2
		die 69 "the model $2 could not be registered: parley model $1 failed"
	}
}

# register URL KEYFILE MODEL…: what DIR/models says is registered (code, address, on or off) is
# made to be these models at this address. What somebody else registered or removed is left alone.
register() {
	local url=$1 key=$2 code name was on
	local -A urls=() states=() wanted=()

	shift 2
	touch "$dir/models"
	while read -r code was on; do
		urls[$code]=$was states[$code]=$on
	done <"$dir/models"

	for name; do
		code=${name//[^A-Za-z0-9._-]/-}
		wanted[$code]=1
		if [ -z "${urls[$code]:-}" ]; then
			model add "$code" --name "$name" --upstream-name "$name" --url "$url" \
			    ${key:+--key-file "$key"} --arena
		else
			# no command moves a model whose answers are stored
			sql parley -e "UPDATE model SET url = '$url', key_file = NULLIF('$key', '')
			    WHERE code = '$code' AND url = '${urls[$code]}'"
		fi
		[ "${states[$code]:-on}" = on ] || model enable "$code"
		urls[$code]=$url states[$code]=on
	done
	for code in "${!urls[@]}"; do
		if [ -z "${wanted[$code]:-}" ] && [ "${states[$code]}" = on ]; then
			model disable "$code"
			states[$code]=off
		fi
	done
	for code in "${!urls[@]}"; do
		echo "$code ${urls[$code]} ${states[$code]}"
	done | sort >"$dir/models.new"
	mv "$dir/models.new" "$dir/models"
}

models() {
	local -a names
	local key=

	case ${kept[models]:-demo} in
	none)
		end demo TERM 5 || :
		register '' '' ;;
	demo)
		need mojo
		start_demo
		register "http://127.0.0.1:${kept[demo_port]}/v1" '' demo-a demo-b demo-c demo-d
		say models "demo-a demo-b demo-c demo-d (a demo, no real model)" ;;
	upstream)
		end demo TERM 5 || :
		IFS=', ' read -r -a names <<<"${kept[upstream_models]}"
		[ ! -e "$dir/secrets/upstream.key" ] || key=$dir/secrets/upstream.key
		register "${kept[upstream_url]}" "$key" "${names[@]}"
		say models "${names[*]} at ${kept[upstream_url]}" ;;
	esac
}

# PARLEY_UPSTREAM_… in the environment. The key goes into a file, never into a command line.
upstream_from_environment() {
	[ -n "${PARLEY_UPSTREAM_URL:-}" ] || return 0
	[[ $PARLEY_UPSTREAM_URL =~ ^https?://[][A-Za-z0-9._:-]+(/[A-Za-z0-9._~/-]*)?$ ]] ||
	    die 64 "PARLEY_UPSTREAM_URL is no http(s) address: $PARLEY_UPSTREAM_URL"
	[[ ${PARLEY_UPSTREAM_MODELS:-} =~ [^,\ ] ]] ||
	    die 64 "PARLEY_UPSTREAM_MODELS=a,b,c must name the models of $PARLEY_UPSTREAM_URL"
	keep models upstream
	keep upstream_url "${PARLEY_UPSTREAM_URL%/}"
	keep upstream_models "$PARLEY_UPSTREAM_MODELS"
	if [ -n "${PARLEY_UPSTREAM_KEY:-}" ]; then
		printf '%s\n' "$PARLEY_UPSTREAM_KEY" >"$dir/secrets/upstream.key"
	else
		rm -f "$dir/secrets/upstream.key"
	fi
}
