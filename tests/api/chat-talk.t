#!/usr/bin/perl
# POST /v1/chat/session/conversation, and GET as EventSource does it: a question, and its record
# with the answer, as one reply or as a stream.

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
subtest 'titles' => sub {
	my $title = sub ($session) {
		return $p->get("/v1/chat/session/$session", with())->json->{session}{title} };
	my $ask = sub ($session, $text) {
		$p->script($models[0], { steps => [{ delta => 'x' }, { finish => 'stop' },
		    { done => 1 }] });
		is asked(question($session, $text))->code, 200, 'asked';
		return $title->($session);
	};
	my $none = chat();
	is $title->($none), undef, 'a session without a title';
	is $ask->($none, " \n\x{3000} "), undef, 'a question of blanks gives none';
	is $ask->($none, "\n  Two\t lines:\r\n你\x{3000}好 \n"), 'Two lines: 你 好',
	    'the first of words does, in one line';
	is $ask->($none, 'Another'), 'Two lines: 你 好', 'the second changes nothing';
	for my $name ('新对话', 'New chat') {
		is $ask->(new_chat($p, \@ann, title => $name)->{id}, 'What?'), $name,
		    'whoever is called that keeps the name';
	}
	is $ask->(chat(), 'x ' x 150), substr('x ' x 150, 0, 200), 'cut to 200 characters';
};

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
	    parts => [$record->{answerText}], reasoning => 'Hm. 好' },
	    'all of it in one part, and beside it what was thought';
	my $row = $p->sql('SELECT a.id, a.turn, t.owner, a.created_ms, s.title, s.model,'
	    . ' t.group_id, t.voice, t.content_type, t.file_url FROM answer a'
	    . ' JOIN turn t ON t.id = a.turn JOIN session s ON s.id = a.session'
	    . ' WHERE a.session = ?', $session)->[0];
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
	is_deeply heard(), [{ role => 'user', content => '你好, "world"?' }],
	    'what the model heard';
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


subtest 'a model that thinks' => sub {
	my $chat = chat();
	$p->script($models[0], { steps => [{ reasoning => 'Hm. ' }, { reasoning => '好' },
	    { delta => 'Yes' }, { delta => '.' }, { finish => 'stop' }, { done => 1 }] });
	my $s = streamed(question($chat, 'Is it?'));
	my ($first, @parts) = frames($s);
	my $last = pop @parts;
	my @more = (finished => Mojo::JSON->false);
	is_deeply \@parts, [map({ { parts => [], reasoning => $_, @more } } 'Hm. ', '好'),
	    map({ { parts => [$_], @more } } 'Yes', '.')],
	    'its thoughts are no parts of the answer';
	is said($s), $last->{record}{answerText}, 'which is all parts together';
	is $last->{record}{answerText}, 'Yes.', 'and nothing else';
	is_deeply [data_lines(resume($p, turn_of($s), @ann))], [data_lines($s)], 'told again alike';
};

