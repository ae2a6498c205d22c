#!/usr/bin/perl
# /v1/chat/completions and /v1/models: what is said, what is passed on, what is refused

use v5.36;
use utf8;

use Mojo::JSON qw(encode_json false true);
use ParleyTest;
use ParleyTest::OpenAI;
use Test::More;

binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output);

my $p = ParleyTest->new(models => 2, workers => 1, user => undef,
    model_args => { 'm-b' => ['--context', 100, '--max-tokens', 20] });
my $key = $p->key;
my $as = bearer($key);

sub chat ($body, %o)   { return $p->post($CHAT, json => $body, headers => $as, %o) }
sub stream ($body, %o) { return $p->stream(POST => $CHAT, json => $body, headers => $as, %o) }

sub says (@steps) {
	$p->script('m-a', { steps => [@steps] });
	return;
}

subtest 'models' => sub {
	my $list = $p->get('/v1/models', headers => $as)->json;
	is $list->{object}, 'list', 'a list';
	is_deeply [map { $_->{id} } @{ $list->{data} }], [qw(m-a m-b)], 'of our codes';
	my $one = $list->{data}[0];
	is_deeply [@$one{qw(object owned_by)}], ['model', 'parley'], 'each as OpenAI has it';
	ok abs(time - $one->{created}) < 600, '... in seconds';
	is_deeply $p->get('/v1/models/m-a', headers => $as)->json, $one, 'one alone';
	refused $p->get('/v1/models/gpt-9', headers => $as), 404, qr/gpt-9 does not exist/,
	    'model_not_found', undef, 'one that is not';
	$p->parley('model', 'disable', 'm-b');
	refused $p->get('/v1/models/m-b', headers => $as), 404, qr/m-b/, 'model_not_found', undef,
	    'one that is switched off';
	refused chat(question('x', model => 'm-b')), 404, qr/m-b/, 'model_not_found', undef,
	    '... is not asked either';
	$p->parley('model', 'enable', 'm-b');
};

subtest 'one reply' => sub {
	says { reasoning => 'hm, ' }, { reasoning => 'so' }, { delta => 'Hel' },
	    { delta => "lo ✓\n" }, { finish => 'stop' },
	    { usage => { prompt_tokens => 7, completion_tokens => 5 } },
	    { done => \1 };
	my $r = chat(question('hi'));
	my $got = $r->json;
	is $r->code, 200, 'status';
	is $r->header('content-type'), 'application/json; charset=utf-8', 'type';
	is $r->header('x-stream-id'), undef, 'no stream to go on with';
	like delete $got->{id}, qr/^chatcmpl-[0-9]+$/, 'id';
	ok abs(time - delete $got->{created}) < 60, 'created';
	is_deeply $got, { object => 'chat.completion', model => 'm-a', choices => [{ index => 0,
	    message => { role => 'assistant', content => "Hello ✓\n", refusal => undef,
		reasoning_content => 'hm, so' }, finish_reason => 'stop' }],
	    usage => { prompt_tokens => 7, completion_tokens => 5, total_tokens => 12 } },
	    'the whole';
	says { delta => 'a' }, { finish => 'length' }, { done => \1 };
	is chat(question('hi'))->json->{choices}[0]{finish_reason}, 'length', 'cut off';
	says { delta => 'a' }, { finish => 'content_filter' }, { done => \1 };
	is chat(question('hi'))->json->{choices}[0]{finish_reason}, 'content_filter', 'filtered';
	says { finish => 'stop' }, { done => \1 };
	is said_by(chat(question('hi')))->{content}, '', 'nothing is an answer';
	says { big => 300_000 }, { finish => 'stop' }, { done => \1 };
	is length said_by(chat(question('hi')))->{content}, 300_000, 'a long one';
};

