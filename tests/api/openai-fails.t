#!/usr/bin/perl
# /v1/chat/completions where it goes wrong: before the first token by an HTTP status, afterwards in
# the stream; and clients that leave, stop, or ask too often

use v5.36;
use utf8;

use Mojo::IOLoop;
use Mojo::JSON  qw(false true);
use Time::HiRes qw(time);
use ParleyTest;
use ParleyTest::OpenAI;
use Test::More;

binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output);

my $p = ParleyTest->new(models => 3, workers => 1, user => undef,
    set => { ping => 1 }, model_args => {
	'm-b' => ['--first-token', 1],
	'm-c' => ['--fallback', 'm-a'],
    });
my $as = bearer(scalar $p->key);

sub chat ($body, %o)   { return $p->post($CHAT, json => $body, headers => $as, %o) }
sub stream ($body, %o) { return $p->stream(POST => $CHAT, json => $body, headers => $as, %o) }

# Both ways of asking, by name.
my %way = (
	'a stream' => sub (@o) { stream(question('x', stream => true, @o)) },
	'one reply' => sub (@o) { chat(question('x', @o)) },
	'a kept stream' => sub (@o) { stream(question('x', stream => true, store => true, @o)) },
	'one kept reply' => sub (@o) { chat(question('x', store => true, @o)) },
);

for my $name (sort keys %way) {
	subtest "$name that does not begin" => sub {
		my $ask = $way{$name};
		$p->script('m-a', { status => 500, times => 3 });
		my $r = $ask->();
		refused $r, 503, qr/m-a is not available/, undef, undef, 'status 500';
		is $r->header('content-type'), 'application/json; charset=utf-8', '... no stream';
		is $r->header('x-stream-id'), undef, '... to go on with';
		$p->script('m-a', { status => 429, headers => { 'Retry-After' => 7 } });
		$r = $ask->();
		refused $r, 503, qr/m-a/, undef, undef, 'status 429';
		is $r->header('retry-after'), 7, '... and when to come again';
		$p->heal('m-a');
		$p->script('m-a', { status => 400 });
		refused $ask->(), 502, qr/the model's server failed: m-a/, undef, undef,
		    'status 400';
		$p->script('m-a', { body => 'no stream' });
		refused $ask->(), 502, qr/m-a/, undef, undef, 'garbage';
		$p->script('m-b', { hang_before => true });
		my $begun = time;
		refused $ask->(model => 'm-b'), 504, qr/m-b did not answer in time/, undef, undef,
		    'silence';
		ok time - $begun < 10, '... through pings, in time';
		$p->heal(qw(m-a m-b));
		$p->script('m-c', { status => 500, times => 1 });
		$p->script('m-a', { steps => [{ delta => 'instead' }, { finish => 'stop' }] });
		$r = $ask->(model => 'm-c');
		is $r->code, 200, 'another model that stands in';
		like $r->body, qr/"instead"/, '... says it';
		like $r->body, qr/"model":"m-c"/, '... in the name of who was asked';
		$p->heal('m-c');
	};
}

subtest 'an end in mid-stream' => sub {
	$p->script('m-a', { steps => [{ delta => 'so far' }, { close => true }] });
	my $s = stream(question('x', stream => true));
	my $told = told($s);
	is $s->code, 200, 'it had begun';
	is $told->{text}, 'so far', '... with this';
	is_deeply [sort keys %{ $told->{error} }], [qw(code message param type)], 'an error in it';
	is_deeply [@{ $told->{error} }{qw(type message)}], ['server_error',
	    "the model's server failed: m-a"], '... that says why';
	is_deeply [@$told{qw(finish done)}], [undef, 1], '... in place of a reason to finish';
	$p->script('m-a', { steps => [{ delta => 'so far' }, { close => true }] });
	refused chat(question('x')), 502, qr/m-a/, undef, undef, 'one reply is none then';
	$p->heal('m-a');
};

subtest 'silence is held' => sub {
	$p->script('m-a', { steps => [{ sleep => 3 }, { delta => 'late' }, { sleep => 2.5 },
	    { delta => 'r' }, { finish => 'stop' }] });
	my $begun = time;
	my $s = stream(question('x', stream => true));
	ok $s->{begun} - $begun > 2, 'no headers before the first token';
	is told($s)->{text}, 'later', '... then all';
	ok @{ $s->comments } > 0, '... and pings while it goes on';
};

# The upstream sees its client go.
sub is_cancelled ($name) {
	$p->eventually("$name is cancelled", sub {
		my ($last) = reverse $p->upstream_log;
		return $last->{ended} eq 'aborted';
	});
	return;
}