subtest 'asked again' => sub {
	my $chat = chat(title => 'Mine');
	my @said;
	my $ask = sub ($text, $answer, %o) {
		$p->script($models[0], steps(0, $answer));
		my $r = asked(question($chat, $text, %o));
		is $r->code, 200, "$text -> $answer" or diag $r->body;
		push @said, $r->json->{record};
		return map { [@$_{qw(role content)}] } @{ heard() };
	};
	$ask->('Q1', 'A1');
	$ask->('Q2', 'A2');
	my $group = $said[1]{groupId};
	is_deeply [$ask->('', 'A2b', groupId => $group)], [[user => 'Q1'], [assistant => 'A1'],
	    [user => 'Q2']], 'it hears what was said before the question';
	is_deeply [@{ $said[2] }{qw(groupId problemText)}], [$group, 'Q2'], 'in the same group';
	isnt $said[2]{id}, $said[1]{id}, 'another record';
	is_deeply [$ask->('Q3', 'A3')], [[user => 'Q1'], [assistant => 'A1'], [user => 'Q2'],
	    [assistant => 'A2b'], [user => 'Q3']], 'later its newest answer counts, in its place';
	is_deeply [$ask->('Q1', 'A1b', groupId => $said[0]{groupId}, contentType => undef)],
	    [[user => 'Q1']], 'the first question, with its text';
	is_deeply [$ask->('Q2, please', 'A2c', groupId => $group, contentType => 'image',
	    fileUrl => 'https://a.example/b.png')], [[user => 'Q1'], [assistant => 'A1b'],
	    [user => 'Q2']], 'what is said beside the group is not asked';
	is_deeply [@{ $said[-1] }{qw(groupId problemText contentType)}], [$group, 'Q2', 'text'],
	    'as the record shows';
	$p->script($models[0], { status => 500, times => 0 });
	is asked(question($chat, undef, groupId => $group))->code, 503, 'an attempt that fails';
	$p->upstream->unscript;
	$p->heal($models[0]);
	is_deeply [$ask->('Q4', 'A4')], [[user => 'Q1'], [assistant => 'A1b'],
	    [user => 'Q2'], [assistant => 'A2c'], [user => 'Q3'], [assistant => 'A3'],
	    [user => 'Q4']], 'does not count';
	is $p->sql('SELECT title FROM session WHERE id = ?', $chat)->[0]{title}, 'Mine',
	    'its title is its owner\'s';
	chat_refused asked(question($chat, '', groupId => 4711)), 404, qr/groupId 4711/,
	    'an unknown group';
	chat_refused asked(question($chat, 'x', groupId => $p->sql('SELECT MIN(id) AS id FROM turn')
	    ->[0]{id} + 0)), 404, qr/groupId/, 'another session\'s';
};

