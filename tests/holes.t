#!/usr/bin/perl
# The known holes of this class of software, one named test each. What other tests look at more
# closely is looked at here once more, so that the list is in one place.

use v5.36;
use utf8;

use Digest::SHA  qw(hmac_sha256 hmac_sha384);
use IO::Socket::UNIX;
use MIME::Base64 qw(encode_base64url);
use Mojo::JSON   qw(encode_json decode_json);
use Test::More;
use Time::HiRes  qw(time);

use ParleyTest;
use ParleyTest::Arena;
use ParleyTest::Process;
use ParleyTest::Socket;

my $p = ParleyTest->new(models => 2, workers => 2, set => { ping => 1 });
my $secret = ParleyTest::Process::slurp(glob "$p->{stack}/secrets/jwt*");
$secret =~ s/\s+\z//;

sub bearer ($token) { return (user => undef, headers => { Authorization => "Bearer $token" }) }

# A token signed as it says, whatever it says.
sub token ($head, $claims, $key = $secret, $mac = \&hmac_sha256) {
	my $said = join '.', map { encode_base64url(encode_json($_)) } $head, $claims;
	return "$said." . encode_base64url($mac->($said, $key));
}
my %claims = (sub => 'ann', iat => time - 5, exp => time + 600);
my %head = (alg => 'HS256', typ => 'JWT');

$p->post('/task/add', json => { title => 'of ann' }, user => 'ann');
my ($session, $pri) = begin($p, 'the secret plan', user => 'ann');
my ($turn) = map { $_->{id} } @{ $p->sql('SELECT id FROM turn') };

# Nothing of hers is in what he got.
sub nothing_of_hers ($reply, $name) {
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return ok $reply->code >= 400 && $reply->seen !~ /of ann|secret plan/, $name
	    || diag $reply->seen;
}

subtest 'SQL through auth headers' => sub {
	my $rows = row_count($p);
	my $users = $p->sql('SELECT COUNT(*) AS n FROM user')->[0]{n};
	for my $evil ("' OR 1=1 -- x", "ann' -- x", '" OR ""="', "ann\\' OR 1=1#", "ann'/*",
	    '1; DROP TABLE user', "ann' UNION SELECT * FROM user #") {
		my $list = $p->get('/task/list', user => $evil);
		is $list->code, 200, "userId: $evil is a name";
		is_deeply [map { $_->{val} } @{ $list->json->{data} }], ['默认任务'],
		    'and nobody else';
		nothing_of_hers($p->get('/task/list', bearer($evil)), 'no token');
		nothing_of_hers($p->get('/task/list', user => undef,
		    headers => { 'X-Guest-Id' => $evil }), 'no guest');
		nothing_of_hers($p->get('/task/list', user => undef,
		    headers => { Cookie => "parley_token=$evil" }), 'no login');
		my $claimed = $p->get('/task/list',
		    bearer(token(\%head, { %claims, sub => $evil })));
		is_deeply [map { $_->{val} } @{ $claimed->json->{data} }], ['默认任务'],
		    'nor as a signed subject';
	}
	is $p->sql('SELECT COUNT(*) AS n FROM user')->[0]{n}, $users + 7, 'seven users more';
	is $p->sql("SELECT COUNT(*) AS n FROM user WHERE subject = 'ann'")->[0]{n}, 1, 'one ann';
};

subtest 'Token-cache truncation' => sub {
	my $long = token(\%head, { %claims, name => 'x' x 3000 });
	is $p->get('/task/list', bearer($long))->code, 200, 'a long token';
	for my $cut (1, 10, 100) {
		is $p->get('/task/list', bearer(substr $long, 0, -$cut))->code, 401,
		    "not without its last $cut";
	}
	my ($said) = $long =~ /^(.*)\./;
	is $p->get('/task/list', bearer($said . '.' . 'A' x 43))->code, 401,
	    'not with another signature behind the same beginning';
	my $other = token(\%head, { %claims, name => 'x' x 3000, sub => 'bob' });
	nothing_of_hers($p->get('/conv/his', query => { sessionId => $session }, bearer($other)),
	    'two that begin alike are two people');
	for my $n (128, 129, 255, 256, 1000) {
		my $code = $p->get('/task/list', user => 'u' x $n)->code;
		is $code, $n <= 128 ? 200 : 400, "a name of $n is taken whole or not at all";
	}
};