subtest 'a stream' => sub {
	my @steps = ({ reasoning => 'hm' }, { delta => 'Hel' }, { delta => 'lo' },
	    { finish => 'stop' }, { usage => { prompt_tokens => 7, completion_tokens => 5 } },
	    { done => \1 });
	says @steps;
	my $s = stream(question('hi', stream => true));
	my $told = told($s);
	is $s->header('content-type'), 'text/event-stream; charset=utf-8', 'type';
	is $s->header('x-stream-id'), undef, 'not stored: no stream to go on with';
	is_deeply [@$told{qw(text reasoning finish usage done)}],
	    ['Hello', 'hm', 'stop', undef, 1], 'what is said';
	is_deeply $told->{roles}, ['assistant'], 'the role once';
	my @chunks = map { $_->{data} } grep { ref $_->{data} } @{ $s->events };
	is_deeply $chunks[0]{choices}, [{ index => 0, delta => { role => 'assistant',
	    content => '' }, finish_reason => undef }], '... in the first chunk';
	is_deeply $chunks[-1]{choices}, [{ index => 0, delta => {}, finish_reason => 'stop' }],
	    'the last says why';
	is scalar(grep { $_->{object} ne 'chat.completion.chunk' || $_->{model} ne 'm-a'
	    || $_->{id} ne $chunks[0]{id} || exists $_->{usage} } @chunks), 0, 'each is one of it';
	is $s->events->[-1]{data}, '[DONE]', 'the end';

	says @steps;
	$s = stream(question('hi', stream => true, stream_options => { include_usage => true }));
	is scalar(grep { exists $_->{data}{usage} } grep { ref $_->{data} } @{ $s->events }), 6,
	    'usage in all chunks where it is asked for';
	is_deeply $s->events->[-2]{data}{choices}, [], '... in one without choices';
	is_deeply told($s)->{usage}, { prompt_tokens => 7, completion_tokens => 5,
	    total_tokens => 12 }, '... at the end';
};

subtest 'as it came' => sub {
	my @tools = ({ type => 'function', function => { name => 'f',
	    parameters => { type => 'object', properties => {} } } });
	my @messages = (
		{ role => 'developer', content => 'be brief' },
		{ role => 'user', name => 'ann', content => [{ type => 'text', text => 'see' },
		    { type => 'image_url',
			image_url => { url => 'data:image/png;base64,AA==' } }] },
		{ role => 'assistant', content => undef, tool_calls => [{ id => 'c1',
		    type => 'function', function => { name => 'f', arguments => '{}' } }] },
		{ role => 'tool', tool_call_id => 'c1', content => '42 ✓' },
	);
	my %more = (temperature => 0.5, top_p => 1, stop => ['a', 'b'], seed => 7, user => 'u1',
	    presence_penalty => -1.5, frequency_penalty => 2, logit_bias => { 50256 => -100 },
	    response_format => { type => 'json_object' }, tools => \@tools,
	    tool_choice => 'auto', parallel_tool_calls => false, reasoning_effort => 'low');
	$p->upstream->clear_log;
	is chat({ model => 'm-a', messages => \@messages, %more, max_tokens => 9,
	    metadata => { a => 'b' }, unheard_of => 1, n => 1 })->code, 200, 'taken';
	my ($asked) = map { $_->{body} } $p->upstream_log;
	is_deeply $asked, { model => 'veiled-a-70b', messages => \@messages, %more,
	    max_tokens => 9, stream => true, stream_options => { include_usage => true } },
	    'and passed on, without what concerns us';
	$p->upstream->clear_log;
	chat(question('x', max_tokens => 5, max_completion_tokens => 6));
	is [$p->upstream_log]->[0]{body}{max_tokens}, 6, 'max_completion_tokens goes before';
};

subtest 'a small window' => sub {
	my $long = 'word ' x 60;
	$p->upstream->clear_log;
	chat({ model => 'm-b', messages => [{ role => 'system', content => 'brief' },
	    map({ ({ role => 'user', content => $long },
		{ role => 'assistant', content => $long }) } 1 .. 3),
	    { role => 'user', content => 'short?' }] });
	is_deeply [map { $_->{content} } @{ [$p->upstream_log]->[0]{body}{messages} }],
	    ['brief', 'short?'], 'whole turns go, system and question stay';
};

