#!/usr/bin/perl
# POST /v1/chat/session/conversation, and GET as EventSource does it: a question, and its record with
# the answer, as one reply or as a stream.

use v5.36;
use utf8;

use List::Util  qw(uniq);
use MIME::Base64 qw(encode_base64);
use Mojo::JSON  qw(decode_json encode_json true);
use ParleyTest;
use ParleyTest::Chat;
use ParleyTest::Streams;
use Test::More;
use Time::HiRes qw(time);

my $PATH = '/v1/chat/session/conversation';
my $SSE  = { Accept => 'text/event-stream' };

my $p = ParleyTest->new(models => 3, workers => 2,
    model_args => ['--first-token', 2, '--idle', 2, '--total', 20]);
my @models = map { $_->{code} } $p->models;
my %model = map { $_->{code} => $_ } @{ $p->sql('SELECT id, code, name FROM model') };
$_->{id} += 0 for values %model;
my @ann = login($p, 'ann', name => '安', avatar => 'https://a.example/ann.png');

sub chat (%fields) { return new_chat($p, \@ann, %fields)->{id} }

# The body of a question; more fields as names.
sub question ($session, $text, %o) {
	return { sessionId => $session, modelId => $model{ $models[0] }{id}, contentType => 'text',
	    text => $text, %o };
}

# Options of a request by ann with more headers.
sub with (%headers) { return (user => undef, headers => { %{ {@ann}->{headers} }, %headers }) }

sub asked ($body, %headers) { return $p->post($PATH, json => $body, with(%headers)) }

sub streamed ($body, %o) {
	my %headers = %{ delete $o{headers} // {} };
	return $p->stream(POST => $PATH, json => $body, with(%$SSE, %headers), %o);
}

sub frames ($s) { return map { $_->{data} } @{ $s->events } }
sub said ($s) { return join '', map { @{ $_->{parts} } } frames($s) }

# What the models were asked: the messages of the newest request.
sub heard () { return ($p->upstream_log)[-1]{body}{messages} }

my $session = chat();
is_deeply [sort keys %{ new_chat($p, \@ann) }], [qw(author createdAt id module type)],
    'a session without a title';

subtest 'one reply' => sub {
	$p->script($models[0], { steps => [{ reasoning => 'Hm. ' }, { reasoning => '好' },
	    { delta => '一 "二"' }, { delta => "\n\x{1f388}" }, { finish => 'stop' },
	    { done => 1 }] });
	my $r = asked(question($session, '你好, "world"?'));
	is $r->code, 200, 'answered' or diag $r->body;
	like $r->header('content-type'), qr{^application/json}, 'as JSON';
	is $r->header('x-stream-id'), undef, 'no stream';
	my $record = $r->json->{record};
	is_deeply $r->json, { record => $record, finished => true,
	    parts => ["<think>Hm. 好</think>一 \"二\"\n\x{1f388}"] }, 'all of it in one part';
	my $row = $p->sql('SELECT a.id, a.turn, t.owner, a.created_ms, s.title, s.model, t.group_id,'
	    . ' t.voice, t.content_type, t.file_url FROM answer a JOIN turn t ON t.id = a.turn'
	    . ' JOIN session s ON s.id = a.session WHERE a.session = ?', $session)->[0];
	is_deeply $record, {
		id => $row->{id} + 0, sessionId => $session, groupId => $row->{turn} + 0,
		modelId => $model{'m-a'}{id}, authorId => $row->{owner} + 0,
		author => { id => $row->{owner} + 0, name => '安',
		    avatar => 'https://a.example/ann.png' },
		model => { id => $model{'m-a'}{id}, code => 'm-a', name => 'Secret Alpha Corp',
		    logo => '' },
		contentType => 'text', problemText => '你好, "world"?',
		answerText => "一 \"二\"\n\x{1f388}", status => 'finished_success',
		createAt => $row->{created_ms} + 0,
	}, 'the record';
	is_deeply [@$row{qw(title model voice content_type file_url)}],
	    ['你好, "world"?', $model{'m-a'}{id}, 'session', 'text', undef],
	    'titled by its first question; it has its model now';
	is_deeply heard(), [{ role => 'user', content => '你好, "world"?' }], 'what the model heard';
	my $list = $p->post('/v1/chat/session/records', json => { sessionId => $session }, @ann);
	is_deeply $list->json->{list}, [$record], 'as the list of records has it';
};

subtest 'a stream' => sub {
	$p->script($models[1], { steps => [map({ ({ delta => "w$_ " }, { sleep => 0.1 }) } 1 .. 10),
	    { finish => 'stop' }, { done => 1 }] });
	my $s = streamed(question($session, 'Once more', modelId => $model{'m-b'}{id}));
	is $s->code, 200, 'answered' or diag $s->body;
	is $s->header('content-type'), 'text/event-stream; charset=utf-8', 'as a stream';
	is_deeply [grep { defined } ids_of($s)], [], 'a POST has no ids of itself';
	my ($first, @parts) = frames($s);
	my $last = pop @parts;
	my $turn = turn_of($s);
	is_deeply $first, { record => { %{ $last->{record} }, status => 'processing',
	    answerText => '' }, parts => [], finished => Mojo::JSON->false, streamId => $turn + 0 },
	    'first the record as it begins';
	is_deeply \@parts, [map { { parts => ["w$_ "], finished => Mojo::JSON->false } } 1 .. 10],
	    'each delta an event';
	my @at = map { $_->{at} } @{ $s->events };
	cmp_ok $at[10] - $at[1], '>', 0.6, 'as it comes';
	is_deeply [@$last{qw(parts finished)}, sort keys %$last], [[], true,
	    qw(finished parts record)], 'then the end';
	is $last->{record}{status}, 'finished_success', 'its record is final';
	is $last->{record}{answerText}, join('', map { "w$_ " } 1 .. 10), 'with the whole answer';
	is $last->{record}{model}{code}, 'm-b', 'by the model that was asked';
	my $list = $p->post('/v1/chat/session/records', json => { sessionId => $session }, @ann);
	is_deeply $list->json->{list}[0], $last->{record}, 'as the list of records has it';
	is_deeply [map { @$_{qw(role content)} } @{ heard() }], [user => '你好, "world"?',
	    assistant => "一 \"二\"\n\x{1f388}", user => 'Once more'], 'what was said before';
	is $p->sql('SELECT title, model FROM session WHERE id = ?', $session)->[0]{model},
	    $model{'m-b'}{id}, 'the session has the model of its newest question';
	is_deeply [map { $_->{id} } @{ streamed(question($session, 'x'), headers => {
	    'X-Stream-Ids' => 1 })->events }]->[0] =~ /-1$/, 1, 'ids where they are wanted';
};

done_testing;
