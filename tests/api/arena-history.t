#!/usr/bin/perl
# GET /conv/his

use v5.36;
use utf8;

use ParleyTest;
use ParleyTest::Arena;
use Test::More;
use Time::HiRes qw(time);

my $p = ParleyTest->new(models => 2, workers => 1);

sub his ($session, %o) {
	my $user = delete $o{user} // 'tester';
	return $p->get('/conv/his', query => { sessionId => $session, %o }, user => $user);
}
sub says (@steps) { $p->script('*', { times => 2, steps => [@steps, { done => 1 }] }) }

# Nothing yet.
my $made = create($p);
my $empty = his($made->{sessionId});
is $empty->code, 200, 'a session without a turn';
is_deeply $empty->json, { code => 200, msg => '执行成功!',
    data => { sessionId => $made->{sessionId}, question => '',
	questions => [], chatMap => { ALPHA => [], BRAVO => [] } } }, 'has empty lists';

# Turns of all kinds.
says({ reasoning => 'hm' }, { delta => "第一 \"答\"\n" },
    { citations => [{ id => 'u1', summary => 's', other => [1] }] },
    { finish => 'stop' });
my ($session, $pri, $s) = begin($p, '第一问');
says({ delta => 'cut' }, { finish => 'length' });
$p->stream(POST => '/conv/chat', json => body($p, '第二问', session => $session));
$p->script('*', { steps => [{ delta => 'secret' }, { finish => 'stop' }, { done => 1 }] });
$p->stream(POST => '/conv/chat/pri', json => body($p, '私问', pri => $pri->{BRAVO}));
$p->script('*', { times => 2, steps => [{ delta => 'so far' }, { close => 1 }] });
$p->stream(POST => '/conv/chat', json => body($p, '第三问', session => $session));

my $data = his($session)->json->{data};
is_deeply [@$data{qw(sessionId question)}], [$session, '第一问'], 'session and question';
is_deeply $data->{questions}, ['第一问', '第二问', '第三问'], 'public questions';
is_deeply [sort keys %{ $data->{chatMap} }], [qw(ALPHA BRAVO)], 'by mask';
for my $mask (qw(ALPHA BRAVO)) {
	my @vo = @{ $data->{chatMap}{$mask} };
	is_deeply [map { $_->{choices}[0]{delta}{content} } @vo],
	    ["<think>hm</think>第一 \"答\"\n", 'cut', 'so far'],
	    "$mask: whole answers";
	is_deeply [map { $_->{choices}[0]{finish_reason} } @vo], [qw(stop length error)],
	    "$mask: how they ended";
	is_deeply [map { $_->{question} } @vo], ['第一问', '第二问', '第三问'],
	    "$mask: their questions";
	is_deeply [map { @$_{qw(session_id object maskCode maskName privateId)} } $vo[0]],
	    [$session, 'chat.completion.chunk', $mask, '模型' . substr($mask, 0, 1), $pri->{$mask}],
	    "$mask: who and where";
	is_deeply [map { $_->{citations} } @vo],
	    [[{ id => 'u1', summary => 's', start_time => undef,
	    duration => 0, callnumber => undef, callednumber => undef, labels => undef }], [], []],
	    "$mask: citations as they came";
	ok !(grep { abs($_->{created} - time) > 60 } @vo), "$mask: created in seconds";
	my $text = $p->lanes($s->events)->{$mask}{text};
	is $vo[0]{choices}[0]{delta}{content}, $text, "$mask: the history repeats the stream";
}

# One lane.
my $lane = his($session, priId => $pri->{BRAVO})->json->{data};
is_deeply [keys %{ $lane->{chatMap} }], ['BRAVO'], 'with priId the one lane';
is_deeply $lane->{questions}, ['第一问', '第二问', '私问', '第三问'], 'public and private';
is_deeply [map { $_->{choices}[0]{delta}{content} } @{ $lane->{chatMap}{BRAVO} }],
    ["<think>hm</think>第一 \"答\"\n", 'cut', 'secret', 'so far'], 'by begin time';
is_deeply his($session, priId => $pri->{ALPHA})->json->{data}{questions},
    ['第一问', '第二问', '第三问'],
    'the other lane knows nothing of it';

# What still runs is there, without an end.
$p->script('*', { times => 2, steps => [{ delta => 'a' }, { sleep => 0.6 }, { finish => 'stop' },
    { done => 1 }] });
my $during;
$p->stream(POST => '/conv/chat', json => body($p, 'running', session => $session),
    on_event => sub ($e, $) {
	$during //= his($session)->json->{data}{chatMap}{ALPHA}[-1];
});
is_deeply [@{ $during->{choices}[0] }{qw(finish_reason)}, $during->{question}], [undef, 'running'],
    'a running answer';

# Refusals.
refused his($session, user => 'bob'), 404, qr/sessionId $session/, 'not by others';
refused his('chat_1'), 404, qr/sessionId chat_1/, 'no such session';
refused his($session, priId => 'f' x 32), 404, qr/priId f/, 'no such lane';
refused his($session, priId => $made->{priIdMapping}{ALPHA}), 404, qr/priId/,
    'a lane of another session';
refused $p->get('/conv/his'), 400, qr/sessionId/, 'a session is required';

$p->no_errors_logged('quiet', allow => []);
done_testing;