subtest 'Algorithm confusion' => sub {
	is $p->get('/task/list', bearer(token(\%head, \%claims)))->code, 200, 'HS256 holds';
	my %bad = (
		'none'          => token({ alg => 'none' }, \%claims, '', sub { '' }),
		'None'          => token({ alg => 'None' }, \%claims, '', sub { '' }),
		'none, signed'  => token({ alg => 'none' }, \%claims),
		'HS384'         => token({ alg => 'HS384' }, \%claims, $secret, \&hmac_sha384),
		'RS256 by HMAC' => token({ alg => 'RS256' }, \%claims),
		'no alg'        => token({ typ => 'JWT' }, \%claims),
		'empty key'     => token(\%head, \%claims, ''),
		'kid as path'   => token({ %head, kid => '../../dev/null' }, \%claims, ''),
		'own jwk'       => token({ %head, jwk => { kty => 'oct', k => 'AA' } }, \%claims,
		    "\0"),
		'expired'       => token(\%head, { %claims, exp => time - 100 }),
		'not yet'       => token(\%head, { %claims, nbf => time + 1000 }),
	);
	nothing_of_hers($p->get('/task/list', bearer($bad{$_})), $_) for sort keys %bad;
	is $p->get('/task/list', bearer($bad{$_}))->code, 401, "$_: 401" for sort keys %bad;
};

subtest 'The same credential by different headers' => sub {
	my $good = token(\%head, \%claims);
	for my $token ($good, substr($good, 0, -3), token(\%head, \%claims, 'wrong')) {
		my %as = (
			bearer => [bearer($token)],
			raw    => [user => undef, headers => { Authorization => $token }],
			lower  => [user => undef, headers => { authorization => "bearer $token" }],
		);
		my %code = map { $_ => $p->get('/task/list', @{ $as{$_} })->code } keys %as;
		is_deeply \%code, { map { $_ => $token eq $good ? 200 : 401 } keys %as },
		    'one verdict';
		my $login = $p->get('/task/list', user => undef,
		    headers => { Cookie => "parley_token=$token" });
		is $login->code, $token eq $good ? 200 : 400, 'a cookie is as none where it is bad';
	}
	my $guest = $p->post('/v1/auth/guest', user => undef)->json->{guest_id};
	for my $g ($guest, $guest =~ tr/0-9a-f/1-9a-f0/r) {
		my @code = map { $p->get('/task/list', user => undef, headers => $_)->code }
		    { 'X-Guest-Id' => $g }, { Cookie => "parley_guest=$g" };
		is $code[0], $code[1], "a guest by header and by cookie: $code[0]";
	}
};

