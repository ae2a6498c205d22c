#!/usr/bin/perl
# What streams of published assistants have in common with all others: they resume byte for byte,
# stop, go on without their client, and are begun once by one Idempotency-Key.

use v5.36;
use utf8;

use Mojo::IOLoop;
use Mojo::JSON qw(true);
use ParleyTest;
use ParleyTest::Chat;
use ParleyTest::Release;
use ParleyTest::Streams;
use Test::More;

my $p = ParleyTest->new(models => 1, workers => 2, set => { spool_keep => 2 });
my @ann = login($p, 'ann');
my $helper = an_assistant($p);

sub body ($content, %o) {
	return { action => 1, content => $content, release_key => $helper->{release_key}, %o };
}

sub with (%headers) { return (user => undef, headers => { %{ {@ann}->{headers} }, %headers }) }
sub frames ($s) { return map { $_->{data} } @{ $s->events } }

sub streamed ($content, %o) {
	my %headers = %{ delete $o{headers} // {} };
	return $p->stream(POST => $CHAT, json => body($content, stream => true), with(%headers),
	    %o);
}

subtest 'resume' => sub {
	$p->script('m-a', steps(0.2, map { "w$_ " } 1 .. 8));
	my $s = streamed('Go', leave_after => 3, headers => { 'X-Stream-Ids' => 1 });
	my $turn = turn_of($s);
	is_deeply [ids_of($s)], [map { "$turn-$_" } 1 .. 3], 'ids where they are wanted';
	my $rest = resume($p, $turn, last => "$turn-3", @ann);
	is_deeply [ids_of($rest)], [map { "$turn-$_" } 4 .. 11], 'it went on without its client';
	my $whole = resume($p, $turn, @ann);
	is join("\n", data_lines($whole)), join("\n", data_lines($s), data_lines($rest)),
	    'byte for byte';
	my $stored;
	$p->eventually('its records go', sub {
		$stored = resume($p, $turn, @ann);
		return ($stored->header('x-stream-replay') // '') eq 'stored';
	}, 40);
	my @frames = frames($stored);
	is_deeply \@frames, [(frames($whole))[0], { %{ (frames($whole))[1] },
		delta => join '', map { "w$_ " } 1 .. 8 }, (frames($whole))[-2], '[DONE]'],
	    'then the answer is told whole';
};

subtest 'stop' => sub {
	my $reply;
	$p->script('m-a', { steps => [{ delta => 'so far' }, { hang => 1 }] });
	my $s = streamed('Go', headers => { 'X-Stream-Ids' => 1 }, on_event => sub ($e, $) {
		$reply //= $p->post("/v1/streams/" . ($e->{id} =~ /^(\d+)-/)[0] . '/stop', @ann)
		    if ref $e->{data} && $e->{data}{delta} eq 'so far';
	});
	is_deeply $reply->json, { stopped => true }, 'it was';
	is_deeply [@{ (frames($s))[-2] }{qw(message finish_reason stopped)}], ['so far', 1, true],
	    'with what was said';
};

# Asks for one reply; until it comes, calls that again and again, as long as it gives nothing.
sub meanwhile ($body, $do) {
	my ($reply, $done);
	my $timer = Mojo::IOLoop->recurring(0.05 => sub ($loop) { $done ||= $do->() });
	$p->{http}->open(POST => $CHAT, sub ($r) { $reply = $r }, json => $body, @ann);
	Mojo::IOLoop->one_tick until $reply;
	Mojo::IOLoop->remove($timer);
	return $reply;
}

subtest 'a reply that is stopped' => sub {
	$p->script('m-a', { steps => [{ delta => 'so far' }, { hang => 1 }] });
	my $r = meanwhile(body('Hold on'), sub {
		my ($t) = @{ $p->sql("SELECT turn FROM answer WHERE status = 'running'") };
		return if !$t || ($p->upstream_log)[-1]{ended} ne 'running';
		return $p->post("/v1/streams/$t->{turn}/stop", @ann)->json->{stopped};
	})->json;
	is_deeply [@$r{qw(finish_reason stopped)}], [1, true], 'says so';
	like $r->{message}, qr/\A(?:so far)?\z/, 'with what was said';
};

subtest 'the same request again' => sub {
	my @key = with('Idempotency-Key' => 'k1');
	$p->script('m-a', steps(0, 'once'));
	my $one = $p->post($CHAT, json => body('Once'), @key)->json;
	my $two = $p->post($CHAT, json => body('Once'), @key);
	is_deeply $two->json, $one, 'gets the same reply';
	my $other = $p->post($CHAT, json => body('Twice'), @key);
	my $details = release_refused $other, 409, 9, qr/\Athe request conflicts/, 'another one';
	like $details->{LocalizedMessage}{message}, qr/Idempotency-Key/, 'is told why';
	$p->script('m-a', steps(0.2, 'a', 'b'));
	my @ways = $p->streams(map { [POST => $CHAT, json => body('Both', stream => true),
	    with('Idempotency-Key' => 'k2')] } 1 .. 2);
	is join("\n", data_lines($ways[0])), join("\n", data_lines($ways[1])), 'streams too';
	is $p->sql('SELECT COUNT(*) AS n FROM turn WHERE question = ?', 'Both')->[0]{n}, 1,
	    'which begin once';
};

$p->no_errors_logged;
done_testing;
