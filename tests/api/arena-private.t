#!/usr/bin/perl
# POST /conv/chat/pri and /conv/chat/single: one lane

use v5.36;
use utf8;

use ParleyTest;
use ParleyTest::Arena;
use Test::More;

my $p = ParleyTest->new(models => 4, workers => 1);

sub says ($text, $times) {
	$p->script('*', { times => $times, steps => [{ delta => $text }, { finish => 'stop' },
	    { done => 1 }] });
}
sub heard () {
	return map { join ' | ',
	    map { "$_->{role}: $_->{content}" } @{ $_->{body}{messages} } } $p->upstream_log;
}
sub ask ($path, $question, $pri, %o) {
	return $p->stream(POST => $path, json => body($p, $question, pri => $pri, %o));
}
sub questions ($session, %query) {
	return $p->get('/conv/his', query => { sessionId => $session,
	    %query })->json->{data}{questions};
}

says('public', 4);
my ($session, $pri) = begin($p, '公开的问题');

# pri: the public question goes before it, and it stays between the two.
says('private', 1);
$p->upstream->clear_log;
my $s = ask('/conv/chat/pri', '悄悄问', $pri->{BRAVO});
my $lanes = $p->lanes($s->events);
is_deeply [keys %$lanes], ['BRAVO'], 'the one lane';
is $lanes->{BRAVO}{text}, 'private', 'answers';
is $lanes->{BRAVO}{priId}, $pri->{BRAVO}, 'under its priId';
is @{ $lanes->{BRAVO}{citations} }, 1, 'one citations frame';
is_deeply [heard()], ['user: 公开的问题 | assistant: public | user: 悄悄问'],
    'it has heard what was public';
is_deeply $p->sql('SELECT private FROM turn ORDER BY id'), [{ private => 0 }, { private => 1 }],
    'the turn is private';

says('more', 1);
$p->upstream->clear_log;
ask('/conv/chat/pri', '再问', $pri->{BRAVO});
is_deeply [heard()],
    ['user: 公开的问题 | assistant: public | user: 悄悄问 | assistant: private | user: 再问'],
    'and what was private to it';
says('other', 1);
$p->upstream->clear_log;
ask('/conv/chat/pri', '问你', $pri->{ALPHA});
is_deeply [heard()], ['user: 公开的问题 | assistant: public | user: 问你'],
    'but not what was private to another';

says('next', 4);
$p->upstream->clear_log;
$p->stream(POST => '/conv/chat', json => body($p, '公开二', session => $session));
is_deeply [heard()], [('user: 公开的问题 | assistant: public | user: 公开二') x 4],
    'nothing private goes public';
is_deeply questions($session), ['公开的问题', '公开二'], 'nor into the public history';
is_deeply questions($session, priId => $pri->{BRAVO}), ['公开的问题', '悄悄问', '再问', '公开二'],
    'the history of the lane has it';

# Another lane may answer meanwhile; the same may not.
my ($same, $another);
$p->script('*', { steps => [{ delta => 'a' }, { sleep => 0.8 }, { delta => 'b' },
    { finish => 'stop' }, { done => 1 }] });
my $slow = $p->stream(POST => '/conv/chat/pri', json => body($p, 'slow', pri => $pri->{ALPHA}),
    on_event => sub ($e, $) {
	return if $same;
	$same = $p->post('/conv/chat/pri', json => body($p, 'same', pri => $pri->{ALPHA}));
	says('quick', 1);
	$another = $p->post('/conv/chat/pri', json => body($p, 'another', pri => $pri->{CHARLIE}));
});
refused $same, 409, qr/\S/, 'the lane is answering';
like $another->body, qr/quick/, 'another lane answers meanwhile';
is $p->lanes($slow->events)->{ALPHA}{text}, 'ab', 'nobody was disturbed';

# single: public; four side by side are one question.
my $fresh = create($p);
my %fresh = %{ $fresh->{priIdMapping} };
says('one of four', 4);
my @four = $p->streams(map { [POST => '/conv/chat/single',
    json => body($p, '四个一起', pri => $fresh{$_})] } sort keys %fresh);
is_deeply [map { (values %{ $p->lanes($_->events) })[0]{text} } @four], [('one of four') x 4],
    'four streams';
is_deeply questions($fresh->{sessionId}), ['四个一起'], 'one question';
my $turns = $p->sql('SELECT group_id, private FROM turn WHERE session = ?',
    $fresh->{sessionId} =~ s/chat_//r);
is @$turns, 4, 'four turns';
is_deeply [grep { $_->{group_id} ne $turns->[0]{group_id} || $_->{private} } @$turns], [],
    'public, of one group';
says('again', 1);
ask('/conv/chat/single', '四个一起', $fresh{ALPHA});
is_deeply questions($fresh->{sessionId}), ['四个一起', '四个一起'],
    'the same question again is another';
says('other', 1);
ask('/conv/chat/single', '别的', $fresh{BRAVO});
is_deeply questions($fresh->{sessionId}), ['四个一起', '四个一起', '别的'],
    'another question is another';

# Refusals.
my $before = row_count($p);
for my $path ('/conv/chat/pri', '/conv/chat/single') {
	refused $p->post($path, json => body($p, 'x')), 400, qr/priId/,
	    "$path: a priId is required";
	refused $p->post($path, json => body($p, 'x', pri => $_)), 404, qr/priId \Q$_/,
	    "$path: no lane $_"
	    for 'nonsense', '0' x 32, uc $pri->{ALPHA}, "$pri->{ALPHA}0";
	refused $p->post($path, json => body($p, 'x', pri => $pri->{ALPHA}), user => 'bob'), 404,
	    qr/priId/,
	    "$path: no lane of others";
	refused $p->post($path, json => body($p, 'x', pri => $pri->{ALPHA},
	    session => $fresh->{sessionId})), 404,
	    qr/session_id/, "$path: not the session of that lane";
	refused $p->post($path, json => { messages => [], priId => $pri->{ALPHA} }), 400,
	    qr/taskId/,
	    "$path: a task is required";
}
is row_count($p), $before, 'nothing of it is stored';
my $model = $p->sql('SELECT m.code FROM lane l JOIN model m ON m.id = l.model WHERE l.pri_id = ?',
    $pri->{ALPHA})->[0];
$p->parley('model', 'disable', $model->{code});
my $gone = $p->post('/conv/chat/pri', json => body($p, 'x', pri => $pri->{ALPHA}));
refused $gone, 503, qr/模型A/, 'a disabled model';
is_deeply [$p->reveals($gone->seen)], [], 'is not named';

$p->no_errors_logged;
done_testing;
