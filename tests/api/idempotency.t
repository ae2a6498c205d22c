#!/usr/bin/perl
# Idempotency-Key: who sends the same question again gets the answer that it has, and no other.

use v5.36;
use utf8;

use List::Util qw(uniq);
use Mojo::JSON qw(encode_json);
use Mojo::URL;
use ParleyTest;
use ParleyTest::Arena;
use ParleyTest::Streams;
use Test::More;

my $p = ParleyTest->new(models => 2, workers => 2);
my @models = map { $_->{code} } $p->models;
my $MODELS = @models;
my $task = $p->task;

sub turns () { return $p->sql('SELECT COUNT(*) AS n FROM turn')->[0]{n} }
sub keys_known () { return $p->sql('SELECT COUNT(*) AS n FROM idempotency')->[0]{n} }

# Asks with a key; more options as for stream, path is /conv/chat.
sub ask ($key, $body, %o) {
	my $path = delete $o{path} // '/conv/chat';
	return [POST => $path, json => $body, %o,
	    headers => { %{ $o{headers} // {} }, 'Idempotency-Key' => $key }];
}

sub asked (@o) { return $p->stream(@{ ask(@o) }) }

# They are one stream, told several times.
sub same ($first, $name, @again) {
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	for my $s (@again) {
		is_deeply [$s->code, turn_of($s), data_lines($s)],
		    [200, turn_of($first), data_lines($first)], $name;
	}
	return;
}

# Each body is one object: its bytes are the same each time.
my $question = body($p, 'once', task => $task);
my $bytes = encode_json($question);
sub again ($key, %o) { return [POST => '/conv/chat', body => $bytes, %o,
    headers => { %{ $o{headers} // {} }, 'Idempotency-Key' => $key }] }

subtest 'while it runs and afterwards' => sub {
	$p->script($_, steps(0.05, map { "$_ " } 1 .. 12)) for @models;
	my ($second, $n);
	my $first = $p->stream(@{ again('k1', on_event => sub ($e, $) {
		$second //= watched($p->post('/conv/chat', body => $bytes,
		    headers => { 'Idempotency-Key' => 'k1' })) if ++$n == 5;
	}) });
	is $first->code, 200, 'asked';
	same $first, 'while it runs', $second;
	same $first, 'afterwards', map { $p->stream(@{ again('k1') }) } 1 .. 4;
	is_deeply [uniq map { defined } ids_of($second)], [!!0], 'no ids of itself';
	is $second->header('cache-control'), 'no-cache', 'a stream like the first';
	my $ids = $p->stream(@{ again('k1', headers => { 'X-Stream-Ids' => 1 }) });
	is +(ids_of($ids))[-1], turn_of($first) . '-' . scalar(data_lines($first)),
	    'ids where they are wanted';
	is scalar($p->upstream_log), $MODELS, 'asked upstream once';
	is turns(), 1, 'one turn';
};

subtest 'another request' => sub {
	for my $o ([json => body($p, 'twice', task => $task)],
	    [body => $bytes, path => '/conv/chat/single'], [body => "$bytes "]) {
		my %o = @$o;
		my $r = $p->post(delete $o{path} // '/conv/chat', %o,
		    headers => { 'Idempotency-Key' => 'k1' });
		refused $r, 409, qr/Idempotency-Key/, 'is refused';
	}
	my $en = $p->post('/conv/chat', body => "$bytes ",
	    headers => { 'Idempotency-Key' => 'k1', 'Accept-Language' => 'en' });
	like $en->json->{msg}, qr/another request/, 'in English too';
	is turns(), 1, 'and begins nothing';
	my $bob = asked('k1', body($p, 'once', user => 'bob'), user => 'bob');
	is $bob->code, 200, 'somebody else\'s key is another';
	is turns(), 2, 'and another turn';
	my $other = $p->stream(@{ again('k2') });
	is turns(), 3, 'as is another key\'s';
};

subtest 'two at the same moment' => sub {
	for my $round (1 .. 6) {
		my $before = turns();
		$p->upstream->clear_log;
		$p->script($_, steps(0.02, 'a', 'b')) for @models;
		my ($first, @others) = $p->streams(map { again("both $round") } 1 .. 4);
		same $first, "are one turn ($round)", @others;
		is turns(), $before + 1, 'in the database';
		is scalar($p->upstream_log), $MODELS, 'and upstream';
	}
	is $p->sql('SELECT COUNT(*) AS n FROM session s WHERE NOT EXISTS'
	    . ' (SELECT 1 FROM turn t WHERE t.session = s.id)')->[0]{n}, 0,
	    'no session was begun for nothing';
};

subtest 'one lane' => sub {
	my ($session, $pri) = begin($p, 'many lanes');
	for my $path (qw(/conv/chat/single /conv/chat/pri)) {
		my @ask = (POST => $path, body => encode_json(body($p, "one $path",
		    session => $session, pri => $pri->{ALPHA}, task => $task)),
		    headers => { 'Idempotency-Key' => "lane $path" });
		my $before = turns();
		my ($first, $second) = $p->streams([@ask], [@ask]);
		same $first, $path, $second, $p->stream(@ask);
		is turns(), $before + 1, 'one turn';
	}
};

subtest 'what failed leaves no trace' => sub {
	my $known = keys_known();
	my $r = $p->post('/conv/chat', json => { taskId => $task },
	    headers => { 'Idempotency-Key' => 'late' });
	refused $r, 400, qr/messages/, 'no question';
	$r = $p->post('/conv/chat', json => body($p, 'x', task => '99'),
	    headers => { 'Idempotency-Key' => 'late' });
	refused $r, 404, qr/taskId/, 'no such task';
	my ($session) = begin($p, 'busy');
	$p->script($_, steps(0.05, map { "$_ " } 1 .. 6)) for @models;
	my $busy;
	my @ask = (body => encode_json(body($p, 'too early', session => $session)),
	    headers => { 'Idempotency-Key' => 'late' });
	$p->stream(POST => '/conv/chat', json => body($p, 'long', session => $session),
	    on_event => sub { $busy //= $p->post('/conv/chat', @ask) });
	refused $busy, 409, qr/正在/, 'a lane that is answering';
	is keys_known(), $known, 'no key was taken';
	is $p->stream(POST => '/conv/chat', @ask)->code, 200, 'so it can be sent again';
	is keys_known(), $known + 1, 'and now it is';
};

subtest 'after a day' => sub {
	my $first = $p->stream(@{ again('old') });
	$p->sql('UPDATE idempotency SET created_ms = created_ms - 86390000 WHERE turn = ?',
	    turn_of($first));
	same $first, 'a day is long', $p->stream(@{ again('old') });
	$p->sql('UPDATE idempotency SET created_ms = created_ms - 10001 WHERE turn = ?',
	    turn_of($first));
	my $known = keys_known();
	my $next = asked('old', body($p, 'something else'));
	is $next->code, 200, 'then the key is free';
	isnt turn_of($next), turn_of($first), 'for another turn';
	is keys_known(), $known, 'whose key it is';
};

subtest 'keys' => sub {
	for my $key ('x', '"quoted"', 'x' x 255, 'schlüssel') {
		utf8::encode(my $sent = $key);
		my $first = $p->stream(@{ again($sent) });
		same $first, 'a key of ' . length($key), $p->stream(@{ again($sent) });
	}
	for my $key ('x' x 256, "\xff\xfe") {
		refused $p->post('/conv/chat', body => $bytes,
		    headers => { 'Idempotency-Key' => $key }), 400, qr/Idempotency-Key/, 'no key';
	}
	my $host = Mojo::URL->new($p->url)->host_port;
	for my $key ('', '  ', "a\x01b") {
		my $answer = $p->raw("POST /conv/chat HTTP/1.1\r\nHost: $host\r\nuserId: tester\r\n"
		    . "Idempotency-Key: $key\r\nContent-Type: application/json\r\n"
		    . 'Content-Length: ' . length($bytes) . "\r\nConnection: close\r\n\r\n$bytes");
		like $answer, qr{\AHTTP/1\.1 400 }, 'none either';
	}
};

subtest 'what knows no keys' => sub {
	$p->upstream->clear_log;
	my $known = keys_known();
	for (1, 2) {
		my $s = $p->stream(POST => '/combine/chat', body => $bytes,
		    headers => { 'Idempotency-Key' => 'k1' });
		is turn_of($s), undef, 'a combined answer has no name';
	}
	is scalar($p->upstream_log), 2 * $MODELS, 'and is asked each time';
	is keys_known(), $known, 'no key is kept of it';
	my $guest = asked('mine', body($p, 'as a guest', task => '1'), user => undef);
	is $guest->code, 200, 'a guest';
	my %me = (user => undef, headers => { 'X-Guest-Id' => $guest->header('x-guest-id') });
	my $again = asked('mine', body($p, 'as a guest', task => '1'), %me);
	is turn_of($again), turn_of($guest), 'who comes back knows the key';
};

$p->no_errors_logged;
done_testing;
