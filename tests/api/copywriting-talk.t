#!/usr/bin/perl
# Dialogues of the dialect "copywriting": what is told, what goes on from where, how it ends.

use v5.36;
use utf8;

use Mojo::JSON qw(decode_json encode_json false true);
use ParleyTest;
use ParleyTest::Chat qw(a_document);
use ParleyTest::Copywriting;
use ParleyTest::Process;
use ParleyTest::Streams;
use Test::More;

binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output);

my $p = ParleyTest->new(models => 2, workers => 2, user => undef, set => { timezone => 'UTC' });
my ($key, $key_id) = $p->key(user => 'sunche');
my $as = shown($key);
my %model = map { @$_{qw(code id)} } @{ $p->sql('SELECT code, id FROM model') };
my $helper = an_assistant($p, 'Helper', '--model', 'm-b', '--system', 'Be brief.');

sub send_message ($body, %o) {
	my $path = $SEND . (delete $o{to} // '');
	return $p->stream(POST => $path, json => $body, headers => $as, %o);
}

sub answers ($code, @texts) {
	$p->script($code, steps(0, @texts));
	return;
}

# What the model was told last: [role, content]…
sub heard () {
	my ($last) = reverse grep { ref $_->{body} } $p->upstream_log;
	return [map { [@$_{qw(role content)}] } @{ $last->{body}{messages} }];
}

sub messages ($dialogue) {
	return $p->get("/copywriting/message/list/$dialogue", headers => $as)->json->{rows} // [];
}

my $TIME = qr/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/;

subtest 'the example of the document' => sub {
	answers 'm-b', 'China', ' shall', ' triumph', '.';
	my $s = send_message(message('中国必胜'), to => "/$helper->{version}");
	is $s->code, 200, 'asked';
	is $s->header('content-type'), 'text/event-stream; charset=utf-8', 'an event stream';
	my ($first, @rest) = map { $_->{raw} } @{ $s->events };
	my $id = $s->events->[0]{data}{id};
	my $turn = $s->events->[0]{data}{speechUserDialogueMessage}{id};
	my ($tenant) = map { $_->{id} } @{ $p->sql('SELECT id FROM tenant') };
	my ($user) = map { $_->{id} } @{ $p->sql("SELECT id FROM user WHERE subject = 'sunche'") };
	utf8::decode($first);
	$first =~ s/"(create|update)Time":"([^"]*)"/like $2, $TIME, "$1Time"; qq("$1Time":"…")/ge;
	is $first, qq(data:{"createBy":"sunche","createTime":"…","updateBy":"sunche",)
	    . qq("updateTime":"…","params":{},"tenantId":"$tenant","id":"$id","userId":"$user",)
	    . qq("sceneId":"$helper->{version}","manageId":"$helper->{id}",)
	    . qq("modelServiceId":$model{'m-b'},"totalTokens":0,"youtaizhis":0,"isUser":false,)
	    . qq("realEventSource":{},"speechUserDialogueMessage":{"createBy":"sunche",)
	    . qq("createTime":"…","params":{},"id":"$turn","content":"中国必胜","role":"user",)
	    . qq("parentId":"$id","userDialogueId":"$id","completionTokens":0,"promptTokens":0,)
	    . qq("totalTokens":0,"youtaizhis":0,"userId":"$user"},"closeSse":false}), 'the first';
	is_deeply \@rest, [(map { qq(data:{"result":"$_","isEnd":false,"userDialogueId":"$id"}) }
	    'China', ' shall', ' triumph', '.'),
	    qq(data:{"result":"","isEnd":true,"userDialogueId":"$id"})], 'the others';
	is turn_of($s), $turn, 'the message has the id of the stream';
	is_deeply heard(), [['system', 'Be brief.'], ['user', '中国必胜']], 'what was asked';
};

# The document's command line, with values for what it leaves open.
sub command_line_works ($p, $key) {
	my ($model) = map { $_->{id} } @{ $p->sql("SELECT id FROM model WHERE code = 'm-a'") };
	my $url = $p->url;
	$p->script('m-a', steps(0, 'hello'));
	my ($exit, $out) = ParleyTest::Process::capture(['sh', '-c', <<~"EOT"]);
		curl --silent --location --request POST \\
		'$url//api/copywriting/dialogue/sse/send-message/' \\
		--header 'Accept: text/event-stream' \\
		--header 'x-api-key: Bearer $key' \\
		--header 'tenant-id: default' \\
		--header 'Content-Type: application/json' \\
		--data-raw '{
		    "speechUserDialogueMessage": {
		        "content": "string"
		    },

		    "modelServiceId": "$model"

		}'
		EOT
	is $exit, 0, 'it runs';
	my @lines = grep { length } split /\n/, $out;
	is scalar(@lines), 3, 'three events';
	my @events = map { s/^data:// ? decode_json($_) : undef } @lines;
	is_deeply [@{ $events[0] }{qw(sceneId manageId modelServiceId)}],
	    [undef, undef, $model], 'no assistant, the model that was named';
	is_deeply [map { @$_{qw(result isEnd)} } @events[1, 2]], ['hello', false, '', true],
	    'the answer';
	return;
}

