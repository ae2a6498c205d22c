#!/usr/bin/perl
# GET /v1/streams/{turn} when the spool has forgotten the turn: the stored answers, each in one
# frame, and their ends.

use v5.36;
use utf8;

use ParleyTest;
use ParleyTest::Arena;
use ParleyTest::Streams;
use Test::More;

my $p = ParleyTest->new(models => 4, workers => 2, set => { spool_keep => 0 });
my @models = map { $_->{code} } $p->models;

# Asks, and waits until nothing but the database knows of it.
sub forgotten ($question) {
	my ($session, undef, $s) = begin($p, $question);
	my $turn = turn_of($s);
	my $again;
	$p->eventually('the spool forgets it', sub {
		$again = resume($p, $turn);
		($again->header('x-stream-replay') // '') eq 'stored';
	});
	return ($s, $turn, $again, $session);
}

$p->script($models[0], { steps => [{ reasoning => 'Let me ' }, { reasoning => 'see' },
    { delta => '一 "二"' }, { delta => "\nline \x{1f388}" },
    { citations => [{ id => 'c1', summary => 'cited' }] }, { finish => 'length' },
    { done => 1 }] });
$p->script($models[1], { status => 500, body => '{"error":"veiled-b-70b is down"}' });
$p->script($models[2], { steps => [{ delta => 'as far as' }, { close => 1 }] });
$p->script($models[3], steps(0, map { "$_ " } 1 .. 50));
my ($s, $turn, $again, $session) = forgotten('Tell me');

is $again->code, 200, 'it is told';
is $again->header('x-stream-id'), $turn, 'by its name';
is $again->header('cache-control'), 'no-cache', 'not to be kept';
my ($was, $is) = map { $p->lanes($_->events) } $s, $again;
is_deeply [sort keys %$is], [sort keys %$was], 'its lanes';
for my $mask (sort keys %$is) {
	my ($old, $new) = ($was->{$mask}, $is->{$mask});
	is $new->{text}, $old->{text}, "$mask: the whole answer";
	is scalar(@{ $new->{frames} }), 3, "$mask: in one frame, then its end and citations";
	is_deeply [@{ $new->{frames} }[1, 2]], [@{ $old->{frames} }[-2, -1]],
	    "$mask: which are as they were";
	is $new->{frames}[0]{choices}[0]{finish_reason}, undef, "$mask: the answer is no end";
}
is_deeply [map { $_->{session_id} } map { $_->{data} } @{ $again->events }], [($session) x 12],
    'every frame names the session';
is_deeply [ids_of($again)], [(undef) x 11, "$turn-999999999"],
    'who has the last frame has all; who has not gets all again';
is resume($p, $turn, last => "$turn-999999999")->code, 204, 'with which nothing is left';
is_deeply [data_lines(resume($p, $turn, query => { after => 5 }))], [data_lines($again)],
    'whatever a client has of it is replaced';
is_deeply [$p->reveals($again->seen)], [], 'masks stay on';
is $p->request(HEAD => "/v1/streams/$turn")->header('x-stream-replay'), 'stored', 'HEAD says so';
is $p->get("/v1/streams/$turn", user => 'bob')->code, 404, 'it is nobody else\'s';
is $p->get("/v1/streams/$turn", user => undef)->code, 404, 'nor nobody\'s';

# An answer that was stopped, and one of no words.
$p->script($models[0], { steps => [{ delta => 'so far' }, { hang => 1 }] });
$p->script($models[$_], { steps => [{ finish => 'stop' }, { done => 1 }] }) for 1 .. 3;
my $cut = asked_and_stopped();
$p->eventually('the spool forgets it too', sub {
	(resume($p, turn_of($cut))->header('x-stream-replay') // '') eq 'stored' });
my $told = $p->lanes(resume($p, turn_of($cut))->events);
my $whole = $p->lanes($cut->events);
is_deeply { map { $_ => [@{ $told->{$_} }{qw(text finish)}, $told->{$_}{frames}[-1]{stopped}] }
    keys %$told },
    { map { $_ => [@{ $whole->{$_} }{qw(text finish)}, $whole->{$_}{frames}[-1]{stopped}] }
    keys %$whole }, 'stopped and empty answers are told as what they are';

# Asks, and stops the turn once something was said.
sub asked_and_stopped () {
	my $turn;
	return $p->stream(POST => '/conv/chat', json => body($p, 'Stop me'),
	    headers => { 'X-Stream-Ids' => 1 }, on_event => sub ($e, $) {
		return if $turn || $e->{data}{choices}[0]{delta}{content} ne 'so far';
		($turn) = $e->{id} =~ /^(\d+)-/;
		$p->post("/v1/streams/$turn/stop");
	});
}

# Deleted is deleted.
done_true $p->get('/conv/del', query => { sessionId => $session }), 'deleted';
is resume($p, $turn)->code, 404, 'and gone';

$p->no_errors_logged;
done_testing;
