#!/usr/bin/perl
# /conv/create, /conv/rename, /conv/del

use v5.36;
use utf8;

use List::Util qw(uniq);
use ParleyTest;
use ParleyTest::Arena;
use Test::More;

my $p = ParleyTest->new(models => 6, workers => 1);

sub title ($session) {
	return $p->sql('SELECT title FROM session WHERE id = ?',
	    $session =~ s/chat_//r)->[0]{title};
}

# create
my $made = create($p);
like $made->{sessionId}, qr/^chat_[1-9]\d*$/, 'a session id';
is_deeply [sort keys %$made], [qw(priIdMapping sessionId)], 'and the mapping';
is_deeply [sort keys %{ $made->{priIdMapping} }], [qw(ALPHA BRAVO CHARLIE DELTA)],
    'four lanes of six models';
like $_, qr/^[0-9a-f]{32}$/, 'a priId has 32 hex digits' for values %{ $made->{priIdMapping} };
is uniq(values %{ $made->{priIdMapping} }), 4, 'all of them differ';
is_deeply create($p, session => $made->{sessionId}), $made, 'the same session, the same mapping';
is_deeply create($p, session => $made->{sessionId}, task => 'none'), $made,
    'taskId is not looked up then';
isnt create($p)->{sessionId}, $made->{sessionId}, 'without session_id a new one';

# titles
is title($made->{sessionId}), 'Hello', 'titled by the first message';
is title(create($p, messages => [])->{sessionId}), '新对话', 'without one: untitled';
my $long = '长' x 150 . '😀' x 100;
is title(create($p, messages => [{ role => 'user', content => $long }])->{sessionId}),
    substr($long, 0, 200),
    'cut to 200 characters';
my @prompt = ({ role => 'system', content => 'You are a pirate' },
    { role => 'assistant', content => 'Ahoy' });
is title(create($p, messages => [@prompt, { content => '你好' }])->{sessionId}), '你好',
    'a system message is no title';
is title(create($p, messages => \@prompt)->{sessionId}), 'You are a pirate',
    'but where the user said nothing';
my $untitled = create($p, messages => [])->{sessionId};
$p->stream(POST => '/conv/chat', json => body($p, '第一个问题', session => $untitled));
is title($untitled), '第一个问题', 'an untitled session is titled by its first question';

# Which model is behind a mask is drawn for each session, and so is who takes part.
my %alpha;
create($p) for 1 .. 40;
my $drawn = $p->sql('SELECT lane, mask, model, session FROM lane');
push @{ $alpha{ $_->{model} } }, $_->{session} for grep { $_->{mask} eq 'ALPHA' } @$drawn;
is keys %alpha, 6, 'every model is ALPHA somewhere';
my %by_session;
push @{ $by_session{ $_->{session} } }, $_->{model} for @$drawn;
is_deeply [grep { uniq(@$_) != 4 } values %by_session], [], 'no model sits in two lanes';
ok uniq(map { join ' ', sort @$_ } values %by_session) > 5, 'the four are drawn at random';

# rename
done_true $p->get('/conv/rename', query => { sessionId => $made->{sessionId}, title => '改名' }),
    'rename';
is title($made->{sessionId}), '改名', 'it has the new title';
refused $p->get('/conv/rename', query => { sessionId => $made->{sessionId}, title => 'x' },
    user => 'bob'), 404,
    qr/sessionId $made->{sessionId}/, 'not by others';
refused $p->get('/conv/rename', query => { sessionId => $made->{sessionId} }), 400, qr/title/,
    'a title is required';

# ids in other forms are no ids
my $id = $made->{sessionId} =~ s/chat_//r;
for my $bad ($id, "chat_$id ", "CHAT_$id", "chat_0$id", "chat_+$id", 'chat_', 'chat_1',
    "chat_${id}0000000000", "' OR 1") {
	refused $p->post('/conv/create', json => body($p, 'x', session => $bad)), 404,
	    qr/session_id \Q$bad/, "no session $bad";
}
refused $p->post('/conv/create', json => body($p, 'x', session => $made->{sessionId}),
    user => 'bob'), 404, qr/session_id/,
    "no session of others";

# tasks
my $bobs = $p->task('bob');
refused $p->post('/conv/create', json => body($p, 'x', task => $bobs)), 404, qr/taskId/,
    'no task of others';
refused $p->post('/conv/create', json => body($p, 'x', task => 'nonsense')), 404, qr/taskId/,
    'no task that is none';
refused $p->post('/conv/create', json => { messages => [] }), 400, qr/taskId/, 'a task is required';

# del
my ($asked, $pri) = begin($p);
refused $p->get('/conv/del', query => { sessionId => $asked }, user => 'bob'), 404,
    qr/sessionId $asked/, 'not by others';
done_true $p->get('/conv/del', query => { sessionId => $asked }), 'del';
refused $p->get('/conv/del', query => { sessionId => $asked }), 404, qr/sessionId $asked/,
    'a second time';
refused $p->get('/conv/his', query => { sessionId => $asked }), 404, qr/sessionId $asked/,
    'no history';
refused $p->get('/conv/like', query => { priId => $pri->{ALPHA} }), 404, qr/priId $pri->{ALPHA}/,
    'no vote';
refused $p->stream(POST => '/conv/chat', json => body($p, 'x', session => $asked)), 404,
    qr/session_id/, 'no question';
refused $p->stream(POST => '/conv/chat/pri', json => body($p, 'x', pri => $pri->{ALPHA})), 404,
    qr/priId/,
    'no private one';
is_deeply [grep { $_->{id} eq $asked } map { @{ $_->{children} } }
    @{ $p->get('/task/list')->json->{data} }], [],
    'it is not listed';

# No model is enabled.
$p->parley('model', 'disable', $_->{code}) for $p->models;
my $before = row_count($p);
for my $path ('/conv/create', '/conv/chat', '/combine/chat') {
	refused $p->post($path, json => body($p, 'x')), 503, qr/models/, "$path without a model";
}
is row_count($p), $before, 'nothing of it is stored';

$p->no_errors_logged;
done_testing;