subtest 'clients that leave' => sub {
	$p->script('m-a', { times => 0, steps => [{ delta => 'a' }, { hang => true }] });
	my $s = stream(question('x', stream => true), leave_after => 2);
	is $s->{left}, 1, 'a stream that was left';
	is_cancelled 'what it said';
	is chat(question('x'), timeout => 0.5)->code, 0, 'a reply that was not waited for';
	is_cancelled 'what it would have said';
	$p->upstream->unscript;
	$p->script('m-a', { hang_before => true });
	is stream(question('x', stream => true), timeout => 0.5)->code, 0,
	    'a stream that was left before it began';
	is_cancelled 'what it would have said';
	$p->eventually('all of it is over', sub {
		$p->sql("SELECT COUNT(*) AS n FROM answer WHERE status = 'running'")->[0]{n} == 0;
	});
};

subtest 'stopped' => sub {
	$p->script('m-a', { steps => [{ delta => 'a' }, { delta => 'b' }, { hang => true }] });
	my $n = 0;
	my $s = stream(question('x', stream => true, store => true), on_event => sub ($, $) {
		return if ++$n != 3;
		my ($turn) = @{ $p->sql('SELECT MAX(id) AS id FROM turn') };
		is $p->post("/v1/streams/$turn->{id}/stop", headers => $as)->code, 200, 'asked to';
	});
	my $told = told($s);
	is_deeply [@$told{qw(text finish error done)}], ['ab', 'stop', undef, 1],
	    'an end as any other';
	unlike $s->body, qr/stopped/, '... without a word of it';

	$p->script('m-a', { hang_before => true });
	my $timer;
	$timer = Mojo::IOLoop->recurring(0.1 => sub (@) {
		my ($turn) = @{ $p->sql('SELECT id FROM turn WHERE ended_ms IS NULL') } or return;
		Mojo::IOLoop->remove($timer);
		$p->post("/v1/streams/$turn->{id}/stop", headers => $as);
	});
	$told = told($s = stream(question('x', stream => true, store => true)));
	is_deeply [$s->code, @$told{qw(text finish error done)}], [200, '', 'stop', undef, 1],
	    'also of one that had not begun';
};

subtest 'limits' => sub {
	my $slow = bearer(scalar $p->key(user => 'slow', rate => 1));
	my @r = map { $p->get('/v1/models', headers => $slow) } 1 .. 4;
	my ($over) = grep { $_->code != 200 } @r;
	refused $over, 429, qr/too many requests/, 'rate_limit_exceeded', undef, 'too often';
	ok $over->header('retry-after') >= 1, '... and when to come again';
};

subtest 'money' => sub {
	my ($key, $id) = $p->key(user => 'poor', allowance => '0.001');
	my $poor = bearer($key);
	my $ask = sub (%more) {
		return $p->post($CHAT, json => question('x', %more), headers => $poor);
	};
	$p->upstream->clear_log;
	refused $ask->(max_tokens => 1000, stream => true), 402, qr/allowance/,
	    'insufficient_quota', undef, 'more than the allowance';
	refused $ask->(max_tokens => 1, messages => [{ role => 'user', content => [
	    { type => 'text', text => 'word ' x 2000 }] }]), 402, qr/allowance/,
	    'insufficient_quota', undef, '... for what is heard, too';
	refused $ask->(max_tokens => 1, tools => [{ type => 'function', function => { name => 'f',
	    description => 'word ' x 2000 } }]), 402, qr/allowance/, 'insufficient_quota', undef,
	    '... and for tools';
	is scalar($p->upstream_log), 0, '... asks nobody';
	$p->script('m-a', { steps => [{ delta => 'a' }, { finish => 'stop' },
	    { usage => { prompt_tokens => 100, completion_tokens => 50 } }, { done => 1 }] });
	is $ask->(max_tokens => 100)->code, 200, 'within it';
	my $spent = sub {
		my ($row) = @{ $p->sql('SELECT spent, reserved, (SELECT SUM(amount) FROM ledger'
		    . ' WHERE api_key = k.id) AS paid FROM api_key k WHERE id = ?', $id) };
		return join ' ', map { 0 + ($_ // 0) } @$row{qw(spent reserved paid)};
	};
	$p->eventually('is paid', sub { $spent->() eq '0.0002 0 0.0002' }) or diag $spent->();

	my $n = 0;
	$p->script('m-a', { steps => [{ delta => 'a' }, { delta => 'b' }, { hang => true }] });
	my $s = $p->stream(POST => $CHAT, headers => $poor,
	    json => question('x', stream => true, max_tokens => 10), on_event => sub ($, $) {
		$p->parley('key', 'revoke', $id) if ++$n == 3;
	    });
	is told($s)->{text}, 'ab', 'a stream of a key that is taken back';
	is $s->aborted, undef, '... ends';
	refused $ask->(), 401, qr/./, 'invalid_api_key', undef, '... and there is no other';
};

$p->no_errors_logged;
done_testing;