subtest 'the command line of the document' => sub { command_line_works($p, $key) };
subtest '... behind Apache' => sub {
	my $apache = ParleyTest->new(models => 1, workers => 1, user => undef, front => 'apache');
	command_line_works($apache, scalar $apache->key);
	$apache->no_errors_logged;
};

subtest 'going on' => sub {
	my $named = message('one', modelServiceId => $model{'m-a'}, name => 'A name');
	answers 'm-a', 'first';
	my $one = told(send_message($named));
	my $id = $one->{first}{id};
	answers 'm-a', 'second';
	my $two = told(send_message(message('two', id => $id)));
	is $two->{first}{id}, $id, 'the same dialogue';
	is $two->{first}{modelServiceId}, $model{'m-a'}, '... and model';
	ok $two->{first}{totalTokens} > 0 && $two->{first}{youtaizhis} > 0, '... with its sums';
	is_deeply heard(), [map { [@$_] } ['user', 'one'], ['assistant', 'first'], ['user',
	    'two']],
	    'the newest message is gone on from';
	my @list = @{ messages($id) };
	is_deeply [map { @$_{qw(role content)} } @list],
	    [qw(user one assistant first user two assistant second)], 'messages in order';
	is_deeply [map { $_->{parentId} } @list], [$id, map { $list[$_]{id} } 0 .. 2],
	    '... each with what it went on from';

	answers 'm-a', 'branch';
	my $three = told(send_message(message('three', said => { parentId => $list[1]{id},
	    id => $id })));
	is_deeply heard(), [['user', 'one'], ['assistant', 'first'], ['user', 'three']],
	    'a branch hears its path; the id may stand in the message';
	is $three->{first}{speechUserDialogueMessage}{parentId}, $list[1]{id}, '... and says so';
	answers 'm-a', 'on';
	send_message(message('four', id => $id, parentId => messages($id)->[5]{id}));
	is_deeply heard(), [['user', 'one'], ['assistant', 'first'], ['user', 'three'],
	    ['assistant', 'branch'], ['user', 'four']], '... as far as it goes';
	answers 'm-a', 'again';
	send_message(message('one more', id => $id, parentId => $id));
	is_deeply heard(), [['user', 'one more']], 'from the dialogue itself: from nothing';
	answers 'm-a', 'new';
	send_message(message('its child', id => $id));
	is_deeply heard(), [['user', 'one more'], ['assistant', 'again'], ['user', 'its child']],
	    '... and so does what follows';
	answers 'm-a', 'late';
	send_message(message('back', id => $id, parentId => $list[3]{id}));
	is_deeply heard(), [['user', 'one'], ['assistant', 'first'], ['user', 'two'],
	    ['assistant', 'second'], ['user', 'back']], 'another branch is as it was';

	my $other = told(send_message(message('elsewhere')))->{first}{id};
	for my $parent (messages($other)->[0]{id}, '12', 'x') {
		refused $p->post($SEND, json => message('x', id => $id, parentId => $parent),
		    headers => $as), 400, qr/^parentId is not an allowed value/, "parent $parent";
	}
	is told(send_message(message('x', id => '', parentId => '',
	    modelServiceId => '')))->{ends}, 1,
	    'empty ones are none';
};