subtest 'tools' => sub {
	my @pieces = map { { chunk => { tool_calls => $_ } } } [{ index => 0, id => 'call_1',
	    type => 'function', function => { name => 'weather', arguments => '' } }],
	    [{ index => 0, function => { arguments => '{"city":' } }],
	    [{ index => 0, function => { arguments => '"深圳"}' } },
	    { index => 1, id => 'call_2', type => 'function',
	    function => { name => 'now', arguments => '{}' } }];
	my @steps = ({ reasoning => 'hm' }, @pieces, { finish => 'tool_calls' }, { done => \1 });
	says @steps;
	my $told = told(stream(question('weather?', stream => true)));
	is_deeply $told->{calls}, [['call_1', 'weather', '{"city":"深圳"}'],
	    ['call_2', 'now', '{}']], 'a stream of pieces';
	is_deeply [@$told{qw(finish text reasoning)}], ['tool_calls', '', 'hm'], '... ends so';
	says @steps;
	my $r = chat(question('weather?'));
	is_deeply said_by($r), { role => 'assistant', content => undef, refusal => undef,
	    reasoning_content => 'hm', tool_calls => [
	    { id => 'call_1', type => 'function',
		function => { name => 'weather', arguments => '{"city":"深圳"}' } },
	    { id => 'call_2', type => 'function',
		function => { name => 'now', arguments => '{}' } }] }, 'one reply with whole calls';
	is $r->json->{choices}[0]{finish_reason}, 'tool_calls', '... ends so, too';
	ok $r->json->{usage}{completion_tokens} >= 7, 'calls that are not counted are estimated';

	says { chunk => { tool_calls => [{ index => 0, id => 'a', function => { name => 'x',
	    arguments => '.' x 20_000 } }] } },
	    { repeat => 20, steps => [{ chunk => { tool_calls => [{ index => 0,
	    function => { arguments => '.' x 20_000 } }] } }] }, { finish => 'tool_calls' };
	is chat(question('x'))->json->{choices}[0]{finish_reason}, 'length', 'too much of them';
};

