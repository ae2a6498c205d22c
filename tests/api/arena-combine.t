#!/usr/bin/perl
# /combine/chat on every method, and its fusion

use v5.36;
use utf8;

use List::Util qw(uniq);
use Mojo::JSON qw(encode_json);
use ParleyTest;
use ParleyTest::Arena;
use Test::More;

my $p = ParleyTest->new(models => 4, workers => 1);
my %ask = (taskId => 'not looked up', session_id => 'echo ✓',
    messages => [{ role => 'user', content => '问题 & more' }]);

sub stored () { return row_count($p) =~ s/ (?:turn|answer|ledger)=\d+//gr }

sub is_merged ($s, $name) {
	my $lanes = $p->lanes($s->events);
	my @bad = grep { $_->{finish} ne 'stop' || @{ $_->{citations} } != 1
	    || !length $_->{text} } values %$lanes;
	my @data = map { $_->{data} } @{ $s->events };
	ok $s->code == 200 && keys %$lanes == 4 && !@bad, "$name: four lanes" or diag $s->code . ' '
	    . $s->body;
	ok !(grep { !exists $_->{privateId} || defined $_->{privateId} } @data),
	    "$name: no privateId";
	is_deeply [uniq map { $_->{session_id} } @data], ['echo ✓'], "$name: the session is echoed";
	is $s->header('x-stream-id'), undef, "$name: no X-Stream-Id";
	is $s->header('set-cookie'), undef, "$name: nobody is made a guest";
}

# A stream by every method; nothing is stored but figures.
my $before = stored();
for my $method (qw(POST PUT PATCH DELETE OPTIONS)) {
	is_merged $p->stream($method => '/combine/chat', json => \%ask, user => undef), $method;
}
is_merged $p->stream(POST => '/combine/chat', user => undef,
    form => { taskId => 1, session_id => 'echo ✓',
	'messages[0].role' => 'user', 'messages[0].content' => 'x' }), 'a form';
is_merged $p->stream(GET => '/combine/chat', user => undef,
    query => { taskId => 1, session_id => 'echo ✓',
	'messages[0].role' => 'user', 'messages[0].content' => '问题 & more' }), 'GET';
is_merged $p->stream(GET => '/combine/chat', user => undef,
    query => { req => do { utf8::decode(my $j = encode_json \%ask);
	$j } }), 'GET with req';
is stored(), $before, 'no session, no citation';
my $answers = $p->sql('SELECT a.text, a.reasoning, a.session, a.status, a.prompt_tokens,'
    . ' a.completion_tokens, a.cost,'
    . ' t.question, t.context, t.owner FROM answer a JOIN turn t ON t.id = a.turn');
is @$answers, 4 * 8, 'every call has its row';
is_deeply [grep { defined($_->{text} // $_->{reasoning} // $_->{session} // $_->{question}
	// $_->{context}
	// $_->{owner}) } @$answers], [], 'without a word of it';
is_deeply [grep { $_->{status} ne 'stop' || !$_->{completion_tokens} || !$_->{prompt_tokens}
    || !($_->{cost} + 0) }
    @$answers], [], 'but with tokens and cost';
is $p->sql('SELECT SUM(amount) - (SELECT SUM(cost) FROM answer) AS d FROM ledger')->[0]{d} + 0, 0,
    'and settled';

# HEAD and OPTIONS ask no model.
$p->upstream->clear_log;
my $head = $p->request('HEAD', '/combine/chat', user => undef);
is $head->code, 200, 'HEAD';
is $head->header('content-type'), 'text/event-stream; charset=utf-8', 'has the headers';
is $head->body, '', 'alone';
my $options = $p->request('OPTIONS', '/combine/chat', user => undef);
is $options->code, 204, 'OPTIONS without a body';
is $options->header('allow'), 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS',
    'says what the path takes';
my $preflight = $p->request('OPTIONS', '/combine/chat', json => \%ask, user => undef, headers => {
	Origin => 'http://page.example', 'Access-Control-Request-Method' => 'POST' });
is $preflight->code, 204, 'a preflight';
is $preflight->header('access-control-allow-origin'), undef,
    'without a setting no origin is allowed';
is scalar($p->upstream_log), 0, 'no model was asked';

# Fusion: the drafts go to one model.
my ($fuse) = map { $_->{code} } $p->models;
$p->script('*', { times => 4, steps => [{ delta => 'draft' }, { finish => 'stop' },
    { done => 1 }] });
$p->script('*', { steps => [{ delta => 'fused ' }, { delta => 'answer' }, { finish => 'stop' },
    { done => 1 }] });
my $s = $p->stream(POST => "/combine/chat?fuse=$fuse", json => \%ask, user => undef);
my $lanes = $p->lanes($s->events);
is_deeply [sort keys %$lanes], [qw(ALPHA BRAVO CHARLIE DELTA FUSION)], 'one lane more';
is $lanes->{FUSION}{text}, 'fused answer', 'the fused answer';
is $lanes->{FUSION}{finish}, 'stop', 'ends';
is @{ $lanes->{FUSION}{citations} }, 1, 'with one citations frame';
my ($last) = (sort { $a->{n} <=> $b->{n} } $p->upstream_log)[-1];
is $last->{code}, $fuse, 'that model was asked';
is scalar(() = encode_json($last->{body}) =~ /draft/g), 4, 'and given the four drafts';
like encode_json($last->{body}), qr/\Q${\ substr(encode_json('问题'), 1, -1) }\E/,
    'and the question';

# A draft that failed is left out; fused all the same.
$p->script('m-b', { status => 500 });
my $some = $p->lanes($p->stream(GET => '/combine/chat', user => undef,
    query => { %{{ taskId => 1 }}, fuse => $fuse,
	'messages[0].role' => 'user', 'messages[0].content' => 'x' })->events);
is $some->{FUSION}{finish}, 'stop', 'one draft failed';

# Refusals.
my $rows = row_count($p);
refused $p->post('/combine/chat?fuse=m-zz', json => \%ask), 400, qr/fuse/, 'an unknown model';
$p->parley('model', 'disable', 'm-d');
refused $p->post('/combine/chat?fuse=m-d', json => \%ask), 400, qr/fuse/, 'a disabled model';
refused $p->post('/combine/chat', json => { %ask, taskId => undef }), 400, qr/taskId/,
    'a task is required';
refused $p->post('/combine/chat', json => { %ask, messages => [] }), 400, qr/messages/,
    'a question is required';
refused $p->get('/combine/chat'), 400, qr/taskId/, 'GET without anything';
refused $p->get('/combine/chat', query => { req => '{"taskId":' }), 400, qr/\S/,
    'GET with half a JSON';
refused $p->request('TRACEROUTE', '/combine/chat'), 405, qr/TRACEROUTE/, 'an unknown method';
is row_count($p), $rows, 'nothing of it is stored';

$p->no_errors_logged;
done_testing;