subtest 'Resume, stop, like, history and citations of another user by id' => sub {
	my $text = $p->sql('SELECT text FROM answer')->[0]{text};
	for my $bob ([user => 'bob'], [user => undef]) {
		for my $reply (
		    $p->get("/v1/streams/$turn", @$bob),
		    $p->get("/v1/streams/$turn", @$bob, query => { after => 1 }),
		    $p->get("/v1/streams/$turn", @$bob,
		    headers => { 'Last-Event-ID' => "$turn-0" }),
		    $p->post("/v1/streams/$turn/stop", @$bob),
		    $p->get('/conv/like', query => { priId => $pri->{ALPHA} }, @$bob),
		    $p->get('/conv/his', query => { sessionId => $session }, @$bob),
		    $p->get('/conv/his', query => { sessionId => $session,
			priId => $pri->{ALPHA} }, @$bob),
		    $p->post('/conv/chat', json => body($p, 'go on', session => $session), @$bob)) {
			is $reply->code, 404, 'does not exist';
			ok $reply->seen !~ /secret plan|\Q@{[substr $text, 0, 40]}\E/,
			    'and says nothing'
			    or diag $reply->seen;
		}
	}
	# Ids nearby, and texts that are no ids.
	for my $id ($turn - 1, $turn + 1, 0, -1, "0$turn", "$turn ", '1e3', '9' x 30, 'x') {
		is $p->get("/v1/streams/$id" =~ s/ /%20/gr, user => 'ann')->code, 404,
		    "no turn: $id";
	}
	is $p->get("/v1/streams/$turn", user => 'ann')->code =~ /^20[04]$/, 1, 'her own is there';
	is $p->sql('SELECT COUNT(*) AS n FROM vote')->[0]{n}, 0, 'no vote was cast';
};

subtest 'Files of another user by id' => sub {
	my @ann = bearer(token(\%head, \%claims));
	my @bob = bearer(token(\%head, { %claims, sub => 'bob' }));
	my $file = "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\""
	    . "\r\n\r\nthe secret plan\r\n--x--\r\n";
	my $sent = $p->post('/v1/chat/document/upload', body => $file, user => undef,
	    headers => { %{ $ann[-1] }, 'Content-Type' => 'multipart/form-data; boundary=x' });
	is $sent->code, 200, 'hers' or diag $sent->seen;
	my $id = $sent->json->{documents}[0]{id};
	my $url = "/v1/chat/document/$id";
	is $p->get("$url/file", @ann)->body, 'the secret plan', 'she gets it';
	my $chat = $p->post('/v1/chat/session', json => { session => {} }, @bob)->json->{session};
	my %into = (json => { id => $chat->{id}, documentIds => [$id] });
	for my $reply ($p->get($url, @bob), $p->get("$url/file", @bob),
	    $p->request('DELETE', $url, @bob),
	    $p->post('/v1/chat/document/rename', json => { id => $id, name => 'x' }, @bob),
	    $p->post('/v1/chat/session/add_files', %into, @bob),
	    $p->post('/v1/chat/dataset', json => { name => 'x', documentIds => [$id] }, @bob)) {
		is $reply->code, 404, 'does not exist';
		nothing_of_hers($reply, 'and says nothing');
	}
	is $p->get("$url/file", user => 'ann')->code, 401, 'nor does a header open it';
	is $p->get("$url/file", @ann)->body, 'the secret plan', 'it is still there';
};

subtest 'A user who is revoked, on a live socket' => sub {
	my %to = (port => $p->{port}, path => '/v1/chat/session/conversation');
	my $live = ParleyTest::Socket->new(%to, headers => { Authorization => 'Bearer '
	    . token(\%head, \%claims) });
	is $live->status, 101, 'connected';
	my ($file) = glob "$p->{stack}/secrets/jwt*";
	ParleyTest::Process::spew($file, 'the secret that revokes all tokens of the old one');
	is $live->closed(20), 1008, 'closed with the reason';
	is(ParleyTest::Socket->new(%to, headers => { Authorization => 'Bearer '
	    . token(\%head, \%claims) })->status, 401, 'and not let in again');
	ParleyTest::Process::spew($file, $secret);
};