subtest 'with an assistant' => sub {
	my $s = told(send_message(message('hi'), to => "/$helper->{version}"));
	my $id = $s->{first}{id};
	$p->parley('assistant', 'update', $helper->{id}, '--system', 'Be long.');
	my ($newer) = map { $_->{id} } @{ $p->sql('SELECT MAX(id) AS id FROM assistant_version') };
	my $same = told(send_message(message('more', id => $id)));
	is $same->{first}{sceneId}, $helper->{version}, 'goes on with its version';
	is heard()->[0][1], 'Be brief.', '... and what that is told';
	my $next = told(send_message(message('more', id => $id,
	    modelServiceId => 0 + $model{'m-a'}),
	    to => "/$newer"));
	is_deeply [@{ $next->{first} }{qw(sceneId manageId modelServiceId)}],
	    [$newer, $helper->{id}, $model{'m-a'}], 'another version, another model';
	is heard()->[0][1], 'Be long.', '... told otherwise';
	is told(send_message(message('more', id => $id)))->{first}{sceneId}, $newer,
	    '... from now on';
	my $other = an_assistant($p, 'Other', '--model', 'm-a', '--context', 'off');
	refused $p->post("$SEND/$other->{version}", json => message('x', id => $id),
	    headers => $as),
	    400, qr/^id is not/, 'it is no dialogue of another assistant';
	my $alone = told(send_message(message('one'), to => "/$other->{version}"))->{first}{id};
	send_message(message('two', id => $alone));
	is_deeply heard(), [['user', 'two']], 'without context it hears nothing';
	refused $p->post($SEND, json => message('x', id => $alone, parentId => '77'),
	    headers => $as), 400, qr/parentId/, '... but a wrong parent is wrong';
	refused $p->post("$SEND/77", json => message('x'), headers => $as), 404, qr/77/,
	    'no such assistant';
};

subtest 'documents and tools without one' => sub {
	my $tool = $p->dir . '/tool.json';
	ParleyTest::Process::spew($tool, encode_json({ name => 'weather',
	    description => 'tells it',
	    url => $p->upstream->url . '/weather', parameters => { type => 'object',
	    properties => {} } }));
	my ($exit, undef, $err) = $p->parley('tool', 'add', $tool);
	is $exit, 0, 'a tool' or diag $err;
	answers 'm-a', 'fine';
	send_message(message('how is it?', tools => ['weather'], isKb => true));
	my ($asked) = reverse grep { ref $_->{body} } $p->upstream_log;
	is $asked->{body}{tools}[0]{function}{name}, 'weather', 'is offered';
	refused $p->post($SEND, json => message('x', tools => ['snow']), headers => $as), 404,
	    qr/snow/, 'one that is not there';
	refused $p->post($SEND, json => message('x', workflows => ['w1']), headers => $as), 404,
	    qr/workflows w1/, 'there are no workflows';
};

subtest 'refused' => sub {
	my %bad = (
		'no message' => [{}, 400, qr/speechUserDialogueMessage is required/],
		'no content' => [{ speechUserDialogueMessage => {} }, 400,
		    qr/speechUserDialogueMessage\.content is required/],
		'a blank one' => [message(" \n"), 400, qr/speechUserDialogueMessage\.content/],
		'a wrong type' => [message(7), 400, qr/content has the wrong type/],
		'no such model' => [message('x', modelServiceId => '12'), 404,
		    qr/modelServiceId 12/],
		'no model at all' => [message('x', modelServiceId => 'string'), 404,
		    qr/modelServiceId string/],
		'no id of one' => [message('x', modelServiceId => true), 400,
		    qr/modelServiceId has the wrong type/],
		'no such dialogue' => [message('x', id => '12'), 404, qr/12 does not exist/],
		'no dialogue at all' => [message('x', id => 'a b'), 404, qr/id a b/],
	);
	for my $name (sort keys %bad) {
		my ($body, $status, $like) = @{ $bad{$name} };
		refused $p->post($SEND, json => $body, headers => $as), $status, $like, $name;
	}
	my $id = told(send_message(message('mine')))->{first}{id};
	my $other = shown(scalar $p->key(user => 'another'));
	refused $p->post($SEND, json => message('x', id => $id), headers => $other), 404, qr/$id/,
	    'somebody else\'s';
	my $zh = $p->post($SEND, json => {}, headers => { %$as, 'Accept-Language' => 'zh' });
	is $zh->json->{msg}, '缺少参数: speechUserDialogueMessage', 'in Chinese';
	refused $p->post($SEND, json => message('x')), 401, qr/./, 'without a key';
	refused $p->post($SEND, json => message('x'), headers => shown('sk-x')), 401, qr/./,
	    'with none of ours';
	refused $p->get($SEND, headers => $as), 405, qr/GET/, 'another method';
	for my $tenant ('default', '1') {
		is $p->post($SEND, json => message('x'),
		    headers => { %$as, 'tenant-id' => $tenant })->code, 200, "tenant $tenant";
	}
	$p->parley('tenant', 'add', 'elsewhere');
	for my $tenant ('elsewhere', '999', '{{tenantId}}') {
		refused $p->post($SEND, json => message('x'),
		    headers => { %$as, 'tenant-id' => $tenant }), 403,
		    qr/not allowed: tenant-id/, "not $tenant";
	}
};

