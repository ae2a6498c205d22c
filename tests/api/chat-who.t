#!/usr/bin/perl
# The dialect "session": who may call, in what language it refuses, and how a call is logged.

use v5.36;
use utf8;

use ParleyTest;
use ParleyTest::Chat;
use Test::More;

my $p = ParleyTest->new(models => 1, workers => 1, user => undef,
    set => { cors_origins => 'https://chat.example.org' });
my @routes = (
	[GET => '/v1/chat/session/1'], [POST => '/v1/chat/session'],
	[PUT => '/v1/chat/session/1'], [DELETE => '/v1/chat/session/1'],
	[POST => '/v1/chat/session/rename'], [POST => '/v1/chat/session/search'],
	[POST => '/v1/chat/session/my_spark_sessions'], [POST => '/v1/chat/session/records'],
	[POST => '/v1/chat/spark_session'], [GET => '/v1/chat/models'],
	[POST => '/v1/chat/data/session/search'], [GET => '/v1/chat/data/session/1'],
);

sub models (%o) { return $p->get('/v1/chat/models', %o) }

sub with ($token, @more) {
	return (user => undef, headers => { Authorization => "Bearer $token" }, @more);
}

# The name of who calls, as the service knows him.
sub author ($token) {
	my $s = new_chat($p, [with($token)]);
	return $s->{author};
}

# Nobody, and who is nobody here.
for my $row (@routes) {
	my ($method, $path) = @$row;
	my @body = $method =~ /^P/ ? (json => {}) : ();
	my $r = $p->request($method, $path, @body);
	chat_refused $r, 401, qr/token/, "$method $path: without a token";
	is $r->header('www-authenticate'), 'Bearer', 'which is asked for';
	chat_refused $p->request($method, $path, @body, user => 'ann'), 401, qr/token/,
	    "$method $path: the header userId does not count";
}
my $guest = $p->post('/v1/auth/guest')->json->{guest_id};
chat_refused models(headers => { 'X-Guest-Id' => $guest }), 401, qr/token/, 'nor a guest';
chat_refused models(headers => { Cookie => "parley_guest=$guest" }), 401, qr/token/,
    'nor his cookie';
chat_refused models(headers => { Authorization => 'Basic YW5uOmFubg==' }), 401, qr/token/,
    'nor a password';

# Tokens that hold.
my $good = jwt($p, { sub => 'ann' });
is models(with($good))->code, 200, 'a token';
is models(headers => { Authorization => $good })->code, 200, 'without Bearer';
is models(headers => { Authorization => "bearer $good" })->code, 200, 'bearer in small letters';
is models(headers => { Cookie => "parley_token=$good" })->code, 200, 'as login cookie';
is models(headers => { Cookie => "parley_token=$good", Origin => $p->url })->code, 200,
    'from a page of the same site';
for my $origin ('http://evil.example', 'null', $p->url . '0') {
	chat_refused models(headers => { Cookie => "parley_token=$good", Origin => $origin }), 401,
	    qr/token/, "not where a page of $origin makes a browser send it";
	is models(headers => { Authorization => "Bearer $good", Origin => $origin })->code, 200,
	    'what the page has itself counts';
}
is models(with($good, user => 'ann'))->code, 200, 'the header may say the same';
chat_refused models(with($good, user => 'bob')), 403, qr/userId/, 'but no other';
is models(with(jwt($p, { sub => 'ann', exp => time - 50, nbf => time + 50 })))->code, 200,
    'clocks may differ by a minute';

# Who it is.
my $id = author($good)->{id};
is author(jwt($p, { uid => 'ann', sub => 'bob' }))->{id}, $id, 'uid goes before sub';
is author(jwt($p, { userId => 'ann', uid => 'bob', sub => 'carol' }))->{id}, $id,
    'userId before both';
my $number = author(jwt($p, { userId => 1810970515641233410 }))->{id};
is author(jwt($p, { userId => '1810970515641233410' }))->{id}, $number, 'an integer is its text';
isnt $number, $id, 'of somebody else';
is_deeply author(jwt($p, { sub => 'ann', name => '安', avatar => 'http://x/a.png' })),
    { id => $id, name => '安', avatar => 'http://x/a.png' }, 'name and avatar';
is author($good)->{name}, '安', 'which stay';
is_deeply author(jwt($p, { sub => 'ann', name => 'Ann' })),
    { id => $id, name => 'Ann', avatar => 'http://x/a.png' }, 'until another is said';

# Tokens that do not.
my %bad = (
	'alg none'          => jwt($p, { sub => 'ann' }, alg => 'none'),
	'HS384'             => jwt($p, { sub => 'ann' }, alg => 'HS384'),
	'HS512'             => jwt($p, { sub => 'ann' }, alg => 'HS512'),
	'hs256, another case' => jwt($p, { sub => 'ann' }, alg => 'hs256'),
	'another key'       => jwt($p, { sub => 'ann' }, secret => 'x' x 32),
	'an empty key'      => jwt($p, { sub => 'ann' }, secret => ''),
	'expired'           => jwt($p, { sub => 'ann', exp => time - 70 }),
	'without an end'    => jwt($p, { sub => 'ann', exp => undef }),
	'an end in words'   => jwt($p, { sub => 'ann', exp => 'never' }),
	'not yet valid'     => jwt($p, { sub => 'ann', nbf => time + 90 }),
	'without a subject' => jwt($p, {}),
	'an empty subject'  => jwt($p, { sub => '' }),
	'a guest\'s name'   => jwt($p, { sub => 'guest:' . '0' x 32 }),
	'an unknown tenant' => jwt($p, { sub => 'ann', tenant => 'nowhere' }),
	'truncated'         => substr($good, 0, -3),
	'two parts'         => $good =~ s/\.[^.]*$//r,
	'three, the last empty' => $good =~ s/\.[^.]*$/./r,
	'another head'      => $good =~ s/^[^.]+/eyJhbGciOiJub25lIn0/r,
	'garbage'           => 'a.b.c',
	'9000 bytes'        => 'a' x 9000,
);
for my $why (sort keys %bad) {
	chat_refused models(with($bad{$why})), 401, qr/token/, "$why: 401";
	chat_refused models(headers => { Cookie => "parley_token=$bad{$why}" }), 401, qr/token/,
	    "$why: as a cookie too" if length $bad{$why} < 4000;
}

