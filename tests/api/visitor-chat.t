#!/usr/bin/perl
# POST /v1/openapi/chat: what each member of the body does, and what is replied.

use v5.36;
use utf8;

use MIME::Base64 qw(encode_base64);
use Mojo::JSON   qw(decode_json encode_json false true);
use Mojo::Util   qw(encode);
use ParleyTest;
use ParleyTest::Process;
use ParleyTest::Upstream;
use ParleyTest::Visitor;
use Test::More;

my $web = ParleyTest::Upstream->new(models => ['web']);
my $site = 'http://127.0.0.1:' . $web->port;
my $p = ParleyTest->new(models => 2, workers => 2, user => undef,
    set => { search_url => "$site/search" }, model_args => ['--total', 20]);
my $guide = an_assistant($p, system => 'You guide.', context => 'on');
my ($key, $key_id) = $p->key(user => 'shop', assistant => $guide);
my $FORM = 'Answer in plain text, without any Markdown or HTML.';

sub ask ($content, %o) {
	return $p->post($CHAT, json => { content => $content, %o }, with_key($key));
}

# The answer costs 0.002 of m-a: 1000 tokens at 1 and 500 at 2 of a million.
sub says ($text, %o) {
	return $p->script($o{model} // 'm-a', { steps => [{ delta => $text }, { finish => 'stop' },
	    { usage => { prompt_tokens => 1000, completion_tokens => 500 } }, { done => 1 }] });
}