subtest 'Redirects, names and spellings of addresses against the egress function' => sub {
	$p->upstream->clear_log;
	my @ann = bearer(token(\%head, \%claims));
	my $port = $p->upstream->port;
	my @hosts = (qw(127.0.0.1 localhost 127.1 2130706433 0x7f.1 0177.0.0.1 0.0.0.0 [::1]
	    [::ffff:127.0.0.1] [::] 169.254.169.254 10.0.0.1 100.64.0.1 localhost. LOCALHOST));
	my @urls = (map({ "http://$_:$port/v1/models" } @hosts), 'file:///etc/passwd',
	    'gopher://127.0.0.1:6379/_x', "http://user:word\@localhost:$port/v1/models");
	my @ids;
	for my $url (@urls) {
		my $r = $p->post('/v1/chat/document', @ann,
		    json => { fileName => 'x.html', url => $url, size => 1 });
		if ($r->code == 200) { push @ids, $r->json->{document}{id} }
		else { is $r->code, 400, "refused at once: $url" }
	}
	for my $id (@ids) {
		my $d;
		$p->eventually("$id is done with", sub {
			$d = $p->get("/v1/chat/document/$id", @ann)->json->{document};
			return $d->{status} ne 'pending' || @{ $p->sql('SELECT 1 FROM job'
			    . ' WHERE ref = ? AND tries > 0', $id) };
		}, 30);
		isnt $d->{status}, 'ready', "$d->{url} is not fetched";
	}
	is_deeply [map { $_->{path} } $p->upstream_log], [], 'nobody was asked';
};

subtest 'Redirects of an upstream' => sub {
	$p->upstream->clear_log;
	my $url = $p->upstream->url;
	$p->script('*', { times => 2, status => 302, headers => { Location => "$url/models" } });
	my (undef, undef, $s) = begin($p, 'elsewhere?', user => 'ann');
	is_deeply [map { $_->{finish} } values %{ $p->lanes($s->events) }], [qw(error error)],
	    'are failures';
	is_deeply [grep { $_->{path} =~ /models/ } $p->upstream_log], [], 'and not followed';
};