subtest 'refused' => sub {
	my @user = { role => 'user', content => 'x' };
	my $with = sub (%m) { return (messages => [@user, \%m]) };
	for (
		[{ model => undef }, 'missing_required_parameter', 'model'],
		[{ model => 7 }, 'invalid_type', 'model'],
		[{ messages => undef }, 'missing_required_parameter', 'messages'],
		[{ messages => [] }, 'out_of_range', 'messages'],
		[{ messages => 'x' }, 'invalid_type', 'messages'],
		[{ messages => ['x'] }, 'invalid_type', 'messages[0]'],
		[{ $with->(role => 'x', content => 'x') }, 'invalid_value', 'messages[1].role'],
		[{ $with->(content => 'x') }, 'missing_required_parameter', 'messages[1].role'],
		[{ $with->(role => 'user') }, 'missing_required_parameter', 'messages[1].content'],
		[{ $with->(role => 'user', content => 7) }, 'invalid_type', 'messages[1].content'],
		[{ $with->(role => 'user', content => "a\0b") }, 'invalid_value',
		    'messages[1].content'],
		[{ $with->(role => 'user', content => [{ type => 'input_audio' }]) },
		    'invalid_value', 'messages[1].content[0].type'],
		[{ $with->(role => 'user', content => [{ type => 'text' }]) },
		    'missing_required_parameter', 'messages[1].content[0].text'],
		[{ $with->(role => 'user', content => [{ type => 'image_url', image_url => {} }]) },
		    'missing_required_parameter', 'messages[1].content[0].image_url.url'],
		[{ $with->(role => 'user', content => 'x', tool_calls => []) }, 'invalid_value',
		    'messages[1].tool_calls'],
		[{ $with->(role => 'tool', content => 'x') }, 'missing_required_parameter',
		    'messages[1].tool_call_id'],
		[{ temperature => 2.1 }, 'out_of_range', 'temperature'],
		[{ temperature => 'hot' }, 'invalid_type', 'temperature'],
		[{ top_p => -1 }, 'out_of_range', 'top_p'],
		[{ presence_penalty => 3 }, 'out_of_range', 'presence_penalty'],
		[{ frequency_penalty => -3 }, 'out_of_range', 'frequency_penalty'],
		[{ max_tokens => 0 }, 'out_of_range', 'max_tokens'],
		[{ max_completion_tokens => -1 }, 'out_of_range', 'max_completion_tokens'],
		[{ seed => 1.5 }, 'invalid_type', 'seed'],
		[{ stop => 7 }, 'invalid_value', 'stop'],
		[{ stop => [1 .. 5] }, 'invalid_value', 'stop'],
		[{ stop => [('x') x 5] }, 'invalid_value', 'stop'],
		[{ tools => [] }, 'invalid_value', 'tools'],
		[{ tools => [{ type => 'retrieval' }] }, 'invalid_value', 'tools'],
		[{ tool_choice => 'auto' }, 'invalid_value', 'tool_choice'],
		[{ parallel_tool_calls => true }, 'invalid_value', 'parallel_tool_calls'],
		[{ response_format => 'json' }, 'invalid_value', 'response_format'],
		[{ response_format => { type => 'xml' } }, 'invalid_value', 'response_format'],
		[{ logit_bias => { 1 => 101 } }, 'invalid_value', 'logit_bias'],
		[{ n => 2 }, 'invalid_value', 'n'],
		[{ n => 0 }, 'out_of_range', 'n'],
		[{ logprobs => true }, 'invalid_value', 'logprobs'],
		[{ top_logprobs => 2 }, 'invalid_value', 'top_logprobs'],
		[{ modalities => ['text', 'audio'] }, 'invalid_value', 'modalities'],
		[{ audio => { voice => 'alloy' } }, 'invalid_value', 'audio'],
		[{ functions => [] }, 'invalid_value', 'functions'],
		[{ stream => 'yes' }, 'invalid_type', 'stream'],
	) {
		my ($part, $code, $param) = @$_;
		my %body = (model => 'm-a', messages => \@user, %$part);
		delete $body{$_} for grep { !defined $body{$_} } keys %body;
		refused chat(\%body), 400, qr/\Q$param\E/, $code, $param, encode_json($part);
	}
	refused $p->post($CHAT, body => '{', headers => $as), 400, qr/body/, undef, undef,
	    'no JSON';
	refused $p->post($CHAT, body => 'x=1', headers => { %$as,
	    'Content-Type' => 'application/x-www-form-urlencoded' }), 415, qr/urlencoded/, undef,
	    undef, 'a form';
	refused $p->get($CHAT, headers => $as), 405, qr/GET/, undef, undef, 'GET';
	refused $p->get("$CHAT/x", headers => $as), 404, qr{$CHAT/x}, undef, undef, 'below it';
	refused chat(question('x', model => 'veiled-a-70b')), 404, qr/does not exist/,
	    'model_not_found', undef, "an upstream's name";
};

subtest 'who' => sub {
	for ([undef, 'nobody'], ['Bearer sk-wrong', 'a wrong key'], ['Bearer x.y.z', 'a token']) {
		refused $p->post($CHAT, json => question('x'), headers => {
		    Authorization => $_->[0], 'Accept-Language' => 'en' }), 401,
		    qr/not authenticated/, 'invalid_api_key', undef, $_->[1];
	}
	for ({ Authorization => $key }, { 'x-api-key' => $key }) {
		is $p->get('/v1/models', headers => $_)->code, 200, join ' ', keys %$_;
	}
};

subtest 'nothing is kept' => sub {
	is_deeply $p->sql('SELECT (SELECT COUNT(*) FROM session) AS sessions,'
	    . ' (SELECT COUNT(*) FROM turn WHERE question IS NOT NULL OR context IS NOT NULL)'
	    . ' AS questions, (SELECT COUNT(*) FROM answer WHERE text IS NOT NULL OR'
	    . ' reasoning IS NOT NULL) AS texts'),
	    [{ sessions => 0, questions => 0, texts => 0 }], 'but figures';
	my ($all) = @{ $p->sql("SELECT COUNT(*) AS n, SUM(status = 'running') AS running,"
	    . ' SUM(cost) AS cost, (SELECT SUM(amount) FROM ledger) AS paid FROM answer') };
	ok $all->{n} > 10 && $all->{running} == 0 && $all->{cost} > 0, 'one row for each call';
	is $all->{paid}, $all->{cost}, '... settled';
};

$p->no_errors_logged;
done_testing;
