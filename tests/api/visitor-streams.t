#!/usr/bin/perl
# stream:true, and what streams of websites' assistants have in common with all others: they resume
# byte for byte, stop, go on without their client, survive their worker, and are begun once by one
# Idempotency-Key.

use v5.36;
use utf8;

use Mojo::IOLoop;
use Mojo::JSON qw(decode_json true);
use ParleyTest;
use ParleyTest::Streams;
use ParleyTest::Visitor;
use Test::More;

my $p = ParleyTest->new(models => 1, workers => 2, user => undef, set => { spool_keep => 2 });
my $guide = an_assistant($p);
my ($key, $key_id) = $p->key(user => 'shop', assistant => $guide);
my @shop = with_key($key);
my ($rival) = $p->key(user => 'rival');

sub frames ($s) { return map { $_->{data} } @{ $s->events } }
sub body ($content, %o) { return { content => $content, visitorId => 'v', %o } }

sub streamed ($content, %o) {
	my %headers = %{ delete $o{headers} // {} };
	return $p->stream(POST => $CHAT, with_key($key, headers => \%headers),
	    json => body($content, stream => true), %o);
}

sub balanced ($name) {
	my $off = $p->sql('SELECT (SELECT COUNT(*) FROM reservation) AS kept, reserved,'
	    . ' spent - (SELECT IFNULL(SUM(amount), 0) FROM ledger WHERE api_key = k.id) AS off,'
	    . ' (SELECT SUM(amount) FROM ledger) - (SELECT SUM(cost) FROM answer) AS books'
	    . ' FROM api_key k WHERE id = ?', $key_id)->[0];
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is_deeply [map { $_ + 0 } @$off{qw(kept reserved off books)}], [0, 0, 0, 0], $name;
}

subtest 'a stream' => sub {
	$p->script('m-a', { steps => [{ reasoning => 'Hm. ' }, { delta => '一 "' },
	    { sleep => 0.4 }, { delta => "\n\x{1f388}" }, { finish => 'stop' },
	    { usage => { prompt_tokens => 1000, completion_tokens => 500 } }, { done => 1 }] });
	my $s = streamed('Go');
	is $s->code, 200, 'answered' or diag $s->body;
	is $s->header('content-type'), 'text/event-stream; charset=utf-8', 'as a stream';
	my ($msg_key) = map { $_->{msg_key} } @{ $p->sql('SELECT msg_key FROM session') };
	my %ids = (msgKey => $msg_key, visitorId => 'v');
	like $msg_key, $KEY_LIKE, 'its conversation';
	is_deeply [frames($s)], [map({ { desc => $_, %ids } } '', '一 "', "\n\x{1f388}"),
	    { desc => '', %ids, source => [], usage => { total_cost => 0.002 }, finished => true }],
	    'each delta an event, of thoughts an empty one; last what it cost'
	    or diag explain [frames($s)];
	my @at = map { $_->{at} } @{ $s->events };
	cmp_ok $at[2] - $at[1], '>', 0.2, 'as it comes';
	is +(grep { defined } ids_of($s)), 0, 'without ids';
	like $s->body, qr/^data: \{"desc":"","msgKey":"api_[^"]+","visitorId":"v"\}$/m, 'its bytes';
	is_deeply [map { $_ + 0 } @{ $p->sql('SELECT cost FROM answer')->[0] }{cost}], [0.002],
	    'the cost is the settled one';
	balanced('the books balance');
};

subtest 'resume' => sub {
	$p->script('m-a', steps(0.2, map { "w$_ " } 1 .. 8));
	my $s = streamed('Go', leave_after => 3, headers => { 'X-Stream-Ids' => 1 });
	my $turn = turn_of($s);
	is_deeply [ids_of($s)], [map { "$turn-$_" } 1 .. 3], 'ids where they are wanted';
	my $rest = resume($p, $turn, last => "$turn-3", @shop);
	is_deeply [ids_of($rest)], [map { "$turn-$_" } 4 .. 9], 'it went on without its client';
	my $whole = resume($p, $turn, @shop);
	is join("\n", data_lines($whole)), join("\n", data_lines($s), data_lines($rest)),
	    'byte for byte';
	refused_natively resume($p, $turn, with_key($rival)), 404, qr/turn/, 'not to others';
	my $stored;
	$p->eventually('its records go', sub {
		$stored = resume($p, $turn, @shop);
		return ($stored->header('x-stream-replay') // '') eq 'stored';
	}, 40);
	my @frames = frames($whole);
	is_deeply [frames($stored)], [{ %{ $frames[0] }, desc => join '', map { "w$_ " } 1 .. 8 },
	    $frames[-1]], 'then the answer is told whole, its cost and all'
	    or diag explain [frames($stored)];
};

subtest 'stop' => sub {
	my $reply;
	$p->script('m-a', { steps => [{ delta => 'so far' }, { hang => 1 }] });
	my $s = streamed('Go', headers => { 'X-Stream-Ids' => 1 }, on_event => sub ($e, $) {
		$reply //= $p->post('/v1/streams/' . ($e->{id} =~ /^(\d+)-/)[0] . '/stop', @shop)
		    if ref $e->{data} && $e->{data}{desc} eq 'so far';
	});
	is_deeply $reply->json, { stopped => true }, 'it was';
	my $last = (frames($s))[-1];
	ok $last->{finished} && $last->{stopped} && $last->{usage}{total_cost} > 0,
	    'the last message says so, and what it cost' or diag explain $last;
	is $last->{usage}{total_cost}, $p->sql('SELECT cost FROM answer ORDER BY id DESC LIMIT 1')
	    ->[0]{cost} + 0, 'as it was settled';
	balanced('the books balance');
};

# Asks for one reply; until it comes, calls that again and again, as long as it gives nothing.
sub meanwhile ($body, $do) {
	my ($reply, $done);
	my $timer = Mojo::IOLoop->recurring(0.05 => sub ($loop) { $done ||= $do->() });
	$p->{http}->open(POST => $CHAT, sub ($r) { $reply = $r }, json => $body, @shop);
	Mojo::IOLoop->one_tick until $reply;
	Mojo::IOLoop->remove($timer);
	return $reply;
}

subtest 'a reply that is stopped' => sub {
	$p->script('m-a', { steps => [{ delta => 'so far' }, { hang => 1 }] });
	my $r = meanwhile(body('Hold on'), sub {
		my ($t) = @{ $p->sql("SELECT turn FROM answer WHERE status = 'running'") };
		return if !$t || ($p->upstream_log)[-1]{ended} ne 'running';
		return $p->post("/v1/streams/$t->{turn}/stop", @shop)->json->{stopped};
	});
	is $r->code, 200, 'comes' or diag $r->body;
	is $r->json->{stopped}, true, 'says so';
	like $r->json->{desc}, qr/\A(?:so far)?\z/, 'with what was said';
};

subtest 'once' => sub {
	my %once = (headers => { 'Idempotency-Key' => 'a' });
	my $n = $p->upstream_log;
	$p->script('m-a', steps(0.05, map { "w$_ " } 1 .. 4));
	my $one = streamed('Once', %once);
	my $again = streamed('Once', %once);
	is join("\n", data_lines($again)), join("\n", data_lines($one)), 'a stream is told again';
	visitor_refused $p->post($CHAT, json => body('Twice', stream => true),
	    with_key($key, %once)), 409, qr/Idempotency-Key/, 'another question is none of it';
	my @reply = (json => body('One reply'), with_key($key, headers => {
	    'Idempotency-Key' => 'b' }));
	$p->script('m-a', steps(0.05, 'Yes.'));
	my @same = map { $p->post($CHAT, @reply)->body } 1, 2;
	like $same[0], qr/"desc":"Yes\."/, 'a reply';
	is $same[1], $same[0], 'is the same again';
	my @fixed = (json => body('Fixed', handler_type => 'fix', fix_content => 'So.'),
	    with_key($key, headers => { 'Idempotency-Key' => 'c' }));
	@same = map { $p->post($CHAT, @fixed)->body } 1, 2;
	is $same[1], $same[0], 'a fixed one, too';
	is +(() = $p->upstream_log) - $n, 2, 'two questions were asked';
};

subtest 'a worker dies' => sub {
	$p->script('m-a', steps(0.05, map { "w$_ " } 1 .. 100));
	my $killed = 0;
	my $s = streamed('Long', headers => { 'X-Stream-Ids' => 1 }, on_event => sub ($event, $) {
		$killed ||= kill KILL => @{ $p->pids->{workers} } if $event->{data}{desc} eq 'w5 ';
	});
	is $killed, 2, 'the workers are killed';
	my $turn = turn_of($s);
	my $rest;
	$p->eventually('it can be read on', sub {
		$rest = resume($p, $turn, @shop);
		return $rest->code == 200;
	});
	my ($last, @said) = reverse frames($rest);
	is_deeply [@$last{qw(Code Data finished)}], [4000, undef, true], 'to its end: a failure';
	like join('', map { $_->{desc} } reverse @said), qr/\Aw1 w2 w3 w4 w5 /, 'with all its text';
	$p->eventually('what it left is settled', sub {
		return $p->sql('SELECT COUNT(*) AS n FROM reservation')->[0]{n} == 0;
	});
	balanced('the books balance');
};

$p->no_errors_logged('quiet but for the dead', allow => [qr/a worker died/]);
done_testing;
