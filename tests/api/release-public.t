#!/usr/bin/perl
# Callers without identity ask a public release: what shows that a conversation or a stream is
# theirs is the MAC in what it is called.

use v5.36;
use utf8;

use Mojo::JSON qw(true);
use ParleyTest;
use ParleyTest::Chat;
use ParleyTest::Release;
use ParleyTest::Streams;
use Test::More;

my $p = ParleyTest->new(models => 1, workers => 2, user => undef);
my $open = an_assistant($p, publish => 'public');
my $closed = an_assistant($p);
my @ann = login($p, 'ann');

sub body ($content, %o) {
	return { action => 1, content => $content, release_key => $open->{release_key}, %o };
}

sub ask ($content, %o) { return $p->post($CHAT, json => body($content, %o)) }
sub frames ($s) { return map { $_->{data} } @{ $s->events } }

subtest 'a conversation' => sub {
	my $one = ask('Who are you?');
	is $one->code, 200, 'anybody may ask' or diag $one->body;
	my $id = $one->json->{conversation_id};
	like $id, qr/\A\d{15,16}\.[0-9a-f]{32}\z/, 'its name has a MAC';
	my $two = ask('And I?', conversation_id => $id)->json;
	is_deeply [@$two{qw(conversation_id seq)}], [$id, 2], 'it goes on';
	my $again = ask('', conversation_id => $id, action => 2)->json;
	is_deeply [@$again{qw(seq history_id)}], [2, $two->{history_id}], 'and once more';
	my ($bare, $mac) = split /\./, $id;
	my $next = $bare + 1;
	release_refused ask('x', conversation_id => $_), 404, 5, qr/conversation_id/, "not: $_"
	    for $bare, "$bare.", "$next.$mac", "$bare." . '0' x 32, "$id.$mac";
	release_refused $p->post($CHAT, json => body('x', conversation_id => $_), @ann), 404, 5,
	    qr/conversation_id/, "nor by somebody else: $_" for $id, $bare;
	is $p->get("/v1/chat/session/$bare", @ann)->code, 404, 'nor in another dialect';
	my $owner = $p->sql('SELECT u.subject FROM session s JOIN user u ON u.id = s.owner'
	    . ' WHERE s.id = ?', $bare)->[0]{subject};
	is $owner, "public:$open->{id}", 'all of them are of one user';
	chat_refused $p->get("/v1/chat/session/$bare", login($p, $owner)), 401, qr/token/,
	    'whom nobody can be';
	is $p->get('/task/list', user => $owner)->code, 400, 'by no way';
};

subtest 'who shows who he is' => sub {
	my $r = $p->post($CHAT, json => body('Hello'), @ann)->json;
	like $r->{conversation_id}, qr/\A\d+\z/, 'has a conversation of his own';
	release_refused ask('x', conversation_id => $r->{conversation_id}), 404, 5,
	    qr/conversation_id/, 'which is nobody else\'s';
	release_refused $p->post($CHAT, json => body('x'),
	    headers => { Authorization => 'Bearer x' }), 401, 16, qr/not authenticated/,
	    'a token that does not hold is not nobody';
	release_refused ask('x', release_key => $closed->{release_key}), 401, 16,
	    qr/not authenticated/, 'a release that is not public wants one';
};

subtest 'a stream' => sub {
	$p->script('m-a', steps(0.3, map { "w$_ " } 1 .. 6));
	my ($half, $stopped);
	my $s = $p->stream(POST => $CHAT, json => body('Go', stream => true), leave_after => 3);
	my $name = turn_of($s);
	like $name, qr/\A\d{15,16}\.[0-9a-f]{32}\z/, 'its name has a MAC';
	my $rest = resume($p, $name, query => { after => 3 });
	is $rest->code, 200, 'with it, it goes on';
	is turn_of($rest), $name, 'as the same';
	my $whole = resume($p, $name);
	is join(' ', data_lines($whole)), join(' ', data_lines($s), data_lines($rest)),
	    'byte for byte';
	is +(frames($whole))[-2]{message}, 'w1 w2 w3 w4 w5 w6 ', 'to its end';
	my ($turn) = split /\./, $name;
	refused_natively $p->get("/v1/streams/$_"), 404, qr/turn/, "not by $_"
	    for $turn, "$turn." . '0' x 32, "$turn.x";

	$p->script('m-a', { steps => [{ delta => 'so far' }, { hang => 1 }] });
	$s = $p->stream(POST => $CHAT, json => body('Go', stream => true), on_event => sub ($e, $) {
		return if $stopped || !ref $e->{data} || $e->{data}{delta} ne 'so far';
		my $t = $p->sql('SELECT id FROM turn ORDER BY id DESC')->[0]{id};
		$half = $p->post("/v1/streams/$t/stop");
		$stopped = 1;
		$p->parley('stop', $t);
	});
	is $half->code, 404, 'nobody stops it by its number';
	is_deeply [@{ (frames($s))[-2] }{qw(message finish_reason stopped)}], ['so far', 1, true],
	    'a stopped stream says so';
};

subtest 'stop' => sub {
	$p->script('m-a', { steps => [{ delta => 'so far' }, { hang => 1 }] });
	my $s = $p->stream(POST => $CHAT, json => body('Go', stream => true), leave_after => 2);
	my $r = $p->post('/v1/streams/' . turn_of($s) . '/stop');
	is_deeply [$r->code, $r->json], [200, { stopped => true }], 'by its name';
	my $end = (frames(resume($p, turn_of($s))))[-2];
	is_deeply [@$end{qw(message finish_reason stopped)}], ['so far', 1, true],
	    'with what was said';
};

$p->no_errors_logged;
done_testing;
