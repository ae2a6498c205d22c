#!/usr/bin/perl
# POST /studio/rag/data/v1/release:chat: a published assistant answers, as one reply or as a stream,
# round after round, or once more.

use v5.36;
use utf8;

use Mojo::File qw(path);
use Mojo::JSON qw(decode_json encode_json true);
use ParleyTest;
use ParleyTest::Chat;
use ParleyTest::Process;
use ParleyTest::Release;
use ParleyTest::Streams;
use Test::More;

my $SSE     = { Accept => 'text/event-stream' };
my $EXAMPLE = decode_json(path('tests/api/release-example.json')->slurp);
my $p = ParleyTest->new(models => 2, workers => 2,
    model_args => ['--first-token', 3, '--idle', 3, '--total', 20]);
my @ann = login($p, 'ann', name => '安');
my $helper = an_assistant($p, system => 'You sell bread.');

sub with (%headers) { return (user => undef, headers => { %{ {@ann}->{headers} }, %headers }) }

sub body ($content, %o) {
	return { action => 1, content => $content, release_key => $helper->{release_key}, %o };
}

sub ask ($content, %o) { return $p->post($CHAT, json => body($content, %o), @ann) }

sub streamed ($content, %o) {
	return $p->stream(POST => $CHAT, json => body($content, stream => true, %o), @ann);
}

sub says (@deltas) {
	return $p->script('m-a', { steps => [map({ { delta => $_ } } @deltas), { finish => 'stop' },
	    { done => 1 }] });
}

sub frames ($s) { return map { $_->{data} } @{ $s->events } }

sub heard () {
	return [map { [@$_{qw(role content)}] } @{ ($p->upstream_log)[-1]{body}{messages} }];
}

my %zero = (message => '', delta => '', finish_reason => 0, knowledge_base_results => [],
    prompt_questions => []);

subtest 'one reply' => sub {
	says('一 "二"', "\n\x{1f388}");
	my $r = ask('你好, "world"?');
	is $r->code, 200, 'answered' or diag $r->body;
	my $row = $p->sql('SELECT s.id, s.title, s.assistant, s.version, s.owner, t.id AS turn,'
	    . ' t.voice, l.mask FROM session s JOIN turn t ON t.session = s.id'
	    . ' JOIN lane l ON l.session = s.id')->[0];
	is_deeply [differs($r->json, $EXAMPLE)], [], 'has the members of the document';
	is_deeply $r->json, { %zero, conversation_id => $row->{id}, seq => 1, finish_reason => 1,
	    message => "一 \"二\"\n\x{1f388}", history_id => $row->{turn} }, 'all of its members';
	is_deeply [@$row{qw(title assistant version voice mask)}], ['你好, "world"?', $helper->{id},
	    $helper->{version}, 'release', undef], 'what is stored';
	is_deeply heard(), [[system => 'You sell bread.'], [user => '你好, "world"?']],
	    'what the model heard';

	says('Again.');
	my $next = ask('And then?', conversation_id => $row->{id}, action => 0)->json;
	is_deeply [@$next{qw(conversation_id seq message)}], [$row->{id}, 2, 'Again.'],
	    'the second round';
	isnt $next->{history_id}, $row->{turn}, 'with a history of its own';
	is_deeply heard(), [[system => 'You sell bread.'], [user => '你好, "world"?'],
	    [assistant => "一 \"二\"\n\x{1f388}"], [user => 'And then?']], 'what was said before';
	is $p->get("/v1/chat/session/$row->{id}", @ann)->json->{records}[0]{problemText},
	    '你好, "world"?', 'it is an ordinary conversation';
};

