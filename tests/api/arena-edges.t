#!/usr/bin/perl
# Where a careless client, a prefetcher or a talkative upstream could do harm.

use v5.36;
use utf8;

use ParleyTest;
use ParleyTest::Arena;
use Test::More;

my $p = ParleyTest->new(models => 2, workers => 1);

# The document's own example body, with everything left empty.
my $r = $p->post('/conv/create', user => 'ann', json => { taskId => $p->task('ann'), priId => '',
	messages => [{ role => '', content => '' }], session_id => '', start_time => '',
	end_time => '' });
is $r->code, 200, 'the document\'s example body is taken' or diag $r->body;

# What an upstream cites may name it: only the document's members go out.
my $model = 'm-a';
$p->script($model, { steps => [{ delta => 'x' }, { citations => [
	{ id => 5, summary => 's', model => 'veiled-a-70b', X => { y => 1 } }, { foo => 1 } ] },
	{ citations => [{ id => 5, summary => 's', model => 'veiled-a-70b', X => { y => 1 } }] },
	{ finish => 'stop' }, { done => 1 }] });
my $s = $p->stream(POST => '/conv/chat', user => 'ann',
    json => body($p, 'who are you?', user => 'ann'));
is_deeply [$p->reveals($s->seen)], [], 'a citation names no model';
my ($lane) = grep { @{ $_->{citations}[0]{citations} } } values %{ $p->lanes($s->events) };
is_deeply $lane->{citations}[0]{citations}, [{ id => '5', summary => 's', start_time => undef,
	duration => 0, callnumber => undef, callednumber => undef, labels => undef }],
	'the members of the document, once';
my $session = $s->events->[0]{data}{session_id};
my $his = $p->get("/conv/his?sessionId=$session", user => 'ann');
is_deeply [$p->reveals($his->body)], [], 'nor does the history';

# Looking is not voting, and not deleting.
my $pri = $lane->{frames}[0]{data}{privateId} // $lane->{frames}[0]{privateId};
$r = $p->request('HEAD', "/conv/like?priId=$pri", user => 'ann');
is $r->code, 405, 'HEAD does not stand for a GET that votes';
unlike $r->header('Allow') // '', qr/HEAD/, 'and Allow says so';
is @{ $p->sql('SELECT 1 FROM vote') }, 0, 'no vote';
is $p->request('HEAD', '/task/list', user => 'ann')->code, 200, 'HEAD of a plain GET';

# Nobody leaves no trace.
my $before = @{ $p->sql('SELECT id FROM user') };
$r = $p->get('/conv/his?sessionId=chat_1', user => undef);
is $r->code, 404, 'nobody finds nothing';
is $r->header('Set-Cookie'), undef, 'and is given nothing';
is @{ $p->sql('SELECT id FROM user') }, $before, 'no user is stored';

# A userId that cannot be one is refused, not replaced by a stranger.
$r = $p->post('/conv/chat', user => undef, headers => { userId => "\xff\xfe" },
    json => body($p, 'q', user => 'ann'));
is $r->code, 400, 'a userId that is not UTF-8' or diag $r->body;
like $r->json->{msg}, qr/userId/, 'is named';
is @{ $p->sql('SELECT id FROM user') }, $before, 'and nobody is made in its place';

$p->no_errors_logged('quiet');
done_testing;