subtest 'an image' => sub {
	my $chat = chat();
	my $png = "\x89PNG\r\n\x1a\n" . join '', map { chr $_ % 256 } 1 .. 1000;
	my $ask = sub ($url, %o) {
		$p->script($models[0], steps(0, 'a cat'));
		return asked(question($chat, 'What is it?', contentType => 'image',
		    fileUrl => $url, %o));
	};
	my $parts = sub ($text, $url) {
		return { role => 'user', content => [{ type => 'text', text => $text },
		    { type => 'image_url', image_url => { url => $url } }] };
	};
	my $url = 'https://pictures.example/cat.png?a=1&b="2"';
	my $r = $ask->($url);
	is $r->json->{record}{contentType}, 'image', 'its record' or diag $r->body;
	is_deeply heard(), [$parts->('What is it?', $url)], 'the model gets its address';
	is $p->sql('SELECT file_url FROM turn ORDER BY id DESC LIMIT 1')->[0]{file_url}, $url,
	    'which is kept';
	$p->script($models[0], steps(0, 'yes'));
	asked(question($chat, 'Sure?', fileUrl => $url));
	my @said = ({ role => 'assistant', content => 'a cat' },
	    { role => 'user', content => 'Sure?' });
	is_deeply heard(), [$parts->('What is it?', $url), @said], 'later questions see it';
	$p->script($models[1], steps(0, 'who knows'));
	asked(question($chat, 'And you?', modelId => $model{ $models[1] }{id}));
	is_deeply [@{ heard() }[0 .. 2]], [{ role => 'user', content => 'What is it?' }, @said],
	    'a model that has answered to none hears the text alone';
	$p->script($models[0], steps(0, 'still a cat'));
	asked(question($chat, '', groupId => $r->json->{record}{groupId}, contentType => undef));
	is_deeply heard(), [$parts->('What is it?', $url)], 'asked again it is shown again';
	$p->script($models[0], steps(0, 'a cat indeed'));
	$r = asked(question($chat, 'Another?', groupId => $r->json->{record}{groupId}));
	is_deeply heard(), [$parts->('What is it?', $url)], 'whatever is said beside the group';
	is $r->json->{record}{contentType}, 'image', 'as its record says';

	my $up = sub ($name, $bytes) {
		my $reply = $p->post('/v1/chat/document/upload', @ann,
		    form => { file => { content => $bytes, filename => $name } });
		diag $reply->body if $reply->code != 200;
		return $reply->json->{documents}[0];
	};
	my $own = $up->('cat.png', $png);
	for my $path ($own->{url}, "/api$own->{url}", $p->url . $own->{url},
	    $p->url . "/api$own->{url}?x=1") {
		is $ask->($path)->code, 200, "an own file: $path";
		is heard()->[-1]{content}[1]{image_url}{url},
		    'data:image/png;base64,' . encode_base64($png, ''), 'is shown as it is';
	}
	is $p->sql('SELECT file_url FROM turn ORDER BY id DESC LIMIT 1')->[0]{file_url},
	    $own->{url}, 'and kept by its path';
	my $elsewhere = "http://elsewhere.example$own->{url}";
	$ask->($elsewhere);
	is heard()->[-1]{content}[1]{image_url}{url}, $elsewhere, 'another server\'s is its own';
	$p->script($models[0], steps(0, 'the same'));
	asked(question($chat, 'What were they?'));
	is_deeply [map { ref $_->{content} ? $_->{content}[1]{image_url}{url} =~ s/,.*//r : () }
	    @{ heard() }], [$url, ('data:image/png;base64') x 4, $elsewhere],
	    'all of them are seen later';
	$p->del("/v1/chat/document/$own->{id}", @ann);
	$p->script($models[0], steps(0, 'no'));
	is asked(question($chat, 'And now?'))->code, 200, 'one that was deleted';
	is_deeply [map { ref $_->{content} ? $_->{content}[1]{image_url}{url} : () } @{ heard() }],
	    [$url, $elsewhere], 'is not';
	my $big = $up->('big.png', $png . ("\0" x (8 << 20)));
	chat_refused $ask->($big->{url}), 413, qr/document $big->{id}/, 'over 8 MiB';
	my $text = $up->('cat.txt', 'a cat');
	$p->eventually('a text is read', sub {
		$p->get("/v1/chat/document/$text->{id}", @ann)->json->{document}{status} eq 'ready'
		    });
	chat_refused $ask->($text->{url}), 400, qr/document $text->{id}/, 'no picture';
	my @bob = login($p, 'bob');
	my $theirs = $p->post('/v1/chat/document/upload', @bob,
	    form => { file => { content => $png, filename => 'x.png' } })->json->{documents}[0];
	chat_refused $ask->($_), 404, qr/document $theirs->{id}/, "somebody else's: $_"
	    for $theirs->{url}, $p->url . $theirs->{url};
	chat_refused $ask->("/v1/chat/document/$_/file"), 404, qr/document/, "no document: $_"
	    for 4711, 'x', '-1', '99999999999999999999999999';
	chat_refused $ask->($_), 400, qr/fileUrl/, "no address: $_"
	    for 'cat.png', 'ftp://a.example/cat.png', 'data:image/png;base64,AAAA',
	    'file:///etc/hosts', '/v1/chat/document', ' ', "https://a.example/" . 'x' x 2048;
	chat_refused $ask->(undef), 400, qr/fileUrl/, 'none at all';
	$p->upstream->unscript;
};

subtest 'documents' => sub {
	my $chat = chat();
	my %text = (moon => "The moon of Parley is made of cheese.\n", sun => "The sun is hot.\n",
	    sea => "Spools lie in the sea.\n");
	my %doc;
	for my $name (sort keys %text) {
		$doc{$name} = $p->post('/v1/chat/document/upload', @ann, form => { file => {
		    content => $text{$name}, filename => "$name.txt" } })->json->{documents}[0];
	}
	$p->eventually('they are read', sub {
		!grep { $p->get("/v1/chat/document/$_->{id}", @ann)->json->{document}{status}
		    ne 'ready' } values %doc });
	my $ask = sub ($in, $text, %o) {
		$p->script($models[0], steps(0, 'So it is.'));
		my $r = asked(question($in, $text, %o));
		diag $r->body if $r->code != 200;
		return $r->json->{record};
	};
	my $record = $ask->($chat, 'What is the moon made of?', contentType => 'document',
	    fileUrl => $doc{moon}{url});
	is_deeply [map { [@$_{qw(documentId fileName)}, $_->{text} =~ /cheese/ ? 1 : 0] }
	    @{ $record->{citations} }], [[$doc{moon}{id}, 'moon.txt', 1]],
	    'its answer cites what it rests on' or diag explain $record;
	is heard()->[0]{role}, 'system', 'of which the model is told';
	like heard()->[0]{content}, qr/cheese/, 'word for word';
	is heard()->[1]{content}, 'What is the moon made of?', 'before the question';
	my $streamed = streamed(question($chat, 'What is the moon made of?',
	    contentType => 'document', fileUrl => $doc{moon}{url}));
	is_deeply +(frames($streamed))[-1]{record}{citations}, $record->{citations},
	    'a stream\'s last record has them';
	is +(frames($streamed))[0]{record}{citations}, undef, 'the first has not';
	is_deeply $p->post('/v1/chat/session/records', json => { sessionId => $chat }, @ann)
	    ->json->{list}[0], (frames($streamed))[-1]{record}, 'nor does the store differ';
	my $again = $ask->($chat, 'And the sun?', groupId => $record->{groupId});
	is_deeply [@$again{qw(problemText contentType citations)}],
	    [@$record{qw(problemText contentType citations)}],
	    'asked again its answer rests on the same, whatever is said beside the group';
	is_deeply $ask->($chat, 'What is the moon made of?', contentType => 'document',
	    fileUrl => $p->url . $doc{moon}{url})->{citations}, $record->{citations},
	    'named with our host before it';
	$ask->($chat, 'And now?');
	is heard()->[0]{role}, 'user', 'a plain question rests on nothing';

	my $many = new_chat($p, \@ann, module => 2, type => 'spark_documents_chat',
	    documentIds => [map { $doc{$_}{id} } qw(moon sun)])->{id};
	is $ask->($many, 'How hot is the sun?')->{citations}[0]{documentId}, $doc{sun}{id},
	    'the documents of the session';
	is $ask->($many, 'Where do spools lie?')->{citations}, undef, 'not those of others';
	is heard()->[0]{role}, 'system', 'the model is told that there is nothing';
	my $set = $p->post('/v1/chat/dataset', @ann, json => { name => 'set',
	    documentIds => [$doc{sea}{id}] })->json->{dataset}{id};
	my $in_set = new_chat($p, \@ann, module => 2, type => 'spark_dataset_chat',
	    datasetId => $set)->{id};
	is_deeply [map { $_->{documentId} }
	    @{ $ask->($in_set, 'Where do spools lie?')->{citations} }],
	    [$doc{sea}{id}], 'the dataset of the session';
	for ([$in_set, 'with a dataset'], [$chat, 'a plain one']) {
		my ($id, $name) = @$_;
		is $p->post('/v1/chat/session/add_files', @ann, json => { id => $id,
		    documentIds => [$doc{moon}{id}] })->code, 200, "a file for $name";
		is $ask->($id, 'What is the moon made of?')->{citations}[0]{documentId},
		    $doc{moon}{id}, 'its answers rest on it too';
	}

	my $turns = @{ $p->sql('SELECT id FROM turn') };
	$p->post('/v1/chat/session/remove_files', @ann, json => { id => $many,
	    documentIds => [map { $doc{$_}{id} } qw(moon sun)] });
	chat_refused asked(question($many, 'How hot is the sun?')), 409, qr/会话 $many 没有文件/,
	    'all are taken out again';
	my $both = new_chat($p, \@ann, module => 2, type => 'spark_dataset_chat',
	    datasetId => $set)->{id};
	$p->del("/v1/chat/dataset/$set", @ann);
	chat_refused asked(question($both, 'Where do spools lie?')), 409,
	    qr/数据集 $set 中没有文件/, 'its dataset was deleted';
	chat_refused streamed(question($both, 'Where do spools lie?')), 409,
	    qr/数据集 $set 中没有文件/, 'a stream';
	is @{ $p->sql('SELECT id FROM turn') }, $turns, 'nothing was asked';
	is $ask->($in_set, 'What is the moon made of?')->{citations}[0]{documentId},
	    $doc{moon}{id}, 'one with a file of its own goes on';

	chat_refused asked(question($chat, 'x', contentType => 'document', fileUrl => $_->[0])),
	    $_->[1], qr/$_->[2]/, "no document: $_->[0]"
	    for ['/v1/chat/document/4711/file', 404, 'document 4711'],
	    ['https://a.example/never.pdf', 404, 'fileUrl'];
};

subtest 'documents that are not read' => sub {
	my @docs = map { a_document($p, 'ann', "$_.txt") } qw(read waiting broken);
	my $stand = sub ($id, $status) {
		$p->sql('UPDATE document SET status = ? WHERE id = ?', $status, $id);
		return;
	};
	$stand->($docs[1], 'pending');
	$stand->($docs[2], 'failed');
	my $unread = [{ documentId => $docs[1], fileName => 'waiting.txt', status => 'pending' },
	    { documentId => $docs[2], fileName => 'broken.txt', status => 'failed' }];
	my $many = new_chat($p, \@ann, module => 2, type => 'spark_documents_chat',
	    documentIds => \@docs)->{id};
	my $ask = sub ($in, %o) {
		$p->script($models[0], steps(0, 'So it is.'));
		return asked(question($in, 'What is it?', %o));
	};
	my $record = $ask->($many)->json->{record};
	is_deeply $record->{unread}, $unread, 'the answer says what it does not rest on';
	my $told = heard()->[0]{content};
	like $told, qr/尚未读完[^\n]*:waiting\.txt\n.*无法读取[^\n]*:broken\.txt\n/,
	    'so hears the model';
	unlike $told, qr/read\.txt/, 'of these alone';
	my $s = streamed(question($many, 'What is it?'));
	is_deeply $_->{record}{unread}, $unread, 'a stream says so'
	    for (frames($s))[0], (frames($s))[-1];
	is_deeply [data_lines(resume($p, turn_of($s), @ann))], [data_lines($s)], 'and again';
	is_deeply $p->post('/v1/chat/session/records', json => { sessionId => $many }, @ann)
	    ->json->{list}[0]{unread}, $unread, 'it is kept';
	$stand->($docs[1], 'ready');
	$stand->($docs[2], 'ready');
	is $ask->($many)->json->{record}{unread}, undef, 'all are read: nothing of it';

	$stand->($_, 'failed') for @docs;
	$stand->($docs[1], 'pending');
	my $asked_before = @{ $p->sql('SELECT id FROM turn') };
	my $r = $ask->($many);
	chat_refused $r, 409, qr/document $docs[1]/, 'none is read yet';
	ok $r->header('retry-after'), 'when to come again';
	$stand->($docs[1], 'failed');
	$r = $ask->($many);
	chat_refused $r, 409, qr/所有文件都无法读取/, 'none can be read';
	is $r->header('retry-after'), undef, 'that will not pass';
	my $url = "/v1/chat/document/$docs[1]/file";
	my $plain = chat();
	chat_refused $ask->($plain, contentType => 'document', fileUrl => $url), 400,
	    qr/document $docs[1]/, 'a failed one that is asked of';
	$stand->($docs[1], 'pending');
	chat_refused $ask->($plain, contentType => 'document', fileUrl => $url), 409,
	    qr/document $docs[1]/, 'a pending one';
	is @{ $p->sql('SELECT id FROM turn') }, $asked_before, 'nothing was asked';

	$p->post('/v1/chat/session/add_files', @ann, json => { id => $plain,
	    documentIds => [$docs[1]] });
	is_deeply $ask->($plain)->json->{record}{unread}, [$unread->[0]],
	    'a plain chat goes on without it';
	like heard()->[0]{content}, qr/waiting\.txt/, 'as its model hears';

	my @lot = map { a_document($p, 'ann', "lot$_.txt") } 1 .. 60;
	$stand->($_, 'pending') for @lot;
	$p->post('/v1/chat/session/add_files', @ann, json => { id => $plain,
	    documentIds => \@lot });
	is @{ $ask->($plain)->json->{record}{unread} }, 50, 'of very many some are listed';
	is scalar(() = heard()->[0]{content} =~ /lot\d+\.txt/g), 9, 'and fewer told';
	$p->upstream->unscript;
};

subtest 'what fails' => sub {
	my $chat = chat();
	my %kinds = (
		'refused'   => [{ status => 401 }, 502],
		'busy'      => [{ status => 429, headers => { 'Retry-After' => 7 } }, 503, 7],
		'broken'    => [{ status => 500 }, 503],
		'silent'    => [{ hang_before => \1 }, 504],
		'cut'       => [{ steps => [{ delta => 'so far' }, { close => 1 }] }, 502, undef,
		    'so far'],
	);
	for my $name (sort keys %kinds) {
		my ($script, $status, $after, $text) = @{ $kinds{$name} };
		$p->script($models[0], { %$script, times => 0 });
		my $r = asked(question($chat, $name));
		chat_refused $r, $status, qr/Secret Alpha Corp/, "$name: one reply";
		is $r->header('retry-after'), $after, "$name: when to come again" if $after;
		$p->heal($models[0]);
		my $s = streamed(question($chat, $name));
		is $s->code, 200, "$name: a stream";
		my $last = (frames($s))[-1];
		is_deeply $last->{error}, { code => $status, msg => $r->json->{msg} },
		    "$name: ends with its failure";
		is $last->{record}{status}, $status == 504 ? 'finished_timeout' : 'finished_fail',
		    "$name: as its record says";
		is_deeply [$last->{record}{answerText}, $last->{finished}, $last->{parts}],
		    [$text // '', true, []], "$name: with what was said";
		is_deeply $p->post('/v1/chat/session/records', json => { sessionId => $chat }, @ann)
		    ->json->{list}[0], $last->{record}, "$name: which is kept";
		$p->upstream->unscript;
		$p->heal($models[0]);
	}
};

subtest 'a stop' => sub {
	my $chat = chat();
	my @hanging = ({ delta => 'so ' }, { delta => 'far' }, { hang => 1 });
	my $stop = sub ($turn) { $p->post("/v1/streams/$turn/stop", @ann)->json->{stopped} };
	$p->script($models[0], { steps => \@hanging });
	my $s = streamed(question($chat, 'Stop'), headers => { 'X-Stream-Ids' => 1 },
	    on_event => sub ($e, $) {
		$stop->($e->{id} =~ /^(\d+)-/) if ($e->{data}{parts}[0] // '') eq 'far' });
	my $last = (frames($s))[-1];
	is_deeply [@$last{qw(stopped finished)}, @{ $last->{record} }{qw(status answerText)}],
	    [true, true, 'finished_success', 'so far'], 'a stream says so';
	is_deeply [data_lines(resume($p, turn_of($s), @ann))], [data_lines($s)], 'and again';
	$p->script($models[0], { steps => \@hanging });
	my $reply = meanwhile(question($chat, 'Stop'), sub {
		my ($turn) = @{ $p->sql("SELECT turn FROM answer WHERE session = ?"
		    . " AND status = 'running'", $chat) };
		return if !$turn || ($p->upstream_log)[-1]{ended} ne 'running';
		return $stop->($turn->{turn});
	});
	is_deeply [@{ $reply->json }{qw(stopped finished)}, $reply->json->{record}{status}],
	    [true, true, 'finished_success'], 'one reply says so' or diag $reply->body;
	like join('', @{ $reply->json->{parts} }), qr/^(?:so (?:far)?)?$/, 'with what was said';
};

# Asks for one reply; until it comes, calls that again and again, as long as it gives nothing.
sub meanwhile ($body, $do) {
	my ($reply, $done);
	my $timer = Mojo::IOLoop->recurring(0.05 => sub ($loop) { $done ||= $do->() });
	$p->{http}->open(POST => $PATH, sub ($r) { $reply = $r }, json => $body, @ann);
	Mojo::IOLoop->one_tick until $reply;
	Mojo::IOLoop->remove($timer);
	return $reply;
}

subtest 'who leaves' => sub {
	my $chat = chat();
	$p->script($models[0], steps(0.2, 'one ', 'two ', 'three'));
	my $r = asked_and_left(question($chat, 'Never mind'));
	my $rows;
	$p->eventually('the answer is stored all the same', sub {
		$rows = $p->sql('SELECT status, text FROM answer WHERE session = ?', $chat);
		@$rows && $rows->[0]{status} ne 'running' });
	is_deeply $rows, [{ status => 'stop', text => 'one two three' }], 'whole';
	$p->eventually('its request is over', sub {
		grep { ($_->{route} // '') eq $PATH && ($_->{status} // 0) == 499 }
		    $p->log_lines });
};

sub asked_and_left ($body) { return $p->post($PATH, json => $body, @ann, timeout => 0.3) }

subtest 'one at a time' => sub {
	my $chat = chat();
	for my $headers ({}, $SSE) {
		my $second;
		$p->script($models[0], steps(0.05, map { "$_ " } 1 .. 8));
		my $s = streamed(question($chat, 'First'), on_event => sub ($e, $) {
			$second //= asked(question($chat, 'Second'), %$headers) });
		chat_refused $second, 409, qr/session/, 'it is answering';
		is +(frames($s))[-1]{record}{status}, 'finished_success', 'and goes on';
	}
};

subtest 'what is no question' => sub {
	my $chat = chat();
	my @bob = login($p, 'bob');
	my $gone = chat();
	$p->del("/v1/chat/session/$gone", @ann);
	my $before = $p->sql('SELECT COUNT(*) AS n FROM turn')->[0]{n};
	my $bad = sub ($status, $like, $name, %o) {
		my $body = question($chat, 'x', %o);
		delete $body->{$_} for grep { !defined $body->{$_} } keys %$body;
		chat_refused asked($body, %$_), $status, $like, $name for {}, $SSE;
	};
	$bad->(404, qr/session 4711/, 'an unknown session', sessionId => 4711);
	$bad->(404, qr/session $gone/, 'a deleted one', sessionId => $gone);
	$bad->(404, qr/session -1/, 'none', sessionId => -1);
	$bad->(400, qr/sessionId/, 'a session that is no number', sessionId => 'x');
	$bad->(400, qr/sessionId/, 'no session', sessionId => undef);
	$bad->(404, qr/modelId 4711/, 'an unknown model', modelId => 4711);
	$bad->(400, qr/modelId/, 'no model', modelId => undef);
	$bad->(400, qr/contentType/, 'no content type', contentType => undef);
	$bad->(400, qr/contentType/, 'an unknown content type', contentType => 'video');
	$bad->(400, qr/text/, 'no text', text => undef);
	$bad->(400, qr/text/, 'blanks', text => " \n");
	$bad->(400, qr/text/, 'a text that is none', text => 3);
	chat_refused $p->post($PATH, json => question($chat, 'x'), @bob), 404, qr/session $chat/,
	    'somebody else\'s session';
	chat_refused $p->post($PATH, json => question($chat, 'x'), user => 'ann'), 401, qr/token/,
	    'who is not logged in';
	chat_refused $p->post($PATH, form => { text => 'x' }, @ann), 415, qr/urlencoded/, 'a form';
	$p->parley('model', 'disable', 'm-c');
	$bad->(404, qr/modelId/, 'a disabled model', modelId => $model{'m-c'}{id});
	$p->parley('model', 'enable', 'm-c');
	is $p->sql('SELECT COUNT(*) AS n FROM turn')->[0]{n}, $before, 'nothing has begun';

	# Conversations of the arena.
	my $task = $p->get('/task/list', @ann)->json->{data}[-1]{id};
	my $arena = $p->stream(POST => '/conv/chat', @ann, json => { taskId => $task,
	    messages => [{ role => 'user', content => 'Who are you?' }] });
	my ($masked) = $arena->events->[0]{data}{session_id} =~ /chat_(\d+)/;
	$bad->(409, qr/竞技场/, 'masks stay on', sessionId => $masked + 0);
	is_deeply [$p->reveals(asked(question($masked + 0, 'x'))->body)], [], 'and hide';
};

subtest 'another model steps in' => sub {
	my ($exit, undef, $err) = $p->parley('model', 'add', 'm-f', '--url', $p->upstream->url,
	    '--upstream-name', 'veiled-f', '--name', 'First', '--fallback', 'm-b');
	is $exit, 0, 'a model with a fallback' or diag $err;
	my $id = $p->sql("SELECT id FROM model WHERE code = 'm-f'")->[0]{id} + 0;
	my $chat = chat();
	$p->script('*', { status => 500 });
	$p->script($models[1], steps(0, 'I am second'));
	my $s = streamed(question($chat, 'Who are you?', modelId => $id));
	my ($first, $last) = (frames($s))[0, -1];
	is $first->{record}{modelId}, $id, 'it begins with the model that was asked';
	is_deeply [@{ $last->{record}{model} }{qw(id code)}], [$model{'m-b'}{id}, 'm-b'],
	    'and ends with the one that answered';
	is_deeply $p->post('/v1/chat/session/records', json => { sessionId => $chat }, @ann)
	    ->json->{list}[0], $last->{record}, 'as it is stored';
	is $p->sql('SELECT model FROM session WHERE id = ?', $chat)->[0]{model}, $id,
	    'the session keeps to its owner\'s choice';
};

# ---- GET, as EventSource does it

subtest 'EventSource' => sub {
	my $chat = chat();
	my %query = (sessionId => $chat, modelId => $model{'m-a'}{id}, contentType => 'text',
	    text => '流, bitte', token => jwt($p, { sub => 'ann' }));
	my $open = sub (%o) {
		return $p->stream(GET => $PATH, user => undef, headers => { %$SSE,
		    %{ delete $o{headers} // {} } }, query => \%query, %o);
	};
	$p->script($models[0], steps(0.03, map { "$_ " } 1 .. 20));
	my $first = $open->(leave_after => 5);
	is $first->code, 200, 'a token in the query' or diag $first->body;
	my $turn = turn_of($first);
	is_deeply [ids_of($first)], [map { "$turn-$_" } 1 .. 5], 'its events are numbered';
	my (@lines, @ids) = data_lines($first);
	@ids = ids_of($first);
	while (@ids < 100) {
		my $s = $open->(headers => { 'Last-Event-ID' => $ids[-1] }, leave_after => 7);
		last if $s->code == 204;
		push @lines, data_lines($s);
		push @ids, ids_of($s);
	}
	is_deeply \@ids, [map { "$turn-$_" } 1 .. 22], 'it comes back until it has all, and 204';
	is_deeply \@lines, [data_lines(resume($p, $turn, @ann))], 'every event in its place';
	is $p->sql('SELECT COUNT(*) AS n FROM turn WHERE session = ?', $chat)->[0]{n}, 1,
	    'it was asked once';
	is +(frames($first))[0]{record}{problemText}, '流, bitte', 'what it was asked';
	is $open->(headers => { 'Last-Event-ID' => "4711-3" })->code, 404, 'an unknown turn';
	chat_refused $open->(headers => { 'Last-Event-ID' => 'x' }), 400, qr/Last-Event-ID/,
	    'no event';
	my $no = $p->get($PATH, query => \%query, user => undef);
	chat_refused $no, 426, qr/WebSocket/, 'neither an event stream nor a WebSocket';
	is $no->header('upgrade'), 'websocket', 'it says what it wants';
	is $p->request(HEAD => $PATH, query => \%query, @ann)->code, 405, 'HEAD does not ask';
	chat_refused $open->(query => { %query, sessionId => 'x' }), 404, qr/sessionId x/,
	    'no session';
	chat_refused $open->(query => { %query, text => '' }), 400, qr/text/, 'no text';
	chat_refused $open->(query => { %query, token => 'x' }), 401, qr/token/, 'a bad token';
	chat_refused $open->(query => { %query, token => '' }), 401, qr/token/, 'no token';
	chat_refused $p->post("$PATH?token=$query{token}", json => {}, user => undef), 401,
	    qr/token/, 'elsewhere the query has none';
};

unlike join("\n", map { ParleyTest::Process::slurp($_) } glob "$p->{stack}/log/*"), qr/eyJ/,
    'no token is in a log';
$p->no_errors_logged;
done_testing;