subtest 'a stream' => sub {
	$p->script('m-a', { steps => [{ reasoning => 'Hm. ' }, map({ ({ delta => "w$_ " },
	    { sleep => 0.1 }) } 1 .. 10), { finish => 'length' }, { done => 1 }] });
	my $s = streamed('Tell me');
	is $s->code, 200, 'answered' or diag $s->body;
	is $s->header('content-type'), 'text/event-stream; charset=utf-8', 'as a stream';
	is_deeply [grep { defined } ids_of($s)], [], 'without ids';
	my ($first, @parts) = frames($s);
	my ($last, $done) = splice @parts, -2;
	my $turn = $p->sql('SELECT id, session FROM turn ORDER BY id DESC')->[0];
	my %ids = (conversation_id => $turn->{session}, seq => 1, history_id => $turn->{id});
	is turn_of($s), $turn->{id}, 'the header names it';
	is_deeply $first, { %zero, %ids }, 'first its ids';
	is_deeply \@parts, [map { { %zero, %ids, delta => $_ } } '<think>Hm. ', '</think>w1 ',
	    map { "w$_ " } 2 .. 10], 'each delta an event' or diag explain \@parts;
	my @at = map { $_->{at} } @{ $s->events };
	cmp_ok $at[11] - $at[2], '>', 0.6, 'as it comes';
	is_deeply $last, { %zero, %ids, finish_reason => 2,
	    message => '<think>Hm. </think>' . join '', map { "w$_ " } 1 .. 10 }, 'then the whole';
	is $done, '[DONE]', 'and the end';
	like $s->body, qr/^data: \{"conversation_id":"\d+","seq":1,"message":"","delta":""/,
	    'in the order of the document';

	says('Yes.');
	$s = $p->stream(POST => $CHAT, json => body('Really?'), with(%$SSE));
	is +(frames($s))[-2]{message}, 'Yes.', 'Accept chooses a stream as well';
};

subtest 'once more' => sub {
	says('First.');
	my $one = ask('How?')->json;
	says('Second.');
	my $two = ask('Why?', conversation_id => $one->{conversation_id})->json;
	says('Better.');
	my $again = ask('', action => 2, conversation_id => $one->{conversation_id})->json;
	is_deeply [@$again{qw(conversation_id seq history_id message)}],
	    [@$two{qw(conversation_id seq history_id)}, 'Better.'], 'keeps its place';
	is_deeply heard(), [[system => 'You sell bread.'], [user => 'How?'],
	    [assistant => 'First.'], [user => 'Why?']], 'without the answer that it replaces';
	is_deeply [map { $_->{text} } @{ $p->sql('SELECT a.text FROM answer a JOIN turn t'
	    . ' ON t.id = a.turn WHERE t.group_id = ? ORDER BY a.id', $two->{history_id}) }],
	    ['Second.', 'Better.'], 'which is kept';
	says('Best.');
	my @frames = frames(streamed('', action => 2, conversation_id => $one->{conversation_id}));
	is_deeply [@{ $frames[-2] }{qw(seq history_id message)}], [2, $two->{history_id}, 'Best.'],
	    'as a stream';
	says('Third.');
	my $three = ask('Who?', conversation_id => $one->{conversation_id})->json;
	is $three->{seq}, 3, 'the next round';
	is_deeply heard(), [[system => 'You sell bread.'], [user => 'How?'],
	    [assistant => 'First.'], [user => 'Why?'], [assistant => 'Best.'], [user => 'Who?']],
	    'goes on from the newest answer';
};

subtest 'versions' => sub {
	my $a = an_assistant($p, system => 'Old.');
	my %key = (release_key => $a->{release_key});
	my $one = ask('Hello', %key)->json;
	my ($exit, $out) = $p->parley('assistant', 'update', $a->{id}, '--system', 'New.',
	    '--model', 'm-b', '--json');
	ask('Hello', %key);
	is heard()->[0][1], 'Old.', 'the published one answers';
	$p->parley('assistant', 'publish', $a->{id});
	ask('And now', %key, conversation_id => $one->{conversation_id});
	is_deeply [heard()->[0][1], scalar @{ heard() }], ['New.', 4], 'then the other, going on';
	is +($p->upstream_log)[-1]{code}, 'm-b', 'by its model';
	is $p->sql('SELECT version AS v FROM session WHERE id = ?',
	    $one->{conversation_id})->[0]{v}, decode_json($out)->{version},
	    'which the conversation notes';
	my $forgetful = an_assistant($p, context => 'off');
	$one = ask('One', release_key => $forgetful->{release_key})->json;
	my $two = ask('Two', release_key => $forgetful->{release_key},
	    conversation_id => $one->{conversation_id})->json;
	is $two->{seq}, 2, 'without context there are rounds as well';
	is_deeply heard(), [[user => 'Two']], 'but nothing is heard';
};

subtest 'questions that may come next' => sub {
	my $a = an_assistant($p, suggest => 'on');
	says('Bread.');
	says("How much?\nSince when?\n");
	my $r = ask('What?', release_key => $a->{release_key})->json;
	is_deeply [@$r{qw(message prompt_questions)}], ['Bread.', ['How much?', 'Since when?']],
	    'are told';
	says('Rolls.');
	says('Why?');
	my @frames = frames(streamed('What?', release_key => $a->{release_key}));
	is_deeply $frames[-2]{prompt_questions}, ['Why?'], 'in the last message of a stream';
	is_deeply [map { @{ $_->{prompt_questions} } } @frames[0 .. $#frames - 2]], [],
	    'and in no other';
};

subtest 'tools' => sub {
	my $file = $p->dir . '/tool.json';
	ParleyTest::Process::spew($file, encode_json({ name => 'price', description => 'Prices',
		parameters => { type => 'object', properties => { of => { type => 'string' } } },
		url => 'http://127.0.0.1:1/{of}', timeout => 1 }));
	$p->parley('tool', 'add', $file);
	my $a = an_assistant($p, tool => 'price');
	$p->script('m-a', { steps => [{ tool_calls => [{ name => 'price',
	    arguments => { of => 'rye' } }] }, { finish => 'tool_calls' }, { done => 1 }] });
	says('I do not know.');
	my $r = ask('How much is rye?', release_key => $a->{release_key});
	is $r->json->{message}, 'I do not know.', 'an answer' or diag $r->body;
	my @asked = ($p->upstream_log)[-2, -1];
	is $asked[0]{body}{tools}[0]{function}{name}, 'price', 'the model was told of the tool';
	is $asked[1]{body}{messages}[-1]{role}, 'tool', 'and what became of its call';
};

subtest 'knowledge' => sub {
	my $dir = $p->dir;
	my @long = map { "Notes on page $_ say nothing of that. " x 12 } 1 .. 8;
	ParleyTest::Process::spew("$dir/rye.txt",
	    join "\n\n", "Rye bread costs 340 cents at the counter. " x 4, @long);
	my ($exit, $out, $err) = $p->parley({ seconds => 60 }, 'import', 'documents',
	    "$dir/rye.txt", '--user', 'baker', '--dataset', 'prices', '--wait');
	is $exit, 0, 'a document' or diag $err;
	$p->sql('UPDATE user SET name = ? WHERE subject = ?', '面包师', 'baker');
	my $set = $p->sql('SELECT id FROM dataset')->[0]{id};
	my $doc = $p->sql('SELECT * FROM document')->[0];
	my $a = an_assistant($p, dataset => $set);
	says('340.');
	my $r = ask('What does rye bread cost?', release_key => $a->{release_key})->json;
	my $results = $r->{knowledge_base_results};
	is_deeply [differs($results, $EXAMPLE->{knowledge_base_results})], [],
	    'every member of the document, of its type';
	my $best = $results->[0];
	like $best->{page_content}, qr/\ARye bread costs 340/, 'the best first';
	ok $best->{confidence} > 0 && $best->{confidence} <= 1, 'a confidence';
	my $d = $best->{document};
	is_deeply [@$d{qw(document_id display_name type document_size token_count segment_count
		dataset_id dataset_display data_source_type creator uri)}],
	    [$doc->{id}, 'rye.txt', 1, -s "$dir/rye.txt", $doc->{tokens} + 0,
		$doc->{segments} + 0, $set, 'prices', 1, '面包师', ''], 'the document';
	like $d->{create_time}, qr/\A20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\z/, 'its time';
	is $d->{segments}[0]{content}, $best->{page_content}, 'its segments';
	is $best->{words}, length $best->{page_content}, 'counted';
	like join(' ', map { $_->[1] } grep { $_->[0] eq 'system' } @{ heard() }), qr/340 cents/,
	    'the model was told, whoever asks';

	says('340.');
	my @frames = frames(streamed('What does rye bread cost?',
	    release_key => $a->{release_key}));
	is_deeply $frames[-2]{knowledge_base_results}, $results, 'as a stream: at its end';
	is_deeply [map { @{ $_->{knowledge_base_results} } } @frames[0 .. $#frames - 2]], [],
	    'only there';
	says('No.');
	$r = ask('Wer war Ottokar?', release_key => $a->{release_key})->json;
	is_deeply $r->{knowledge_base_results}, [], 'nothing where nothing is found';
};

subtest 'models' => sub {
	my $r = $p->get('/studio/rag/data/v1/conversation:allModel', @ann);
	is_deeply $r->json, { models => [map { { id => $_->{code}, display_name => $_->{name},
	    owner => 'parley' } } @{ $p->sql('SELECT code, name FROM model ORDER BY code') }] },
	    'all of them';
	is $p->get('/api//studio/rag/data/v1/conversation%3AallModel/', @ann)->code, 200,
	    'at any spelling of the path';
	release_refused $p->get('/studio/rag/data/v1/conversation:allModel', user => undef),
	    401, 16, qr/not authenticated/, 'for who is logged in';
};

$p->no_errors_logged;
done_testing;