# Administrators.
for my $row (grep { $_->[1] =~ m{/data/} } @routes) {
	my ($method, $path) = @$row;
	my @body = $method =~ /^P/ ? (json => {}) : ();
	for my $role (undef, 'user', 'Admin', '', 'admin2') {
		chat_refused $p->request($method, $path, @body,
		    with(jwt($p, { sub => 'ann', role => $role }))), 403, qr/role/,
		    "$method $path: not for " . ($role // 'who has no role');
	}
	my $r = $p->request($method, $path, @body,
	    with(jwt($p, { sub => 'ann', role => 'admin' })));
	is $r->code, $method eq 'GET' ? 404 : 200, "$method $path: for an administrator";
}

# In the client's language.
my $en = models(headers => { 'Accept-Language' => 'en' });
chat_refused $en, 401, qr/^not authenticated: token$/, 'English';
chat_refused models(headers => { 'Accept-Language' => 'zh-CN,zh;q=0.9' }), 401,
    qr/^未认证: token$/, 'Chinese';
chat_refused models(), 401, qr/^未认证/, 'Chinese where none is named';

# Paths, methods, browsers.
is $p->get($_, with($good))->code, 200, $_ for '/v1/chat/models/', '//v1//chat/models',
    '/api/v1/chat/models', '/api//v1/chat//models/';
my $r = $p->post('/v1/chat/models', json => {}, with($good));
chat_refused $r, 405, qr/POST/, 'a method that the path does not take';
is $r->header('allow'), 'GET, HEAD, OPTIONS', 'says which it does';
for my $method (qw(GET HEAD DELETE PATCH PUT)) {
	my $none = $p->request($method, '/v1/chat/session/search', with($good));
	is $none->code, 405, "$method of a name beside {id} is not of a session of that name";
	is $none->header('allow'), 'POST, OPTIONS', '… which says what it takes';
}
chat_refused $p->get('/v1/chat/nothing', with($good)), 404, qr/nothing/, 'an unknown path';
is $p->request('HEAD', '/v1/chat/models', with($good))->code, 200, 'HEAD';
my $preflight = $p->request('OPTIONS', '/v1/chat/session/1', headers => {
	Origin => 'https://chat.example.org', 'Access-Control-Request-Method' => 'PUT',
	'Access-Control-Request-Headers' => 'authorization,content-type' });
is $preflight->code, 204, 'a preflight needs no token';
is $preflight->header('access-control-allow-origin'), 'https://chat.example.org', 'its origin';
like $preflight->header('access-control-allow-methods'), qr/\bPUT\b.*\bDELETE\b/, 'its methods';
is $preflight->header('access-control-allow-headers'), 'authorization,content-type', 'its headers';
is $p->request('OPTIONS', '/v1/chat/session/1', headers => { Origin => 'https://evil.example',
    'Access-Control-Request-Method' => 'PUT' })->header('access-control-allow-origin'), undef,
    'not for other origins';

# A call is one line of the log, which tells neither the body nor the token.
$p->post('/v1/chat/session', json => { session => { title => 'a secret title' } },
    user => undef, headers => { Authorization => "Bearer $good", 'X-Request-Id' => 'call-1' });
my @lines;
$p->eventually('the call is logged',
    sub { @lines = grep { ($_->{rid} // '') eq 'call-1' } $p->log_lines; @lines });
is scalar @lines, 1, 'once';
my $line = $lines[0];
is_deeply { map { $_ => $line->{$_} } qw(msg route method status user) },
    { msg => 'request', route => '/v1/chat/session', method => 'POST', status => 200,
	user => $id }, 'who called what, and how it ended';
like $line->{$_}, qr/^\d+$/, "$_ is a number" for qw(ms bytes);
like $line->{time}, qr/^\d{4}-\d\d-\d\dT/, 'and when';
unlike $p->tail, qr/a secret title|\Q$good\E/, 'nothing of its contents';

# The role is a setting; without one nobody administers.
$p->down;
@{ $p->{set} }{qw(jwt_admin jwt_role)} = ('root', 'group');
$p->up;
sub search (%claims) {
	return $p->post('/v1/chat/data/session/search', json => {},
	    with(jwt($p, { sub => 'ann', %claims })));
}
is search(group => 'root')->code, 200, 'another claim, another role';
chat_refused search(role => 'admin', group => 'admin'), 403, qr/group/, 'the old one is none';
$p->down;
$p->{set}{jwt_admin} = '';
$p->up;
chat_refused search(group => ''), 403, qr/group/, 'no role is nobody\'s';

$p->no_errors_logged;
done_testing;
