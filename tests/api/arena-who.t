#!/usr/bin/perl
# Who calls: the gateway's header, tokens, guests; and what is not theirs.

use v5.36;
use utf8;

use Mojo::JSON qw(decode_json);
use ParleyTest;
use ParleyTest::Arena;
use Test::More;

my $p = ParleyTest->new(models => 1, workers => 1);

sub token ($user, @more) {
	my ($exit, $out, $err) = $p->parley('token', '--user', $user, @more);
	diag "parley token: $exit $err" if $exit;
	chomp $out;
	return $out;
}
sub bearer ($token) { return headers => { Authorization => "Bearer $token" } }
sub tasks ($reply)  { return join ',', map { $_->{val} } @{ $reply->json->{data} } }

# The header.
$p->post('/task/add', json => { title => 'of ann' }, user => 'ann');
is tasks($p->get('/task/list', user => 'ann')), 'of ann', 'the header is believed';
for my $odd ('王 五', 'o\'neil', '"', '😀', '-1', ' x y', 'a=b;c', '用' x 128) {
	utf8::encode(my $bytes = $odd);
	is $p->get('/task/list', user => $bytes)->code, 200, "a user called $odd";
}
refused $p->get('/task/list', user => undef), 400, qr/userId/, 'without it: 400';
refused $p->get('/task/list', user => 'x' x 129), 400, qr/userId/, '129 characters';
refused $p->get('/task/list', user => "\xff\xfe"), 400, qr/userId/, 'invalid UTF-8';
refused $p->get('/task/list', user => 'guest:' . '0' x 32), 400, qr/userId/,
    'nobody is a guest by name';

# Tokens.
my $ann = token('ann');
is tasks($p->get('/task/list', user => undef, bearer($ann))), 'of ann', 'a token says the same';
is tasks($p->get('/task/list', user => 'ann', bearer($ann))), 'of ann', 'together with the header';
refused $p->get('/task/list', user => 'bob', bearer($ann)), 403, qr/userId/, 'which has to agree';
is tasks($p->get('/task/list', user => undef, headers => { Authorization => $ann })), 'of ann',
    'without Bearer';
is tasks($p->get('/task/list', user => undef, headers => { Cookie => "a=b; parley_token=$ann" })),
    'of ann', 'as cookie';
refused $p->get('/task/list', user => 'bob', headers => { Cookie => "parley_token=$ann" }), 403,
    qr/userId/,
    'also there';
my $bad = $p->get('/task/list', user => 'ann', bearer(substr($ann, 0, -2)));
refused $bad, 401, qr/token/, 'a bad token';
is $bad->header('www-authenticate'), 'Bearer', 'is asked for again';
refused $p->get('/task/list', user => undef, bearer(token('ann', '--ttl',
    '1s') =~ s/^[^.]+/eyJhbGciOiJub25lIn0/r)), 401,
    qr/token/, 'alg none';

# Guests.
my $first = $p->stream(POST => '/conv/chat', json => { taskId => 'anything',
    messages => [{ content => 'hi' }] },
	user => undef);
is $first->code, 200, 'without identity one is a guest';
like $first->header('set-cookie'),
    qr/^parley_guest=([0-9a-f]{32}\.[0-9a-f]{32}); Path=\/; .*HttpOnly; SameSite=Lax/, 'a cookie';
my ($guest) = $first->header('set-cookie') =~ /parley_guest=([^;]+)/;
is $first->header('x-guest-id'), $guest, 'and a header';
my ($session, $pri) = @{ $first->events->[0]{data} }{qw(session_id privateId)};
for my $how ([headers => { Cookie => "parley_guest=$guest" }],
    [headers => { 'X-Guest-Id' => $guest }]) {
	my $his = $p->get('/conv/his', query => { sessionId => $session }, user => undef, @$how);
	is $his->json->{data}{question}, 'hi', 'the guest comes back: ' . join '',
	    keys %{ $how->[1] };
	is $his->header('set-cookie'), undef, 'and is no new one';
}
my @as_guest = (user => undef, headers => { 'X-Guest-Id' => $guest });
my $list = $p->get('/task/list', @as_guest);
is $list->json->{data}[0]{children}[0]{id}, $session,
    'a task that is not the guest\'s means the default one';
