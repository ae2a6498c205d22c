#!/usr/bin/perl
# POST /conv/chat: all lanes at once

use v5.36;
use utf8;

use List::Util qw(uniq max);
use Mojo::JSON qw(encode_json);
use ParleyTest;
use ParleyTest::Arena;
use Test::More;
use Time::HiRes qw(time);

my $p = ParleyTest->new(models => 4, workers => 1);
my @models = map { $_->{code} } $p->models;

sub script_all ($script) { $p->script($_, $script) for @models }
sub said ($log) { return join ' | ',
    map { "$_->{role}: $_->{content}" } @{ $log->{body}{messages} } }

# One whole turn.
script_all { steps => [{ delta => '你' }, { delta => "好 \"x\"\n" }, { finish => 'stop' },
	{ usage => { prompt_tokens => 11, completion_tokens => 4, total_tokens => 15 } },
	    { done => 1 }] };
my ($session, $pri, $s) = begin($p, '你好?');
is $s->code, 200, 'a stream';
is $s->header('content-type'), 'text/event-stream; charset=utf-8', 'its type';
is $s->header('cache-control'), 'no-cache', 'not to be kept';
is $s->header('x-accel-buffering') // 'no', 'no', 'not to be buffered';
like $s->header('x-stream-id'), qr/^[1-9]\d*$/, 'its id';
is $s->rest, '', 'it ends with a whole event';
unlike $s->body, qr/\[DONE\]/, 'no [DONE]';
is_deeply [grep { $_->{raw} !~ /\Adata: \{/ || $_->{raw} =~ /[\r\n]/ } @{ $s->events }], [],
    'bare data lines';
is_deeply [grep { defined $_->{id} } @{ $s->events }], [], 'without ids';
my $lanes = $p->lanes($s->events);
is_deeply [sort keys %$lanes], [qw(ALPHA BRAVO CHARLIE DELTA)], 'four lanes';
for my $mask (sort keys %$lanes) {
	my $lane = $lanes->{$mask};
	is $lane->{text}, "你好 \"x\"\n", "$mask: what the model said";
	is $lane->{finish}, 'stop', "$mask: its end";
	is @{ $lane->{citations} }, 1, "$mask: one frame after the stop";
	is_deeply $lane->{late}, [], "$mask: and nothing else";
	is_deeply $lane->{frames}[-1]{citations}, [], "$mask: without citations";
	is $lane->{frames}[0]{maskName}, '模型' . substr($mask, 0, 1), "$mask: its name";
	like $lane->{priId}, qr/^[0-9a-f]{32}$/, "$mask: its priId";
}
my ($frame) = map { $_->{data} } @{ $s->events };
is_deeply [sort keys %$frame],
    [sort qw(session_id object created choices citations maskName maskCode privateId)],
    'the members of a frame';
is $frame->{object}, 'chat.completion.chunk', 'object';
ok abs($frame->{created} - time) < 60, 'created is in seconds';
is_deeply $frame->{choices}, [{ index => 0,
    delta => { content => $frame->{choices}[0]{delta}{content} },
	finish_reason => undef }], 'choices';
is_deeply [uniq map { $_->{data}{session_id} } @{ $s->events }], [$session],
    'every frame names the session';
is_deeply create($p, session => $session)->{priIdMapping}, $pri,
    'the priIds of the frames are those of the mapping';

# It is stored.
my $rows = $p->sql('SELECT a.status, a.text, a.prompt_tokens, a.completion_tokens, a.estimated,'
    . ' a.cost, m.price_in, t.question, t.private FROM answer a JOIN turn t ON t.id = a.turn'
    . ' JOIN model m ON m.id = a.model');
is @$rows, 4, 'an answer for each lane';
for my $row (@$rows) {
	is_deeply [@$row{qw(status text prompt_tokens completion_tokens estimated question),
	    'private'}],
	    ['stop', "你好 \"x\"\n", 11, 4, 0, '你好?', 0], 'stored whole';
	ok abs($row->{cost} - (11 + 2 * 4) * $row->{price_in} / 1e6) < 1e-9, 'with its cost';
}
is $p->sql('SELECT SUM(amount) - (SELECT SUM(cost) FROM answer) AS d FROM ledger')->[0]{d} + 0, 0,
    'and settled';

# The next question: each lane hears what it has said itself, and nothing that the client makes up.
$p->upstream->clear_log;
$p->script($models[$_], { steps => [{ delta => "lane $_" }, { finish => 'stop' }, { done => 1 }] })
    for 0 .. 3;
my $again = $p->stream(POST => '/conv/chat', json => body($p, undef, session => $session,
    messages => [
	{ role => 'user', content => 'made up' }, { role => 'assistant', content => 'made up too' },
	{ role => 'user', content => 'next' }]));
is $again->code, 200, 'a second question';
is_deeply [uniq map { said($_) } $p->upstream_log],
    ["user: 你好? | assistant: 你好 \"x\"\n | user: next"],
    'what is stored is the context';
$p->upstream->clear_log;
$p->stream(POST => '/conv/chat', json => body($p, 'third', session => $session));
is_deeply [sort map { said($_) =~ s/.*user: next/next/sr } $p->upstream_log],
    [map { "next | assistant: lane $_ | user: third" } 0 .. 3],
    'each lane knows its own answer alone';

# A new session: earlier messages are context; the last user message is the question.
$p->upstream->clear_log;
my ($with) = begin($p, undef, messages => [
	{ role => 'system', content => 'Be brief.' }, { role => 'user', content => 'one' },
	{ role => 'assistant', content => 'two' }, { content => 'three' },
	    { role => 'assistant', content => 'cut off' }]);
is_deeply [uniq map { said($_) } $p->upstream_log],
    ['system: Be brief. | user: one | assistant: two | user: three'], 'given as they are';
$p->upstream->clear_log;
$p->stream(POST => '/conv/chat', json => body($p, 'four', session => $with));
is_deeply [uniq map { said($_) =~ s/(user: three).*/$1/sr } $p->upstream_log],
    ['system: Be brief. | user: one | assistant: two | user: three'], 'and kept for the next turn';

# A form says the same.
my $form = $p->stream(POST => '/conv/chat', form => { taskId => $p->task,
    'messages[0].role' => 'user',
	'messages[0].content' => '表单 + 问题' });
is keys %{ $p->lanes($form->events) }, 4, 'a form';
is $p->sql('SELECT question FROM turn ORDER BY id DESC LIMIT 1')->[0]{question}, '表单 + 问题',
    'asked the question';

# Frames go out as they arrive: a slow lane holds nobody back.
$p->script($models[0], { steps => [{ delta => 'slow ' }, { sleep => 1.2 }, { delta => 'end' },
    { finish => 'stop' },
	{ done => 1 }] });
$p->script($models[$_], { steps => [{ repeat => 10, steps => [{ delta => 'q' },
    { sleep => 0.02 }] }, { finish => 'stop' },
	{ done => 1 }] }) for 1 .. 3;
my (undef, undef, $mixed) = begin($p);
my %ended;
for my $event (@{ $mixed->events }) {
	$ended{ $event->{data}{maskCode} } = $event->{at}
	    if defined $event->{data}{choices}[0]{finish_reason};
}
my @order = sort { $ended{$a} <=> $ended{$b} } keys %ended;
ok $ended{ $order[3] } - $ended{ $order[2] } > 0.5, 'three lanes end long before the slow one';
is $p->lanes($mixed->events)->{ $order[3] }{text}, 'slow end', 'which is whole';
my @masks = map { $_->{data}{maskCode} } @{ $mixed->events };
ok scalar(grep { $masks[$_] ne $masks[$_ - 1] } 1 .. $#masks) > 8,
    'frames of the lanes are interleaved';

# Reasoning stands inline.
$p->script($models[0], { steps => [{ reasoning => 'Let me ' }, { reasoning => 'think' },
    { delta => 'So' },
	{ delta => ': 4' }, { finish => 'length' }, { done => 1 }] });
$p->script($models[1], { steps => [{ reasoning => 'nothing comes of it' }, { finish => 'stop' },
    { done => 1 }] });
my (undef, undef, $think) = begin($p, '2+2?');
my $by_text = $p->lanes($think->events);
ok((grep { $_->{text} eq '<think>Let me think</think>So: 4'
    && $_->{finish} eq 'length' } values %$by_text),
    'reasoning in <think>, before the answer');
ok((grep { $_->{text} eq '<think>nothing comes of it</think>' } values %$by_text),
    'also without an answer');

# One lane fails, the others are whole.
$p->script($models[0], { status => 500, headers => { 'Retry-After' => 9 } });	# not tried again
$p->script($models[1], { steps => [{ delta => 'as far as' }, { close => 1 }] });
$p->script($models[2], { steps => [{ delta => 'cut' }, { finish => 'content_filter' },
    { done => 1 }] });
my (undef, undef, $part) = begin($p, 'Whatever');
is $part->aborted, undef, 'the stream ends properly';
my @ends = sort map { join ' ', $_->{finish},
    $_->{error} ? $_->{error}{code} : '-' } values %{ $p->lanes($part->events) };
is_deeply \@ends, ['content_filter -', 'error 502', 'error 503', 'stop -'],
    'each lane has its own end';
is_deeply [grep { @{ $_->{citations} } != 1
    || @{ $_->{late} } } values %{ $p->lanes($part->events) }], [],
    'and its one citations frame';
is $p->sql("SELECT text FROM answer WHERE status = 'error' AND text <> ''")->[0]{text}, 'as far as',
    'what was said is stored';

# One turn at a time.
script_all { steps => [{ delta => 'a' }, { sleep => 1 }, { delta => 'b' }, { finish => 'stop' },
    { done => 1 }] };
my $busy;
my $long = $p->stream(POST => '/conv/chat', json => body($p, 'long', session => $session),
    on_event => sub ($e, $leave) {
	$busy //= $p->post('/conv/chat', json => body($p, 'too early', session => $session));
});
refused $busy, 409, qr/\S/, 'a lane that is answering takes no other question';
is_deeply [uniq map { $_->{text} } values %{ $p->lanes($long->events) }], ['ab'],
    'and goes on answering';
is $p->sql("SELECT COUNT(*) AS n FROM turn WHERE question = 'too early'")->[0]{n}, 0,
    'nothing of it is stored';

# A client that leaves: the answer goes on.
script_all { steps => [{ repeat => 8, steps => [{ delta => 'x' }, { sleep => 0.05 }] },
    { finish => 'stop' }, { done => 1 }] };
my $left = $p->stream(POST => '/conv/chat', json => body($p, 'leaving'), leave_after => 2);
ok $left->{left}, 'the client leaves';
$p->eventually('the answers are stored whole', sub {
	$p->sql("SELECT COUNT(*) AS n FROM answer a JOIN turn t ON t.id = a.turn"
	    . " WHERE t.question = 'leaving'"
	    . " AND a.status = 'stop' AND a.text = 'xxxxxxxx'")->[0]{n} == 4 });

# A lane whose model is disabled stays out.
$p->parley('model', 'disable', $models[0]);
my $three = $p->stream(POST => '/conv/chat', json => body($p, 'three of you', session => $session));
is keys %{ $p->lanes($three->events) }, 3, 'a disabled model answers no more';

$p->no_errors_logged;
done_testing;
