#!/usr/bin/perl
# scripts/stack and the site files: both web servers pass every delta on at once, tell their own
# failures in the dialects' envelopes and log no secret; and the stack comes up, mends itself and
# goes away without a trace.

use v5.36;
use utf8;

use IO::Socket::INET;
use Mojo::JSON  qw(decode_json);
use Mojo::URL;
use Test::More;
use Time::HiRes qw(sleep time);

use ParleyTest;
use ParleyTest::Process;

binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output);

# A path of each dialect, and what an error looks like there: keys, and a function of the body and
# status that is true.
my $arena = [qw(code data msg), sub ($b, $s) { $b->{code} == $s && !defined $b->{data} }];
my $code_msg = [qw(code msg), sub ($b, $s) { $b->{code} == $s }];
my $typed = sub ($e, $s) {
	$e->{type} eq ($s < 500 ? 'invalid_request_error' : 'server_error') };
my $native = [qw(error), sub ($b, $s) { $b->{error}{code} == $s && $typed->($b->{error}, $s) }];
my $openai = [qw(error), sub ($b, $s) {
	join(',', sort keys %{ $b->{error} }) eq 'code,message,param,type'
	    && !defined $b->{error}{param} && !defined $b->{error}{code}
	    && $typed->($b->{error}, $s) }];
my %envelope = (
	(map { $_ => $arena } qw(/task/list /conv/chat /combine/chat /v3/api-docs
	    /copywriting/x)),
	(map { $_ => $code_msg }
	    qw(/v1/chat/session/my /v1/chat/spark_session /v1/chat/models /v1/chat/data/x
	    /v1/chat/dataset/1 /v1/chat/document/1)),
	(map { $_ => $openai } qw(/v1/chat/completions /v1/models /v1/models/m-a)),
	'/v1/streams/1' => $native,
	'/studio/rag/data/v1/release:chat' => [qw(code details message), sub ($b, $s) {
		my %rpc = (400 => 3, 413 => 3, 414 => 3, 502 => 14, 503 => 14);
		$b->{code} == $rpc{$s} && $b->{message} =~ /^[ -~]+$/ && !@{ $b->{details} } }],
	'/v1/openapi/chat' => [qw(Code Data Msg), sub ($b, $s) {
		$b->{Code} == 4000 && !defined $b->{Data} }],
);
my $SECRET = 'sk-do-not-log-me';
my $long   = 'x' x 13_000;

same_words();
for my $front (qw(nginx apache)) {
	subtest $front => sub { site($front) };
}
subtest 'the life of a stack' => \&life;
done_testing;

# ---- the sites -------------------------------------------------------------------------------

sub site ($front) {
	my $p = ParleyTest->new(front => $front, models => 2, workers => 1);

	deltas($p);
	refusals($p);
	refused_methods($p);
	passed_on($p);
	workers_gone($p);
	secrets($p);
	$p->no_errors_logged('no errors in the logs', allow => [qr/TERM|INT|drain/]);
	return;
}