subtest 'CR and LF in SSE fields' => sub {
	my $evil = "a\r\ndata: {\"evil\":1}\r\n\r\nevent: x\nid: 7\n\n\rdata: y\x{2028}\x{85}";
	$p->script('*', { times => 2, steps => [{ delta => $evil }, { reasoning => $evil },
	    { citations => [{ id => $evil, summary => $evil }] }, { finish => 'stop' },
	    { done => 1 }] });
	my ($id, undef, $s) = begin($p, $evil, user => 'ann');
	is_deeply [grep { !ref $_->{data} || !$_->{data}{maskCode} || defined $_->{event} }
	    @{ $s->events }], [], 'no event but ours';
	is_deeply [grep { ($_->{raw} =~ tr/\r\n//) } @{ $s->events }], [], 'each of one line';
	is_deeply $s->comments, [], 'no comment';
	my $his = $p->get('/conv/his', query => { sessionId => $id }, user => 'ann');
	is $his->json->{data}{question}, $evil, 'the question is as it was';
	for my $name (qw(X-Request-Id Last-Event-ID Idempotency-Key X-Guest-Id)) {
		my $raw = $p->raw("GET /task/list HTTP/1.1\r\nHost: x\r\nuserId: ann\r\n"
		    . "$name: a\rSet-Cookie: evil=1\r\nConnection: close\r\n\r\n");
		unlike $raw, qr/^Set-Cookie: evil/m, "$name: no header of theirs";
	}
};

subtest 'Addresses and keys of an upstream in errors' => sub {
	my $key = 'sk-very-secret-1234567890';
	my $where = 'http://127.0.0.1:' . $p->upstream->port . '/v1';
	my $body = encode_json({ error => { message => "Incorrect API key: $key at $where"
	    . ' for veiled-a-70b', type => 'x' } });
	my $port = $p->upstream->port;
	for my $fault ({ status => 401, body => $body }, { status => 500, body => $body },
	    { status => 200, body => $body }, { steps => [{ json => decode_json($body) }] },
	    { wire => $body }, { steps => [{ delta => 'so' }, { json => decode_json($body) }] }) {
		$p->script('*', { times => 0, %$fault });
		my (undef, undef, $s) = begin($p, 'tell me', user => 'ann');
		unlike $s->seen, qr/\Q$key\E|127\.0\.0\.1:$port|veiled|m-a\b/, 'nothing gets out';
		is_deeply [grep { ($_->{finish}
		    // '') eq 'stop' } values %{ $p->lanes($s->events) }], [],
		    'but that it failed' or diag explain $fault;
		my $combined = $p->post('/combine/chat', json => body($p, 'x'));
		unlike $combined->seen, qr/\Q$key\E|127\.0\.0\.1:$port|veiled|m-a\b/, 'nor here';
		$p->upstream->unscript;
	}
	unlike join("\n", map { ParleyTest::Process::slurp($_) } grep { !/db/ }
	    glob "$p->{stack}/log/*"), qr/\Q$key\E/, 'and no log has the key';
};

# One FastCGI record, https://fastcgi-archives.github.io/FastCGI_Specification.html
sub record ($type, $data, $id = 1) {
	return pack('CCnnCC', 1, $type, $id, length $data, 0, 0) . $data;
}
sub pair ($name, $value) {
	return join '', map({ length($_) < 128 ? pack 'C', length : pack 'N', length() | 1 << 31 }
	    $name, $value), $name, $value;
}

subtest 'Oversize FastCGI parameters' => sub {
	my @workers = sort @{ $p->pids->{workers} };
	my %usual = (REQUEST_METHOD => 'GET', REQUEST_URI => '/healthz',
	    REMOTE_ADDR => '127.0.0.1');
	my $ask = sub (@records) {
		my $socket = IO::Socket::UNIX->new(Peer => "$p->{stack}/run/fcgi.sock") or die $!;
		my ($got, $begun, $until) = ('', time, time + 5);
		local $SIG{PIPE} = 'IGNORE';
		$socket->syswrite($_) for @records;
		$socket->shutdown(1);
		while (time < $until) {
			vec(my $ready = '', fileno $socket, 1) = 1;
			select $ready, undef, undef, 0.5 or last;
			sysread $socket, $got, 65536, length $got or last;
		}
		cmp_ok time - $begun, '<', 5, 'it is done with soon';
		return $got;
	};
	my $begin = record(1, pack 'nCx5', 1, 0);
	my $params = sub (%o) { my $all = join '', map { pair($_, $o{$_}) } sort keys %o;
		return map({ record(4, $_) } unpack '(a65000)*', $all), record(4, ''),
		    record(5, '') };
	like $ask->($begin, $params->(%usual)), qr/Status: 200|"ok"/, 'as usual';
	for my $size (60_000, 70_000, 1 << 20, 20 << 20) {
		$ask->($begin, $params->(%usual, HTTP_X_LONG => 'x' x $size));
		$ask->($begin, $params->(%usual, QUERY_STRING => 'x' x $size));
	}
	# A length that lies, a pair that never ends, a stream of them.
	$ask->($begin, record(4, pack('NN', 0x7fffffff | 1 << 31, 5) . 'x' x 100), record(4, ''));
	$ask->($begin, record(4, pack('N', 0xffffffff)));
	$ask->($begin, record(4, pair('A', 'x' x 60_000)) x 200);
	$ask->($begin, join '', map { record(4, pair("N$_", '')) } 1 .. 20_000);
	$ask->($begin, record(4, "\xff" x 65535), record(4, ''), record(5, ''));
	$ask->('x' x 100_000);
	is_deeply [sort @{ $p->pids->{workers} }], \@workers, 'the workers live';
	is $p->get('/healthz')->code, 200, 'and serve';
	for my $big ("GET /task/list?x=" . 'y' x 100_000, "GET /task/list HTTP/1.1\r\nX-Long: "
	    . 'y' x 100_000) {
		like $p->raw("$big HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
		    qr{^HTTP/1.1 4\d\d }, 'refused at the web server';
	}
};

$p->no_errors_logged('no errors but', allow => [qr/FastCGI|fcgi|request/]);
done_testing;