my $bobs = $p->task('bob');
my $made = $p->post('/conv/create', json => { taskId => $bobs }, @as_guest);
is $made->code, 200, 'also somebody else\'s';
is $p->sql('SELECT t.title FROM session s JOIN task t ON t.id = s.task WHERE s.id = ?',
	$made->json->{data}{sessionId} =~ s/chat_//r)->[0]{title}, '默认任务',
	    'the guest\'s own default';
done_true $p->get('/conv/like', query => { priId => $pri }, @as_guest), 'a guest votes';

# What is not the guest's.
my ($anns, $anns_pri) = begin($p, 'secret', user => 'ann');
refused $p->get('/conv/his', query => { sessionId => $anns }, @as_guest), 404, qr/sessionId/,
    'not of a user';
refused $p->get('/conv/his', query => { sessionId => $session }, user => undef), 404, qr/sessionId/,
    'not of another guest';
refused $p->get('/conv/his', query => { sessionId => $session }, user => 'ann'), 404, qr/sessionId/,
    'nor a user\'s';
my $forged = ('0' x 32) . substr $guest, 32;
refused $p->get('/conv/his', query => { sessionId => $session }, user => undef,
    headers => { 'X-Guest-Id' => $forged }), 404,
    qr/sessionId/, 'a forged id is none';
refused $p->get('/task/list', user => undef, headers => { 'X-Guest-Id' => $forged }), 400,
    qr/userId/, 'on any route';
is $p->post('/v1/auth/guest', @as_guest)->json->{guest_id}, $guest,
    '/v1/auth/guest knows its guest';
my $new = $p->post('/v1/auth/guest', user => undef);
like $new->json->{guest_id}, qr/^[0-9a-f]{32}\.[0-9a-f]{32}$/, 'and makes new ones';
is $p->get('/task/list', user => undef,
    headers => { 'X-Guest-Id' => $new->json->{guest_id} })->code, 200,
    'who may use every route';

# Ids of others, on every route that takes one.
my $task = $p->task('ann');
for my $bob ([user => 'bob'], [@as_guest]) {
	refused $p->get('/task/rename', query => { code => $task, title => 'x' }, @$bob), 404,
	    qr/code/, 'rename';
	refused $p->get('/task/del', query => { code => $task }, @$bob), 404, qr/code/, 'del';
	refused $p->post('/conv/create', json => { taskId => $task, session_id => $anns }, @$bob),
	    404, qr/session_id/, 'create';
	refused $p->post('/conv/chat', json => body($p, 'x', task => $task, session => $anns),
	    @$bob), 404, qr/session_id/, 'chat';
	refused $p->post("/conv/chat/$_", json => body($p, 'x', task => $task,
	    pri => $anns_pri->{ALPHA}), @$bob), 404, qr/priId/, $_
	    for qw(pri single);
	refused $p->get("/conv/$_", query => { priId => $anns_pri->{ALPHA} }, @$bob), 404,
	    qr/priId/, $_ for qw(like unlike);
	refused $p->get('/conv/his', query => { sessionId => $anns, priId => $anns_pri->{ALPHA} },
	    @$bob), 404, qr/sessionId/, 'his';
	refused $p->get('/conv/rename', query => { sessionId => $anns, title => 'x' }, @$bob), 404,
	    qr/sessionId/, 'conv rename';
	refused $p->get('/conv/del', query => { sessionId => $anns }, @$bob), 404, qr/sessionId/,
	    'conv del';
	refused $p->post('/conv/rating', json => { priId => $anns_pri->{ALPHA},
	    scores => { a => 1 } }, @$bob), 404, qr/priId/, 'rating';
}

# identity = jwt: the header alone is not enough.
$p->down;
$p->{set}{identity} = 'jwt';
$p->up;
refused $p->get('/task/list', user => 'ann'), 401, qr/userId/, 'jwt: the header alone';
refused $p->get('/task/list', user => undef), 400, qr/userId/, 'jwt: nothing at all';
is tasks($p->get('/task/list', user => undef, bearer($ann))), 'of ann', 'jwt: a token';
is tasks($p->get('/task/list', user => 'ann', bearer($ann))), 'of ann', 'jwt: with the header';
refused $p->get('/task/list', user => 'bob', bearer($ann)), 403, qr/userId/, 'jwt: with another\'s';
is $p->get('/task/list', @as_guest)->code, 200, 'jwt: a guest';
refused $p->get('/conv/his', query => { sessionId => $anns }, user => 'ann'), 401, qr/userId/,
    'jwt: the header makes nobody ann';

# header, but not from a proxy that is trusted
$p->down;
@{ $p->{set} }{qw(identity trusted_proxies)} = ('header', '192.0.2.0/24');
$p->up;
refused $p->get('/task/list', user => 'ann'), 401, qr/userId/, 'not from a trusted proxy';
is tasks($p->get('/task/list', user => undef, bearer($ann))), 'of ann', 'a token all the same';

$p->no_errors_logged;
done_testing;