# Each delta of a slow answer reaches the client when it is said, though the client takes gzip.
sub deltas ($p) {
	my @slow = ({ delta => 'word ' }, { sleep => 0.1 });
	$p->script('m-a', { steps => [{ repeat => 8, steps => \@slow }] });
	my $s = $p->stream(POST => '/conv/chat', headers => { 'Accept-Encoding' => 'gzip, br' },
		json => { taskId => $p->task,
		    messages => [{ role => 'user', content => 'slowly' }] });
	is $s->code, 200, 'a stream';
	like $s->header('content-type'), qr{^text/event-stream}, 'is an event stream';
	is $s->header('content-encoding'), undef, 'is not compressed';
	is $s->header('x-accel-buffering'), 'no', 'asks a proxy in front not to hold it back';

	my @at = map { $_->{at} } grep {
		ref $_->{data} eq 'HASH'
		    && ($_->{data}{choices}[0]{delta}{content} // '') eq 'word ' }
	    @{ $s->events };
	is scalar @at, 8, 'eight deltas of the slow lane are eight events';
	my @late = grep { $at[$_] - $at[$_ - 1] < 0.05 } 1 .. $#at;
	cmp_ok scalar @late, '<=', 1, 'one by one, a tenth of a second apart'
	    or diag join ' ', map { sprintf '%.3f', $_ - $at[0] } @at;
	return;
}

# What the web server itself refuses, by path.
sub refusals ($p) {
	for my $path (sort keys %envelope) {
		for my $given ($path, "/api$path", $path =~ s{/}{//}gr) {
			envelope(exchange($p, "POST $given?k=$SECRET HTTP/1.1\r\nHost: x\r\n"
			    . "Content-Length: 44040192\r\nConnection: close\r\n\r\n"), $path, 413,
			    $given);
		}
		envelope(exchange($p, "GET $path?k=$SECRET$long HTTP/1.1\r\nHost: x\r\n\r\n"),
		    $path, 414);
		envelope(exchange($p, "POST $path?k=$SECRET HTTP/1.1\r\nHost: x\r\n"
		    . "Content-Length: x\r\n\r\n"), $path, 400);
	}
	if (-e "$p->{top}/www/index.html") {
		my $r = $p->post('/', body => '{}');
		is $r->code, 405, 'POST to a page';
		is $r->header('allow'), 'GET, HEAD', 'says what is allowed';
	}
	my $r = $p->get('/no/such/page', headers => { 'Accept-Language' => 'en-GB' });
	like $r->json->{error}{message}, qr/^[ -~]+$/, 'in English for who wants it';
	$r = $p->get('/no/such/page', query => { k => $SECRET });
	is $r->code, 404, 'no such page';
	like $r->json->{error}{message}, qr/^\p{Han}+$/, 'in Chinese else';
	is $p->get('/.parley-error')->code, 404, 'the error page is no page';
	return;
}

# A method that the web server does not serve: where the program is, the program says what is;
# nothing of the request comes back.
sub refused_methods ($p) {
	my %takes = ('/conv/chat' => 'POST, OPTIONS', '/task/list' => 'GET, HEAD, OPTIONS',
	    '/v3/api-docs' => 'GET, HEAD, OPTIONS', '/healthz' => 'GET, HEAD, OPTIONS');
	$envelope{'/healthz'} = $native;
	for my $path (sort keys %takes) {
		my $answer = trace($p, $path);
		my $head = envelope($answer, $path, 405, "TRACE $path");
		like $head, qr/^Allow: \Q$takes{$path}\E\r?$/mi, 'with what it takes';
		unlike $answer, qr/$SECRET/, 'and nothing comes back';
	}
	$envelope{'/task/none'} = $arena;
	envelope(trace($p, '/task/none'), '/task/none', 404, 'TRACE of no path');
	$envelope{'/page'} = $native;
	my $head = envelope(trace($p, '/page'), '/page', 405, 'TRACE of a page');
	like $head, qr/^Allow: GET, HEAD\r?$/mi, 'which is only read';
	delete @envelope{qw(/healthz /task/none /page)};

	return if $p->{front} ne 'nginx';		# Apache takes any version for 1.1
	my $answer = exchange($p, "GET / HTTP/9.9\r\nHost: x\r\n\r\n");
	like $answer, qr{^HTTP/1\.[01] 505 .*^Content-Type: application/json}msi,
	    'HTTP of another age';
	like $answer, qr/\{"error":\{"message":"[^"]+","type":"server_error","code":505\}\}/,
	    'is refused as JSON';
	return;
}

sub trace ($p, $path) {
	return exchange($p, "TRACE $path?k=$SECRET HTTP/1.1\r\nHost: x\r\nMax-Forwards: 0\r\n"
	    . "Cookie: $SECRET\r\nConnection: close\r\n\r\n");
}

# Sends bytes as they are and returns the first whole response, without waiting for the connection's
# end as ParleyTest's raw does: what refuses a body may wait for it a while.
sub exchange ($p, $bytes) {
	my $url = Mojo::URL->new($p->url);
	my $socket = IO::Socket::INET->new(PeerAddr => $url->host, PeerPort => $url->port,
	    Timeout => 5)
	    or return "cannot connect: $@";
	my ($answer, $ready) = ('', '');

	local $SIG{PIPE} = 'IGNORE';
	syswrite $socket, $bytes;
	until (whole($answer)) {
		vec($ready = '', fileno $socket, 1) = 1;
		last unless select $ready, undef, undef, 10;
		last unless sysread $socket, $answer, 65536, length $answer;
	}
	return $answer;
}

sub whole ($answer) {
	my ($head, $body) = $answer =~ /^(.*?\r\n)\r\n(.*)\z/s or return 0;
	return length $body >= $1 if $head =~ /^Content-Length: (\d+)/mi;
	return $head =~ /^Transfer-Encoding: chunked/mi && $body =~ /(?:^|\r\n)0\r\n\r\n\z/;
}

sub envelope ($answer, $path, $status, $given = $path) {
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($got, $head, $body) = $answer =~ m{^HTTP/1\.1 (\d+) .*?\r\n(.*?)\r\n\r\n(.*)\z}s;
	$body = dechunked($body) if ($head // '') =~ /^Transfer-Encoding: chunked/mi;
	my @want = @{ $envelope{$path} };
	my $good = pop @want;
	my $json = eval { decode_json($body) };
	ok +($got // 0) == $status && $head =~ m{^Content-Type: application/json}mi
	    && ref $json eq 'HASH' && join(' ', sort keys %$json) eq "@want"
	    && $good->($json, $status),
	    "$status for $given" or diag $answer;
	return $head;
}

sub dechunked ($body) {
	my $whole = '';
	while ($body =~ /\G([0-9a-f]+)\r\n/gc) {
		$whole .= substr $body, pos $body, hex $1;
		pos($body) += hex($1) + 2;
	}
	return $whole;
}

# What the program says reaches the client as it is.
sub passed_on ($p) {
	my $r = $p->post('/task/add', body => '{"title":"' . 'x' x (2 << 20) . '"}');
	is $r->code, 413, 'a body above the program\'s limit';
	isnt $r->json->{msg}, '请求体过大', 'is refused in the program\'s words';
	is $p->request('PUT', '/task/list')->code, 405, 'a wrong method';
	like $p->request('PUT', '/task/list')->header('allow'), qr/GET/,
	    'with the program\'s Allow';
	is $p->get('/v1/no-such')->code, 404, 'an unknown path of the program';
	for my $path ('//task///list', '/api/task/list', '/task/list/') {
		is $p->get($path)->code, 200, $path;
	}
	my $chunk = '{"title":"in pieces"}';
	like exchange($p, sprintf "POST /task/add HTTP/1.1\r\nHost: x\r\nuserId: tester\r\n"
	    . "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
	    . "Connection: close\r\n\r\n"
	    . "%x\r\n%s\r\n0\r\n\r\n", length $chunk, $chunk), qr{^HTTP/1\.1 200 },
	    'a chunked body';
	my ($exit, $out) = ParleyTest::Process::capture(['bash', '-c',
		'parley show routes | "$0"', "$p->{top}/scripts/check-sites"], env => $p->{env});
	is $exit, 0, 'the site knows every route' or diag $out;
	return;
}

sub workers_gone ($p) {
	kill TERM => $p->pids->{master};
	$p->eventually('the workers end', sub { !$p->pids->{master} });
	my $status = $p->{front} eq 'nginx' ? 502 : 503;
	for my $path (sort keys %envelope) {
		my $head = envelope(exchange($p, "GET $path?k=$SECRET HTTP/1.1\r\nHost: x\r\n\r\n"),
			$path, $status);
		like $head, qr/^Retry-After: \d/mi, '… says when to come again';
	}
	envelope(exchange($p, "GET /v1/chat/session/conversation?token=$SECRET HTTP/1.1\r\n"
	    . "Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
	    . "Sec-WebSocket-Version: 13\r\n"
	    . "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"), '/v1/chat/session/my', 503,
		'a WebSocket');
	is $p->up->get('/healthz')->code, 200, 'up brings them back';
	return;
}

sub secrets ($p) {
	$p->get('/task/list', query => { apiKey => $SECRET },
		headers => { Referer => "http://x/?apiKey=$SECRET" });
	$p->get('/v1/openapi/chat', query => { apiKey => $SECRET });
	$p->eventually('a request is logged by its path', sub {
		ParleyTest::Process::slurp("$p->{stack}/log/access.log")
		    =~ m{"GET /v1/openapi/chat" \d+ \d+ \S+ .*"Mojo} });
	for my $log (glob "$p->{stack}/log/*") {
		unlike ParleyTest::Process::slurp($log), qr/\Q$SECRET\E/,
		    'no secret in ' . $log =~ s{.*/}{}r;
	}
	return;
}

# The web servers' own sentences stand in two files: they are the same.
sub same_words () {
	my $nginx = ParleyTest::Process::slurp('nginx/parley-http.conf');
	my $apache = ParleyTest::Process::slurp('apache/parley-error.json');
	my (%nginx, %apache);

	$nginx{"$2 $1"} = $3 while $nginx =~ /^\t(zh|en)(\d+)\t"([^"]+)";/mg;
	my ($zh, $en) = map { qr/--><!--#set var="$_" value="([^"]+)"\n/ } qw(zh en);
	@apache{ "$1 zh", "$1 en" } = ($2, $3)
	    while $apache =~ /REDIRECT_STATUS'\) == '(\d+)'"\n$zh$en/g;
	cmp_ok scalar keys %nginx, '>=', 20, 'the sentences are found';
	is_deeply \%apache, \%nginx, 'Apache says what nginx says';
	return;
}

# ---- the stack -------------------------------------------------------------------------------

sub life () {
	my $p = ParleyTest->new(models => 1, workers => 1);
	my %part = parts($p);
	is_deeply [sort keys %part], [qw(db front workers)], 'the parts';

	my ($exit, $out) = $p->stack('up');
	is $exit, 0, 'up again';
	is_deeply { parts($p) }, \%part, 'starts nothing anew';
	my $task = $p->task;

	($exit, $out) = $p->stack('up', '--set', 'trusted_proxies=192.0.2.1');
	is $exit, 0, 'up with another setting';
	my %after = parts($p);
	is $after{db}, $part{db}, 'leaves the database';
	isnt $after{workers}, $part{workers}, 'begins the workers anew';
	my %claim = map { $_ => '192.0.2.1' } qw(X-Forwarded-For X-Real-IP Remote-Addr);
	like $p->get('/task/list', headers => \%claim)->code, qr/^40[01]$/,
	    'REMOTE_ADDR is what it is, whatever a client claims';
	($exit, undef, my $err) = $p->stack('up', '--set', 'no_such_setting=1');
	is $exit, 78, 'an unknown setting is refused';
	like $err, qr/no_such_setting/, 'by name';
	is $p->get('/healthz')->code, 200, 'and nothing else happens';
	$p->stack('up', '--set', 'trusted_proxies=');
	is $p->task, $task, 'a setting can be taken back';

	my ($limit) = map { /^\d+$/ && $_ < 65_536 ? $_ : 65_536 } split ' ',
	    `bash -c 'ulimit -Hn'`;
	my ($takes) = ParleyTest::Process::slurp("$p->{stack}/nginx.conf")
	    =~ /^\s*worker_connections\s+(\d+);/m;
	cmp_ok $takes, '>', 0.9 * $limit, 'nginx takes what the descriptors allow';
	cmp_ok $takes, '<', $limit, 'and leaves some for files';

	kill KILL => (parts($p))[1, 3, 5];
	sleep 0.2;
	($exit) = $p->stack('status');
	is $exit, 3, 'status after a crash of everything';
	($exit, $out, $err) = $p->stack('up');
	is $exit, 0, 'up mends it' or diag $err;
	is $p->task, $task, 'nothing is lost';
	($exit) = $p->stack('status');
	is $exit, 0, 'status says so';

	my @ours = of_sessions(values %{ { parts($p) } });
	cmp_ok scalar @ours, '>=', 5, 'processes of the stack';
	$p->down;
	is_deeply [grep { -d "/proc/$_" && !zombie($_) } @ours], [], 'down leaves none';
	is_deeply [glob "$p->{stack}/run/*"], [], 'and no socket';
	($exit) = $p->stack('status');
	is $exit, 3, 'status after down';
	($exit, $out) = $p->stack('down');
	is $exit, 0, 'down again';
	return;
}

# What runs: part => process id, by the stack's own notes.
sub parts ($p) {
	return map { s{.*/}{}r => (split ' ', ParleyTest::Process::slurp($_))[0] }
	    glob "$p->{stack}/pid/*";
}

sub of_sessions (@leaders) {
	my %leader = map { $_ => 1 } @leaders;
	return grep { $leader{ (stat_of($_))[3] // '' } } map { s{.*/}{}r } glob '/proc/[0-9]*';
}

sub zombie ($pid) { return ((stat_of($pid))[0] // 'Z') eq 'Z' }

# From the state on.
sub stat_of ($pid) {
	return split ' ', ParleyTest::Process::slurp("/proc/$pid/stat") =~ s/.*\) //sr;
}
