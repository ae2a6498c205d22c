#!/usr/bin/perl
# What a website can look up and change: the lists, its balance, its contacts, what was said, and
# tools that it runs itself.

use v5.36;
use utf8;

use Mojo::IOLoop;
use Mojo::JSON qw(decode_json encode_json false true);
use ParleyTest;
use ParleyTest::Upstream;
use ParleyTest::Visitor;
use Test::More;

my $web = ParleyTest::Upstream->new(models => ['web']);
my $site = 'http://127.0.0.1:' . $web->port;
my $p = ParleyTest->new(models => 2, workers => 1, threads => 2, user => undef);
my $guide = an_assistant($p);
my ($key, $key_id) = $p->key(user => 'shop', assistant => $guide);
my ($rival) = $p->key(user => 'rival', assistant => $guide);
$p->parley('tenant', 'add', 'acme');
my ($acme) = $p->key(user => 'shop', tenant => 'acme');

sub looked_up ($path, %o) {
	my $r = $p->get("/v1/openapi/$path", with_key($o{key} // $key, query => $o{query} // {}));
	return $r->json->{Data} if $r->code == 200 && $r->json->{Code} == 2000
	    && $r->json->{Msg} eq 'success';
	diag $r->body;
	return undef;
}

sub at ($method, $path, $json, $k = $key) {
	return $p->request($method, "/v1/openapi/$path", with_key($k, json => $json));
}

sub says ($text) {
	return $p->script('m-a', { steps => [{ delta => $text }, { finish => 'stop' },
	    { usage => { prompt_tokens => 1000, completion_tokens => 500 } }, { done => 1 }] });
}

my $TIME = qr/\A20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\z/;

subtest 'lists' => sub {
	is_deeply $p->get('/v1/openapi/check', with_key($key))->json, { success => true }, 'a key';
	my $ibots = looked_up('ibots');
	is_deeply [map { [@$_{qw(id name published)}] } @$ibots], [[$guide, 'Guide', false]],
	    'assistants';
	like $ibots->[0]{create_time}, $TIME, 'since when';
	is_deeply looked_up('ibots', key => $acme), [], 'of the tenant alone';
	is_deeply looked_up('models'), [map { { id => $_->{code}, name => $_->{name} } }
	    @{ $p->sql('SELECT code, name FROM model ORDER BY code') }], 'models';
	is_deeply looked_up('intentions'), [], 'no intents yet';
	my $intent = added($p, qw(intent add), { name => '营业时间',
	    examples => ['几点开门?', 'When?'], reply => '9-17' })->{id};
	is_deeply looked_up('intentions'), [{ id => $intent, name => '营业时间',
	    examples => ['几点开门?', 'When?'] }], 'intents';
	my ($made) = map { $p->post('/v1/chat/dataset', json => { name => 'prices' },
	    with_key($_)) } $key, $rival;
	my $datasets = looked_up('knowledge');
	is_deeply [map { [@$_{qw(id name documents)}] } @$datasets],
	    [[$made->json->{dataset}{id}, 'prices', 0]], 'knowledge of the key\'s user';
	is_deeply looked_up('knowledge', key => $acme), [], 'and no other';
};

subtest 'the balance' => sub {
	is_deeply looked_up('balance'), { money => undef, calls => undef }, 'without end';
	$p->parley('key', 'set', $key_id, '--allowance', '1.5', '--calls', '3');
	is_deeply looked_up('balance'), { money => 1.5, calls => 3 }, 'of what there is';
	says('Yes.');
	$p->post($CHAT, json => { content => 'x' }, with_key($key));
	is_deeply looked_up('balance'), { money => 1.498, calls => 2 }, 'after an answer';
	$p->parley('key', 'set', $key_id, '--allowance', '0.001', '--calls', '1');
	is_deeply looked_up('balance'), { money => 0, calls => 0 }, 'nothing is the least';
	$p->parley('key', 'set', $key_id, '--allowance', 'none', '--calls', 'none');
};

subtest 'contacts' => sub {
	for my $v (['v-1', { name => '李雷', mobile => '138', company => 'Acme' }],
	    ['v-2', { name => '韩梅梅', email => 'Han@x.example', company => 'Acme' }],
	    ['v-3', { name => '100%' }]) {
		says('Hi.');
		$p->post($CHAT, with_key($key), json => { content => 'Hi', visitorId => $v->[0],
		    fielditem => $v->[1] });
	}
	my $found = sub (@filter) {
		my $r = at(POST => 'contacts', { filter => [map { my %f;
		    @f{qw(filter_key filter_condition filter_value)} = @$_; \%f } @filter] });
		diag $r->body if $r->code != 200;
		return [map { $_->{userid} } @{ $r->json->{Data} // [] }];
	};
	my $all = at(POST => 'contacts', {})->json->{Data};
	is_deeply [map { $_->{userid} } @$all], [qw(v-3 v-2 v-1)], 'all, newest first';
	my $lee = $all->[2];
	is_deeply { %$lee, id => 0, create_time => 0, update_time => 0 }, { id => 0,
	    name => '李雷', mobile => '138', email => '', avatar => '', userid => 'v-1',
	    company => 'Acme', create_time => 0, update_time => 0 }, 'their members';
	like $lee->{$_}, $TIME, $_ for qw(create_time update_time);
	is_deeply $found->(['name', '=', '李雷']), ['v-1'], 'by name';
	is_deeply $found->(['company', undef, 'Acme']), [qw(v-2 v-1)], 'equal by default';
	is_deeply $found->(['company', '=', 'acme']), [], 'to the letter';
	is_deeply $found->(['company', '!=', 'Acme']), ['v-3'], 'or not';
	is_deeply $found->(['email', 'like', 'hAN@']), ['v-2'], 'by a part';
	is_deeply $found->(['name', 'like', '%']), ['v-3'], 'of which nothing is special';
	is_deeply $found->(['company', '=', 'Acme'], ['userid', '!=', 'v-1']), ['v-2'], 'by both';
	is_deeply $found->(['id', '=', $lee->{id}]), ['v-1'], 'by id';
	is_deeply $found->(['name', '=', q{' OR 1=1 -- "}]), [], 'quotes are letters';
	is_deeply [map { $_->{userid} } @{ at(POST => 'contacts', { page => 2, size => 2 })
	    ->json->{Data} }], ['v-1'], 'in pages';
	is_deeply at(POST => 'contacts', {}, $rival)->json->{Data}, [], 'its own alone';
	visitor_refused at(POST => 'contacts', { filter => [{ filter_key => 'owner',
	    filter_value => '1' }] }), 400, qr/filter\[0\]\.filter_key/, 'of these columns';
	visitor_refused at(POST => 'contacts', { filter => [{ filter_key => 'name',
	    filter_condition => '>', filter_value => '1' }] }), 400, qr/filter_condition/,
	    'by these conditions';

	is_deeply looked_up('contacts', query => { contact_id => $lee->{id} }), $lee, 'one';
	my $changed = at(PUT => 'contacts', { contact_id => $lee->{id}, name => 'Lee',
	    mobile => '' });
	is_deeply [@{ $changed->json->{Data} }{qw(name mobile company userid)}],
	    ['Lee', '', 'Acme', 'v-1'], 'is changed, but for what is not said';
	is at(PUT => 'contacts', { id => $lee->{id}, avatar => 'http://x/y.png' })
	    ->json->{Data}{avatar}, 'http://x/y.png', 'by its id, too';
	visitor_refused $p->request($_ => '/v1/openapi/contacts', with_key($rival,
	    query => { contact_id => $lee->{id} })), 404, qr/contact/, "$_: not by others"
	    for qw(GET DELETE);
	visitor_refused at(PUT => 'contacts', { contact_id => $lee->{id}, name => 'x' }, $rival),
	    404, qr/contact/, 'PUT: not by others';
	visitor_refused at(PUT => 'contacts', { name => 'x' }), 400, qr/contact_id/, 'PUT: whom?';
	visitor_refused $p->get('/v1/openapi/contacts', with_key($key)), 400, qr/contact_id/,
	    'whom?';
	visitor_refused $p->get('/v1/openapi/contacts', with_key($key, query =>
	    { contact_id => 'x' })), 404, qr/contact_id x/, 'no such thing';
	my $gone = $p->request(DELETE => '/v1/openapi/contacts', with_key($key, query =>
	    { contact_id => $lee->{id} }));
	is $gone->json->{Data}{name}, 'Lee', 'is deleted';
	visitor_refused $p->request(DELETE => '/v1/openapi/contacts', with_key($key, query =>
	    { contact_id => $lee->{id} })), 404, qr/contact/, 'once';
	is_deeply $found->(), [qw(v-3 v-2)], 'and gone';
};

subtest 'what was said' => sub {
	my $msg_key;
	for my $n (1 .. 3) {
		says("Answer $n.");
		$msg_key = $p->post($CHAT, with_key($key), json => { content => "Question $n?",
		    visitorId => 'talker' })->json->{msgKey};
	}
	my $detail = sub ($json, $k = $key) { at(POST => 'chat/history/detail', $json, $k) };
	my $messages = $detail->({ chat_id => $msg_key })->json->{Data}{message};
	is_deeply [map { [@$_{qw(role content)}] } @$messages], [map { ([assistant => "Answer $_."],
	    [user => "Question $_?"]) } 3, 2, 1], 'newest first';
	like $_->{create_time}, $TIME, 'when' for @$messages;
	my %ids = map { $_->{id} => 1 } @$messages;
	is scalar keys %ids, 6, 'each has an id of its own';
	is_deeply [map { $_->{content} } @{ $detail->({ chat_id => $msg_key, page => 2, size => 1 })
	    ->json->{Data}{message} }], ['Answer 2.', 'Question 2?'], 'in pages';
	visitor_refused $detail->({ chat_id => $msg_key }, $rival), 404, qr/session/,
	    'not to others';
	visitor_refused $detail->({ chat_id => 'api_x' }), 404, qr/session api_x/, 'unknown';
	visitor_refused $detail->({}), 400, qr/chat_id/, 'of which?';
	$p->script('m-a', { status => 400 });
	$p->post($CHAT, with_key($key), json => { content => 'Question 4?',
	    visitorId => 'talker' });
	is_deeply [map { $_->{content} } @{ $detail->({ chat_id => $msg_key, size => 1 })
	    ->json->{Data}{message} }], ['Question 4?'], 'where nothing was said nothing is shown';
};

subtest 'tools' => sub {
	my $schema = { type => 'object', properties => { q => { type => 'string' } } };
	my $tool = added($p, qw(tool add), { name => 'lookup', description => 'Finds things.',
	    parameters => $schema, url => "$site/search?format=json", timeout => 1,
	    secret_env => 'LOOKUP_KEY' })->{id};
	is_deeply $p->get('/v1/openapi/exposed', with_key($key))->json, { configuration_link => '',
	    results => [{ id => $tool, operation_id => 'lookup', description => 'Finds things.',
	    params => $schema }] }, 'those that there are';
	my $run = sub (%json) { at(POST => "exposed/$tool/execute_v2/", \%json) };
	my $preview = $run->(data => { q => 'bread' }, preview_only => true);
	is_deeply $preview->json, { id => $preview->header('x-request-id'), action_used => 'lookup',
	    input_params => { q => 'bread' }, result => undef, status => 'preview',
	    error => undef }, 'a preview';
	is_deeply [$web->log], [], 'runs nothing';
	my $r = $run->(data => { q => 'bread' }, preview_only => false)->json;
	is_deeply [@$r{qw(action_used input_params status error)}],
	    ['lookup', { q => 'bread' }, 'success', undef], 'it is run';
	is $r->{result}{query}, 'bread', 'its result as JSON';
	$web->script('demo-search', { status => 200, body => 'no "JSON"' });
	is at(POST => 'exposed/lookup/execute_v2', { data => { q => 'x' } })->json->{result},
	    'no "JSON"', 'by its name, and as text';
	$web->script('demo-search', { status => 418, body => '{"why":"tea"}' });
	$r = $run->(data => { q => 'x' })->json;
	is_deeply [@$r{qw(status error)}], ['error', 'the tool answered with status 418'],
	    'it fails';
	is $r->{result}{body}, '{"why":"tea"}', 'and says why';
	$web->script('demo-search', { hang_before => 1 });
	is $run->(data => { q => 'x' })->json->{error}, 'the tool gave no answer within 1 s',
	    'or says nothing';
	visitor_refused $run->(data => 'x'), 400, qr/data/, 'arguments are an object';
	visitor_refused $run->(preview_only => 'yes'), 400, qr/preview_only/, 'yes is no boolean';
	visitor_refused at(POST => 'exposed/4711/execute_v2', {}), 404, qr/tool 4711/, 'unknown';
	is $p->sql('SELECT COUNT(*) AS n FROM tool_run')->[0]{n}, 0, 'nothing is stored';

	# More wait than there are threads, and others are answered meanwhile.
	added($p, qw(tool add), { name => 'slow', description => 'Slow.', parameters => $schema,
	    url => "$site/search?format=json", timeout => 20 });
	$web->script('demo-search', { hang_before => 3, times => 5 });
	$web->clear_log;
	my $open = 5;
	$p->{http}->open(POST => '/v1/openapi/exposed/slow/execute_v2', sub ($) { $open-- },
	    with_key($key, json => { data => { q => 'x' } })) for 1 .. $open;
	my $timer = Mojo::IOLoop->recurring(0.05 => sub { });
	$p->eventually('they run', sub { Mojo::IOLoop->one_tick; 5 == $web->log });
	is $p->get('/v1/openapi/check', with_key($key))->code, 200, 'somebody else is answered';
	is $open, 5, 'while all of them wait';
	Mojo::IOLoop->one_tick while $open > 0;
	Mojo::IOLoop->remove($timer);
	pass 'then all are answered';

	$web->script('demo-search', { hang_before => true });
	my $body = encode_json({ data => { q => 'left' } });
	$p->raw("POST /v1/openapi/exposed/slow/execute_v2 HTTP/1.1\r\nHost: x\r\n"
	    . "x-api-key: $key\r\nContent-Type: application/json\r\n"
	    . 'Content-Length: ' . length($body) . "\r\n\r\n$body", 0.5);
	$p->eventually('who leaves ends the call', sub {
		return ($web->log)[-1]{ended} eq 'aborted' });
	is $p->get('/v1/openapi/check', with_key($key))->code, 200, 'and nothing else';
};

$p->no_errors_logged('quiet but for what was expected', allow => [qr/secret is not set/]);
done_testing;