subtest 'failures in the stream' => sub {
	$p->script('m-a', { status => 500, times => 0 });
	my $s = told(send_message(message('x', modelServiceId => $model{'m-a'})));
	is_deeply $s->{last}, { result => '', isEnd => true, userDialogueId => $s->{first}{id},
	    error => { code => 503, msg => "modelServiceId $model{'m-a'} is not available at the "
	    . 'moment' } }, 'before a word';
	$p->upstream->unscript;
	$p->heal('m-a');
	$p->script('m-a', { steps => [{ delta => 'so' }, { close => 1 }] });
	$s = told(send_message(message('x', modelServiceId => $model{'m-a'})));
	is $s->{text}, 'so', 'after one';
	is $s->{last}{error}{code}, 502, '... it is told too';
	is messages($s->{first}{id})->[1]{content}, 'so', '... and what was said is kept';
	$p->heal('m-a');
};

subtest 'closing' => sub {
	$p->script('m-a', { steps => [{ delta => 'so ' }, { delta => 'far' }, { hang => 1 }] });
	my ($id, $closed, $busy, $listed);
	my $s = send_message(message('x', modelServiceId => $model{'m-a'}), on_event => sub ($e,
	    $) {
		$id //= $e->{data}{id};
		return if ($e->{data}{result} // '') ne 'far';
		$busy = $p->post($SEND, json => message('y', id => $id), headers => $as);
		$listed = messages($id);
		$closed = $p->get("/copywriting/dialogue/sse/close/$id", headers => $as)->json;
	});
	is_deeply $closed, { code => 200, msg => 'Success', data => true }, 'closed';
	refused $busy, 409, qr/still answering/, 'one question at a time';
	is_deeply [map { $_->{content} } @$listed], ['x'], 'what runs is no message yet';
	is_deeply told($s)->{last}, { result => '', isEnd => true, userDialogueId => $id,
	    stopped => true }, 'the last says so';
	is messages($id)->[1]{content}, 'so far', 'what was said is kept';
	is_deeply $p->get("/copywriting/dialogue/sse/close/$id", headers => $as)->json,
	    { code => 200, msg => 'Success', data => false }, 'once more: nothing runs';
	refused $p->get('/copywriting/dialogue/sse/close/12', headers => $as), 404, qr/12/,
	    'one that is not';
	my $other = shown(scalar $p->key(user => 'another'));
	refused $p->get("/copywriting/dialogue/sse/close/$id", headers => $other), 404, qr/$id/,
	    'somebody else\'s';
};

sub raws ($s) { return [map { $_->{raw} } @{ $s->events }] }

subtest 'once more' => sub {
	my $body = encode_json(message('once'));
	answers 'm-a', 'a ', 'b ', 'c';
	my %o = (body => $body, headers => { %$as, 'Idempotency-Key' => 'k1',
	    'Content-Type' => 'application/json' });
	my $first = $p->stream(POST => $SEND, %o);
	my $again = $p->stream(POST => $SEND, %o);
	is_deeply raws($again), raws($first), 'the same key is the same stream';
	refused $p->post($SEND, %o, body => encode_json(message('other'))), 409,
	    qr/Idempotency-Key/, 'not with another body';
	my $rest = $p->stream(GET => '/v1/streams/' . turn_of($first) . '?after=2',
	    headers => $as);
	is_deeply [map { $_->{data} } @{ $rest->events }],
	    [map { $_->{data} } @{ $first->events }[2 .. $#{ $first->events }]], 'resumed';
};

subtest 'told from the database' => sub {
	answers 'm-b', 'Hello', ' there';
	my $s = send_message(message('hi'), to => "/$helper->{version}");
	$p->down;
	unlink $_ for glob $p->{stack} . '/state/spool/*/*';
	$p->up;
	my $again = $p->stream(GET => '/v1/streams/' . turn_of($s), headers => $as);
	is $again->header('x-stream-replay'), 'stored', 'the spool is gone';
	is_deeply $again->events->[0]{data}, $s->events->[0]{data}, 'the first is the same';
	is_deeply [map { $_->{data}{result} } @{ $again->events }[1, 2]], ['Hello there', ''],
	    'the answer comes whole';
};

subtest 'money' => sub {
	my $poor = shown(scalar $p->key(user => 'poor', allowance => '0.0000001'));
	refused $p->post($SEND, json => message('x'), headers => $poor), 402, qr/./,
	    'an allowance that does not reach';
	my ($spent) = map { $_->{spent} } @{ $p->sql('SELECT spent FROM api_key WHERE id = ?',
	    $key_id) };
	ok $spent > 0, 'what was asked is charged';
};

$p->no_errors_logged('no errors in the logs', allow => [qr/model|upstream|answer/]);
done_testing;