sub systems () { return join "\n", map { $_->[0] eq 'system' ? $_->[1] : () } @{ heard($p) } }
sub kind ($v) { return encode_json([$v]) =~ /^\["/ ? 'string' : ref $v || 'number' }

sub sums () {
	my $k = $p->sql('SELECT spent, reserved, called FROM api_key WHERE id = ?', $key_id)->[0];
	return [map { $_ + 0 } @$k{qw(spent reserved called)}];
}

subtest 'one reply' => sub {
	says("一 \"二\"\n\x{1f388}");
	my $r = ask('你好, "world"?');
	is $r->code, 200, 'answered' or diag $r->body;
	my $json = $r->json;
	like $json->{msgKey}, $KEY_LIKE, 'a msgKey';
	is_deeply $json, { desc => "一 \"二\"\n\x{1f388}", msgKey => $json->{msgKey}, source => [],
	    usage => { total_cost => 0.002 }, visitorId => undef }, 'all of its members';
	is kind($json->{usage}{total_cost}), 'number', 'the cost is a number';
	like $r->body, qr/\A\{"desc":.*,"msgKey":.*,"source":.*,"usage":.*,"visitorId":null\}\z/s,
	    'in the order of the document';
	my $row = $p->sql('SELECT s.assistant, s.msg_key, s.visitor, s.title, t.voice, t.api_key,'
	    . ' a.cost, l.amount, l.api_key AS payer FROM session s JOIN turn t ON t.session = s.id'
	    . ' JOIN answer a ON a.turn = t.id JOIN ledger l ON l.answer = a.id')->[0];
	is_deeply [@$row{qw(assistant msg_key visitor title voice api_key payer)}], [$guide,
	    $json->{msgKey}, undef, '你好, "world"?', 'visitor', $key_id, $key_id],
	    'what is stored';
	is_deeply [map { $_ + 0 } @$row{qw(cost amount)}], [0.002, 0.002], 'the settled cost';
	is_deeply sums(), [0.002, 0, 1], 'charged to the key';
	is_deeply heard($p), [[system => "You guide.\n\n$FORM"], [user => '你好, "world"?']],
	    'what the model heard';
	says('Yes.');
	is $p->post($CHAT, json => { content => 'Me?' }, user => undef,
	    headers => { Authorization => "Bearer $key" })->json->{desc}, 'Yes.',
	    'the key as a bearer';
};

subtest 'visitors' => sub {
	says('One.');
	my $one = ask('First?', visitorId => 'v-1')->json;
	is $one->{visitorId}, 'v-1', 'is told';
	says('Two.');
	my $two = ask('Second?', visitorId => 'v-1')->json;
	is $two->{msgKey}, $one->{msgKey}, 'has one conversation';
	is_deeply heard($p), [[system => "You guide.\n\n$FORM"], [user => 'First?'],
	    [assistant => 'One.'], [user => 'Second?']], 'and is remembered';
	says('Three.');
	my $other = ask('Third?', visitorId => 'v 2 "ü"')->json;
	isnt $other->{msgKey}, $one->{msgKey}, 'another has another';
	is $other->{visitorId}, 'v 2 "ü"', 'under whatever name';
	is scalar @{ heard($p) }, 2, 'who hears nothing of it';
	my @nobody = map { says("$_."); ask("$_?")->json->{msgKey} } 1, 2;
	isnt $nobody[0], $nobody[1], 'who is nobody begins anew';
	is scalar @{ heard($p) }, 2, 'and is not remembered';
	my $elsewhere = an_assistant($p, context => 'on');
	says('Four.');
	isnt ask('Fourth?', visitorId => 'v-1', ibotID => $elsewhere)->json->{msgKey},
	    $one->{msgKey}, 'with another assistant it is another';
	my ($same) = $p->key(user => 'shop', assistant => $guide);
	says('Five.');
	is $p->post($CHAT, json => { content => 'Fifth?', visitorId => 'v-1' },
	    with_key($same))->json->{msgKey}, $one->{msgKey}, 'by that user\'s other key the same';
	my ($foreign) = $p->key(user => 'rival', assistant => $guide);
	says('Six.');
	isnt $p->post($CHAT, json => { content => 'Sixth?', visitorId => 'v-1' },
	    with_key($foreign))->json->{msgKey}, $one->{msgKey}, 'by another user\'s not';
	my $forgetful = an_assistant($p, context => 'off');
	my @keys = map { says("$_."); ask("$_?", visitorId => 'v-1', ibotID => $forgetful)
	    ->json->{msgKey} } 1, 2;
	is $keys[0], $keys[1], 'without context one conversation as well';
	is_deeply heard($p), [[system => $FORM], [user => '2?']], 'of which nothing is heard';
	my $session = $p->sql('SELECT id FROM session WHERE msg_key = ?', $one->{msgKey})->[0]{id};
	is $p->del("/v1/chat/session/$session", with_key($key))->code, 200, 'it is deleted';
	says('Seven.');
	my $after = ask('Seventh?', visitorId => 'v-1')->json;
	like $after->{msgKey}, $KEY_LIKE, 'and there is a next one';
	isnt $after->{msgKey}, $one->{msgKey}, 'of another name';
	is scalar @{ heard($p) }, 2, 'which begins anew';
};

subtest 'a visitor who asks twice at once' => sub {
	$p->script('m-a', { steps => [{ delta => 'x' }, { sleep => 0.7 }, { finish => 'stop' },
	    { done => 1 }] }) for 1 .. 6;
	my @s = $p->streams(map { [POST => $CHAT, with_key($key),
	    json => { content => "$_?", visitorId => 'hasty', stream => true }] } 1 .. 6);
	my %codes;
	$codes{ $_->code }++ for @s;
	is_deeply \%codes, { 200 => 1, 409 => 5 }, 'is answered once';
	is $p->sql("SELECT COUNT(*) AS n FROM session WHERE visitor = 'hasty'")->[0]{n}, 1,
	    'in one conversation';
	$p->upstream->unscript;
};

subtest 'models, limits, background' => sub {
	says('By b.', model => 'm-b');
	my $r = ask('Who?', chatMode => 'm-b')->json;
	is_deeply [$r->{desc}, $r->{usage}{total_cost}], ['By b.', 0.004], 'chatMode';
	for my $try ([0.3, 64], ['0.3', '64'], ['3e-1', '64.0']) {
		says('Yes.');
		ask('How?', temperature => $try->[0], max_tokens => $try->[1]);
		my $body = (asked_of($p))[-1]{body};
		is_deeply [map { (kind($_), $_ + 0) } @$body{qw(temperature max_tokens)}],
		    [number => 0.3, number => 64], 'temperature, max_tokens: ' . encode_json($try);
	}
	says('Arr.');
	ask('How?', system => 'You are a pirate.');
	is systems(), "You are a pirate.\n\n$FORM", 'system';
	for my $try ([html => qr/piece of HTML/], [markdown => qr/Answer in Markdown\./],
	    [text => qr/plain text/], ['' => qr/plain text/]) {
		says('Yes.');
		is ask('How?', return_format => $try->[0])->code, 200, "return_format '$try->[0]'";
		like systems(), $try->[1], 'is told';
	}
	says('好。');
	$p->post($CHAT, json => { content => '?' }, with_key($key, headers => {
	    'Accept-Language' => 'zh' }));
	like systems(), qr/请用纯文本作答/, 'in the language';
	says('Yes.');
	ask('How?', map({ ($_ => '') } qw(visitorId chatMode knowledge system temperature max_tokens
	    handler_type fix_content ibotID content_encoding)), tools => [], intention => []);
	is_deeply heard($p), [[system => "You guide.\n\n$FORM"], [user => 'How?']],
	    'what is empty is not said';
	my $coded = encode_base64(encode('UTF-8', "if (a < b) 喵();\n"));
	says('Code.');
	ask($coded, content_encoding => 'base64');
	is heard($p)->[-1][1], "if (a < b) 喵();\n", 'base64';
	says('Text.');
	ask($coded);
	is heard($p)->[-1][1], $coded, 'only where that is said';
};

subtest 'a fixed answer' => sub {
	my ($before, $asked) = (sums(), scalar asked_of($p));
	my $r = ask('When?', handler_type => 'fix', fix_content => 'At 9, 周一.',
	    visitorId => 'fixed');
	is_deeply { %{ $r->json }, msgKey => undef }, { desc => 'At 9, 周一.', msgKey => undef,
	    source => [], usage => { total_cost => 0 }, visitorId => 'fixed' }, 'comes back';
	is_deeply [sums(), scalar asked_of($p)], [$before, $asked],
	    'nobody was asked, nothing paid, no call counted';
	my $s = $p->stream(POST => $CHAT, with_key($key), json => { content => 'When?',
	    handler_type => 'fix', fix_content => 'At 9.', visitorId => 'fixed', stream => true });
	is desc_of($s), 'At 9.', 'as a stream';
	is_deeply $s->events->[-1]{data}{usage}, { total_cost => 0 }, 'for nothing';
	my $poor = $p->key(user => 'poor', assistant => $guide, allowance => '0.0000001');
	visitor_refused $p->post($CHAT, json => { content => 'x' }, with_key($poor)), 402,
	    qr/money/, 'who cannot pay';
	is $p->post($CHAT, json => { content => 'x', handler_type => 'fix', fix_content => 'y' },
	    with_key($poor))->json->{desc}, 'y', 'gets what is free';
	my $history = $p->post("$CHAT/history/detail", json => { chat_id => $r->json->{msgKey} },
	    with_key($key))->json->{Data}{message};
	is_deeply [map { [@$_{qw(role content)}] } @$history], [[assistant => 'At 9.'],
	    [user => 'When?'], [assistant => 'At 9, 周一.'], [user => 'When?']],
	    'it is in the history';
	says('Later.');
	ask('And then?', visitorId => 'fixed');
	is heard($p)->[2][1], 'At 9, 周一.', 'and heard by who answers next';
};

subtest 'a search' => sub {
	for my $how ([search => true], [handler_type => 'web_search']) {
		says('Found [1].');
		my $r = ask('What day is it?', @$how)->json;
		is scalar @{ $r->{source} }, 3, "@$how: hits";
		is_deeply [sort keys %{ $r->{source}[0] }], [qw(link snippet title)], 'like this';
		like $r->{source}[0]{link}, qr{^https://demo\.example/1\?q=What}, 'a link';
		like systems(), qr/\[1\] .*\Qdemo.example\E/s, 'the model is told';
	}
	is +($web->log)[-1]{path}, '/search', 'the search was asked';
	says('Found.');
	my $s = $p->stream(POST => $CHAT, with_key($key),
	    json => { content => 'What day?', search => true, stream => true });
	is scalar @{ $s->events->[-1]{data}{source} }, 3, 'in the last message of a stream';
	$web->script('demo-search', { status => 500 });
	says('Nothing.');
	is_deeply ask('What day?', search => true)->json->{source}, [], 'it fails: none';
	like systems(), qr/has found nothing/, 'and the model knows';
	says('Plain.');
	ask('What day?', search => false);
	unlike systems(), qr/search/, 'nobody searches otherwise';
};

subtest 'knowledge' => sub {
	my $dir = $p->dir;
	ParleyTest::Process::spew("$dir/rye.txt", 'Rye bread costs 340 cents at the counter. ' x 4);
	my ($exit, $out, $err) = $p->parley({ seconds => 60 }, 'import', 'documents',
	    "$dir/rye.txt", '--user', 'shop', '--dataset', 'prices', '--wait');
	is $exit, 0, 'a document of the key\'s user' or diag $err;
	my $set = $p->sql('SELECT id FROM dataset')->[0]{id};
	my ($other, $other_id) = $p->key(user => 'baker', assistant => $guide);
	visitor_refused $p->post($CHAT, json => { content => 'rye', knowledge => $set },
	    with_key($other)), 404, qr/dataset $set/, 'somebody else\'s is not there';
	$p->parley('key', 'revoke', $other_id);
	says('340 [1].');
	my $r = ask('What does rye bread cost?', knowledge => $set)->json;
	is_deeply [@{ $r->{source}[0] }{qw(link title)}], ['', 'rye.txt'], 'is a source';
	like $r->{source}[0]{snippet}, qr/\ARye bread costs 340/, 'with what it says';
	like systems(), qr/340 cents/, 'the model is told';
	my $baker = an_assistant($p, dataset => $set);
	for my $how ([], [handler_type => 'custom']) {
		says('340.');
		ask('What does rye bread cost?', ibotID => $baker, @$how);
		like systems(), qr/340 cents/, "an assistant's own: '@$how'";
	}
	says('340.');
	ask('What does rye bread cost?', ibotID => $baker, handler_type => 'web_search');
	unlike systems(), qr/340 cents/, 'not where the web is asked instead';
	says('340.');
	is scalar @{ ask('What does rye bread cost?', ibotID => $baker, search => true)
	    ->json->{source} }, 4, 'search goes beside it';
	like systems(), qr/\[1\] rye\.txt.*\[2\] /s, 'and is numbered on';
};

subtest 'tools' => sub {
	my $tool = added($p, qw(tool add), { name => 'lookup', description => 'Finds things.',
	    parameters => { type => 'object', properties => { q => { type => 'string' } } },
	    url => "$site/search?format=json" });
	for my $ref ($tool->{id}, 'lookup') {
		$p->script('m-a', { steps => [{ tool_calls => [{ name => 'lookup',
		    arguments => { q => 'bread' } }] }, { finish => 'tool_calls' },
		    { done => 1 }] });
		says('It is there.');
		my $r = ask('Where?', tools => [$ref])->json;
		is $r->{desc}, 'It is there.', "by $ref";
		is +($web->log)[-1]{path}, '/search', 'called';
		my $body = (asked_of($p))[-1]{body};
		is $body->{tools}[0]{function}{name}, 'lookup', 'offered';
		like $body->{messages}[-1]{content}, qr/demo\.example/, 'its result';
	}
	my $able = an_assistant($p, tool => 'lookup');
	added($p, qw(tool add), { name => 'other', description => 'Other.',
	    parameters => { type => 'object' }, url => "$site/search" });
	says('No.');
	ask('Where?', ibotID => $able);
	is +(asked_of($p))[-1]{body}{tools}[0]{function}{name}, 'lookup', 'an assistant\'s own';
	says('No.');
	ask('Where?', ibotID => $able, tools => ['other']);
	is_deeply [map { $_->{function}{name} } @{ (asked_of($p))[-1]{body}{tools} }], ['other'],
	    'but those that are named go before';
};

subtest 'intentions' => sub {
	my $hours = added($p, qw(intent add), { name => 'hours', examples => ['When do you open?'],
	    reply => 'From 9 to 5.' })->{id};
	my $angry = added($p, qw(intent add), { name => 'anger', examples => ['This is bad!'],
	    system => 'Be kind.' })->{id};
	my $before = sums()->[0];
	says('1');
	my $r = ask('Are you open?', intention => [$hours, $angry])->json;
	is $r->{desc}, 'From 9 to 5.', 'one that has a reply';
	is $r->{usage}{total_cost}, 0.002, 'for what the test costs';
	cmp_ok abs(sums()->[0] - $before - 0.002), '<', 1e-9, 'which is charged';
	like systems(), qr/1\. hours\n- When do you open\?\n\n2\. anger/, 'they were tested for';
	says('2');
	says('I am sorry.');
	$r = ask('You are bad!', intention => [$hours, $angry])->json;
	is $r->{desc}, 'I am sorry.', 'one that steers';
	is $r->{usage}{total_cost}, 0.004, 'for both';
	like systems(), qr/Be kind\./, 'the model is told';
	says('0');
	says('Who knows.');
	is ask('Hm?', intention => ['hours'])->json->{desc}, 'Who knows.', 'none fits';
};

subtest 'contacts' => sub {
	my $contact = sub ($visitor) {
		return $p->sql('SELECT name, mobile, email, company, userid FROM contact'
		    . ' WHERE userid = ?', $visitor)->[0];
	};
	says('Hi.');
	ask('Hi', visitorId => 'lee', fielditem => { name => '李雷', mobile => '138', shoe => 43 });
	is_deeply $contact->('lee'), { name => '李雷', mobile => '138', email => '', company => '',
	    userid => 'lee' }, 'is there';
	says('Hi.');
	ask('Hi', visitorId => 'lee', fielditem => { email => 'lee@x.example', mobile => '' });
	is_deeply $contact->('lee'), { name => '李雷', mobile => '138', email => 'lee@x.example',
	    company => '', userid => 'lee' }, 'is merged';
	says('Hi.');
	ask('Hi', visitorId => 'han');
	is $contact->('han')->{name}, '', 'without any fields as well';
	my $n = $p->sql('SELECT COUNT(*) AS n FROM contact')->[0]{n};
	says('Hi.');
	is ask('Hi', fielditem => { name => 'Nobody' })->code, 200, 'of nobody';
	is $p->sql('SELECT COUNT(*) AS n FROM contact')->[0]{n}, $n, 'nothing is known';
};

# The body as the document prints it, with something that is there in each place.
subtest 'the body of the document' => sub {
	my $set = $p->sql('SELECT id FROM dataset')->[0]{id};
	my $hours = $p->sql("SELECT id FROM intent WHERE name = 'hours'")->[0]{id};
	says('0');
	says('今天是2023年8月16日[1]。');
	my $r = $p->post($CHAT, with_key($key), json => {
		content => '今天几号', return_format => 'text', search => true,
		visitorId => 'string',
		chatMode => 'm-a', intention => [$hours], max_tokens => '100', knowledge => $set,
		system => 'string', tools => ['lookup'], temperature => '0.5', fielditem => {},
		handler_type => 'custom', fix_content => 'string', stream => false,
		ibotID => $guide,
	});
	is $r->code, 200, 'is answered' or diag $r->body;
	is $r->json->{desc}, '今天是2023年8月16日[1]。', 'as it is';
	is_deeply [sort keys %{ $r->json }], [qw(desc msgKey source usage visitorId)],
	    'in its shape';
	visitor_refused $p->post($CHAT, with_key($key), json => { map({ $_ => 'string' }
	    qw(content return_format visitorId chatMode max_tokens knowledge system temperature
	    handler_type fix_content ibotID)), search => true, stream => true, fielditem => {},
	    intention => ['string'], tools => ['string'] }), 400, qr/temperature/,
	    'its placeholders are no values';
};

$p->no_errors_logged;
done_testing;
