#!/usr/bin/perl
# The demo upstream: OpenAI's protocol as clients know it, and every fault it can be asked for.

use v5.36;
use utf8;

use Compress::Zlib qw(uncompress);
use IO::Socket::INET;
use List::Util   qw(sum max);
use MIME::Base64 qw(decode_base64);
use Mojo::JSON   qw(decode_json encode_json);
use Test::More;
use Time::HiRes qw(sleep time);

use ParleyTest;
use ParleyTest::Process;
use ParleyTest::Sse;
use ParleyTest::Upstream;

binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output);

my $CHAT = '/v1/chat/completions';
my @MODELS = qw(demo-a demo-b demo-c demo-d);

my $up = ParleyTest::Upstream->new(delay => 1);
my $http = $up->http;

sub ask ($model, $question, %more) {
	my $system = delete $more{system};
	return { model => $model, %more, messages => $more{messages} // [
		defined $system ? { role => 'system', content => $system } : (),
		{ role => 'user', content => $question },
	] };
}

sub chat (@ask) { return $http->post($CHAT, json => ask(@ask)) }

# A streamed request, its options for stream() in %o.
sub chat_stream ($model, $question = 'What is a spool?', %o) {
	return [POST => $CHAT, json => { %{ ask($model, $question) }, stream => \1,
	    %{ delete $o{ask} // {} } }, %o];
}

sub said ($reply) { return $reply->json->{choices}[0]{message}{content} }

# The events of a stream but [DONE].
sub chunks ($stream) { return grep { ref $_->{data} } @{ $stream->events } }

# Content, reasoning and finish of a stream of chunks.
sub gathered ($stream) {
	my @choices = map { ($_->{data}{choices} // [])->[0] // () } chunks($stream);
	return (
		join('', map { $_->{delta}{content} // '' } @choices),
		join('', map { $_->{delta}{reasoning_content} // '' } @choices),
		join(' ', map { $_->{finish_reason} // () } @choices),
	);
}

sub ended ($n) {
	return sub {
		my ($entry) = grep { $_->{n} == $n } $up->log;
		return $entry && $entry->{ended} ne 'running' && $entry->{ended};
	};
}

sub last_n () { return max map { $_->{n} } $up->log }

sub eventually_is ($code, $want, $name) {
	my ($until, $got) = (time + 5, '');
	sleep 0.01 until ($got = $code->()) || time > $until;
	return is $got, $want, $name;
}

sub is_error ($reply, $status, $like, $param, $name) {
	my $error = ($reply->json // {})->{error} // {};
	ok $reply->code == $status && ($error->{message} // '') =~ $like
	    && ($error->{param} // '') eq ($param // '') && exists $error->{code}
	    && defined $error->{type},
	    $name or diag $reply->code, ' ', $reply->body;
	return;
}

subtest 'command line' => sub {
	my @run = ($^X, ($ENV{srcdir} // '.') . '/scripts/demo-upstream');
	my ($exit, $out, $err) = ParleyTest::Process::capture([@run, '--help']);
	is $exit, 0, 'help';
	like $out, qr/^usage: demo-upstream .*--port-file FILE.*--control/s, 'help text';
	my @wrong = (['--bogus'], ['--port', 70000], ['--delay', -1], ['--models', ','], ['stray']);
	for my $wrong (@wrong) {
		($exit, $out, $err) = ParleyTest::Process::capture([@run, @$wrong]);
		is $exit, 64, "refused: @$wrong";
		like $err, qr/usage:/, '... with the usage';
	}
	($exit, $out, $err) = ParleyTest::Process::capture([@run, '--port', $up->port]);
	is $exit, 69, 'port in use';
	like $err, qr/^demo-upstream: cannot listen on 127\.0\.0\.1:\d+: .+in use/,
	    '... said in a line';
	($exit, $out, $err) = ParleyTest::Process::capture([@run, '--port-file',
	    '/nonexistent/port']);
	is $exit, 73, 'port file cannot be written';
};

subtest 'models' => sub {
	my $list = $http->get('/v1/models')->json;
	is $list->{object}, 'list', 'a list';
	is_deeply [grep { /-[a-d]$/ } map { $_->{id} } @{ $list->{data} }], \@MODELS,
	    'the chat models';
	is $http->get('/v1/models/demo-b')->json->{object}, 'model', 'one of them';
	is_error $http->get('/v1/models/other'), 404, qr/`other` does not exist/, 'model',
	    'not one of them';
};

subtest 'answers' => sub {
	my %seen;
	for my $model (@MODELS) {
		my $reply = chat($model, 'What is a spool?');
		my $answer = $reply->json;
		is $reply->code, 200, "$model answers";
		is $answer->{object}, 'chat.completion', 'object';
		like $answer->{id}, qr/^chatcmpl-\w+$/, 'id';
		is $answer->{model}, $model, 'model';
		is $answer->{choices}[0]{finish_reason}, 'stop', 'finish';
		my ($text, $usage) = (said($reply), $answer->{usage});
		like $text, qr/demo/i, 'says what it is';
		like $text, qr/no language model/, '... plainly';
		like $text, qr/“What is a spool\?”/, 'refers to the question';
		is $usage->{total_tokens}, $usage->{prompt_tokens} + $usage->{completion_tokens},
		    'usage adds up';
		ok $usage->{prompt_tokens} > 0 && $usage->{completion_tokens} > 10, 'usage counts';
		is said(chat($model, 'What is a spool?')), $text, 'the same every time';
		ok !$seen{$text}++, 'unlike the others';

		my $zh = said(chat($model, '谁询问了退款流程？'));
		like $zh, qr/演示.*没有语言模型/s, 'Chinese to a Chinese question';
		like $zh, qr/谁询问了退款流程/, '... which it refers to';
		unlike $text . $zh . encode_json($answer->{choices}), qr/demo-[a-d]|\Q$model\E/,
		    'never names itself';
	}
	my $parts = ask('demo-a', [{ type => 'text', text => 'What is this?' },
		{ type => 'image_url', image_url => { url => 'data:image/png;base64,AA==' } }]);
	like said($http->post($CHAT, json => $parts)),
	    qr/“What is this\?”.*pictures you attached \(1\)/s, 'parts';
};

subtest 'context and history' => sub {
	my $system = "The weather was fine. Refunds take 14 days to process.\nNobody called.";
	for my $model (@MODELS) {
		my $text = said(chat($model, 'How long do refunds take?', system => $system));
		like $text, qr/^[->] Refunds take 14 days to process\.$/m,
		    "$model finds the sentence";
		unlike $text, qr/weather was fine/, '... and not the others';
	}
	my $zh = said(chat('demo-d', '退款要多久？',
		system => '周日没有人来电。退款需要十四天。天气很好。'));
	like $zh, qr/^> 退款需要十四天。$/m, 'in Chinese';
	my @talk = (
		{ role => 'user',      content => 'First?' },
		{ role => 'assistant', content => 'Yes.' },
		{ role => 'user',      content => 'And second?' },
	);
	like said(chat('demo-a', '', messages => \@talk)), qr/question 2 .* “First\?”/,
	    'knows what was asked before';
};

subtest 'stream' => sub {
	for my $model (@MODELS) {
		my $s = $http->stream(@{ chat_stream($model, 'What is a spool?',
			ask => { stream_options => { include_usage => \1 } }) });
		my @events = map { $_->{data} } @{ $s->events };
		my $whole = chat($model, 'What is a spool?')->json;
		my $message = $whole->{choices}[0]{message};

		like $s->header('content-type'), qr{^text/event-stream}, "$model streams";
		is $s->header('content-encoding'), undef,
		    'uncompressed, though the client would take gzip';
		is pop @events, '[DONE]', 'done at last';
		my $usage = pop @events;
		is_deeply [$usage->{choices}, $usage->{usage}], [[], $whole->{usage}],
		    'usage, choices empty';
		is_deeply $events[0]{choices}[0]{delta}, { role => 'assistant', content => '' },
		    'the role first';
		is_deeply [map { $_->{choices}[0]{finish_reason} } @events[-2, -1]],
		    [undef, 'stop'], 'finish';
		is_deeply $events[-1]{choices}[0]{delta}, {}, '... with an empty delta';
		is scalar(grep { exists $_->{usage} && !defined $_->{usage} } @events), @events,
		    'usage null before';
		is scalar(grep { $_->{object} eq 'chat.completion.chunk'
		    && $_->{id} eq $events[0]{id}
		    && $_->{model} eq $model && $_->{created} =~ /^\d+$/
		    && $_->{choices}[0]{index} == 0 } @events),
		    @events, 'each chunk is one of the same answer';
		my ($text, $thought) = gathered($s);
		is $text, $message->{content}, 'the deltas are the whole';
		is $thought, $message->{reasoning_content} // '', '... and the thoughts too';
		ok @events > 10, 'in many pieces';
		is $s->{aborted}, undef, 'ended properly';
	}
	my $s = $http->stream(@{ chat_stream('demo-c') });
	my @kinds = map { join ' ', sort keys %{ $_->{data}{choices}[0]{delta} } } chunks($s);
	like join(',', @kinds), qr/^content role,(?:reasoning_content,)+(?:content,)+$/,
	    'thoughts before words';
	is scalar(grep { exists $_->{data}{usage} } chunks($s)), 0, 'no usage unasked';
};

subtest 'limits' => sub {
	my $reply = chat('demo-d', 'Hello?', max_tokens => 12);
	is $reply->json->{choices}[0]{finish_reason}, 'length', 'max_tokens';
	ok $reply->json->{usage}{completion_tokens} <= 12, '... keeps the limit';
	ok length said($reply), '... and says something';
	$reply = chat('demo-a', 'Hello?', stop => ['language']);
	like said($reply), qr/there is no $/, 'stop';
};

subtest 'tools' => sub {
	my @tools = map { { type => 'function', function => $_ } }
	    { name => 'get_weather', parameters => { type => 'object', properties => {
		city => { type => 'string' }, days => { type => 'integer' },
		unit => { type => 'string', enum => ['celsius', 'fahrenheit'] } } } },
	    { name => 'get_weather_map' };
	my $question = 'Please use get_weather for Paris, 3 days in fahrenheit';
	my $s = $http->stream(@{ chat_stream('demo-b', $question, ask => { tools => \@tools }) });
	my @parts = map { @{ $_->{data}{choices}[0]{delta}{tool_calls} // [] } } chunks($s);

	is((gathered($s))[2], 'tool_calls', 'finish_reason');
	is $parts[0]{function}{name}, 'get_weather', 'the tool that was named, not one like it';
	is $parts[0]{type}, 'function', 'type';
	ok @parts > 3, 'arguments in pieces';
	is_deeply [grep { $_->{id} || $_->{function}{name} } @parts[1 .. $#parts]], [],
	    'the name only once';
	my $arguments = decode_json(join '', map { $_->{function}{arguments} } @parts);
	is $arguments->{days}, 3, 'a number from the question';
	is $arguments->{unit}, 'fahrenheit', 'a value from the list';
	like $arguments->{city}, qr/Paris/, 'the text';

	my $message = chat('demo-b', $question, tools => \@tools)->json->{choices}[0]{message};
	is $message->{content}, undef, 'whole: no content';
	is_deeply decode_json($message->{tool_calls}[0]{function}{arguments}), $arguments,
	    '... the same call';

	for my $model (@MODELS) {
		my @talk = ({ role => 'user', content => $question }, $message, {
			role => 'tool', tool_call_id => $message->{tool_calls}[0]{id},
			    content => 'rain, 12 degrees',
		});
		my $text = said(chat($model, '', messages => \@talk, tools => \@tools));
		like $text, qr/get_weather answered: rain, 12 degrees/,
		    "$model answers from the result";
	}
	my %call = (tools => \@tools, tool_choice => 'none');
	unlike encode_json(chat('demo-a', $question, %call)->json), qr/tool_calls/, 'none';
	$call{tool_choice} = { type => 'function', function => { name => 'get_weather_map' } };
	is chat('demo-a', 'Hi', %call)->json->{choices}[0]{message}{tool_calls}[0]{function}{name},
	    'get_weather_map', 'the one demanded';
	is_error chat('demo-a', '', messages => [{ role => 'user', content => 'x' }, $message]),
	    400, qr/last calls have no answer/, 'messages', 'a call without its result';
	is_error chat('demo-a', '', messages => [
		{ role => 'tool', tool_call_id => 'x', content => 'y' }]), 400,
		    qr/must answer a preceding/,
	    'messages.[0]', 'a result without its call';
};

subtest 'search' => sub {
	my $hits = $http->get('/search?format=json&q=a%20%26%20b')->json;
	is $hits->{query}, 'a & b', 'the query';
	is scalar @{ $hits->{results} }, 3, 'hits';
	is_deeply [sort keys %{ $hits->{results}[0] }], [qw(content engine title url)], '... have';
	is $hits->{results}[1]{url}, 'https://demo.example/2?q=a%20%26%20b', '... an address';
	like $hits->{results}[0]{content}, qr/does not exist/, '... and are honest';
	like $http->get('/search?format=json&q=%E7%8C%AB')->json->{results}[0]{title}, qr/演示.*猫/,
	    'in Chinese';
	is $http->get('/search?q=x')->code, 403, 'as JSON alone';
	is $http->get('/search?format=json')->code, 400, 'no query';
	$up->script('demo-search', { status => 500 });
	is $http->get('/search?format=json&q=x')->code, 500, 'scripted';
	my ($entry) = reverse $up->log;
	is $entry->{model}, 'demo-search', 'in the log';
};

subtest 'bad requests' => sub {
	my %good = %{ ask('demo-a', 'x') };
	for my $case (
		['no model',       { messages => [] },                     qr/model/,
		    'model'],
		['no messages',    { %good, messages => [] },              qr/at least one/,
		    'messages'],
		['max_tokens',     { %good, max_tokens => 0 },             qr/positive/,
		    'max_tokens'],
		['n',              { %good, n => 2 },                      qr/one choice/,   'n'],
		['temperature',    { %good, temperature => 'hot' },        qr/a number/,
		    'temperature'],
		['stop',           { %good, stop => {} },                  qr/a text/,
		    'stop'],
		['stream_options', { %good, stream_options => {} },        qr/needs stream/,
		    'stream_options'],
		['tools',          { %good, tools => [{}] },               qr/be a name/,
		    'tools[0].function.name'],
		['role',           { %good, messages => [{ role => 'king', content => 'x' }] },
		    qr/role/,
		    'messages.[0]'],
		['no content',     { %good, messages => [{ role => 'user' }] }, qr/content/,
		    'messages.[0]'],
	) {
		my ($name, $ask, $like, $param) = @$case;
		is_error $http->post($CHAT, json => $ask), 400, $like, $param, $name;
	}
	is_error $http->post($CHAT, body => '{"model":'), 400, qr/could not parse/, undef,
	    'broken JSON';
	is_error $http->post($CHAT, body => '[]'), 400, qr/JSON object/, undef, 'not an object';
	is_error chat('gpt-9', 'x'), 404, qr/`gpt-9` does not exist/, 'model', 'unknown model';
	is_error $http->get('/v1/nothing'), 404, qr{\(GET /v1/nothing\)}, undef, 'unknown path';
	is_error $http->get('/elsewhere'), 404, qr/Invalid URL/, undef, 'outside of /v1';
	is_error $http->get('/favicon.ico'), 404, qr/Invalid URL/, undef, 'no files';
};

subtest 'key' => sub {
	my $locked = ParleyTest::Upstream->new(key => 'sk-right', models => ['one']);
	for my $wrong (undef, 'Bearer sk-wrong', 'sk-right') {
		my $reply = $locked->http->post($CHAT, json => ask('one', 'x'),
		    headers => { Authorization => $wrong });
		is_error $reply, 401, qr/Incorrect API key/, undef, 'refused: '
		    . ($wrong // 'no key');
		is $reply->json->{error}{code}, 'invalid_api_key', '... with its code';
	}
	is $locked->http->post($CHAT, json => ask('one', 'x'),
	    headers => { Authorization => 'Bearer sk-right' })->code,
	    200, 'the right one';
};

subtest 'images' => sub {
	my $data = $http->post('/v1/images/generations', json => { prompt => 'a red 猫', n => 2,
	    size => '96x48' })->json->{data};
	is @$data, 2, 'n';
	my ($one, $two) = map { decode_base64($_->{b64_json}) } @$data;
	isnt $one, $two, 'two pictures';
	is substr($one, 0, 8), "\x89PNG\r\n\x1a\n", 'a PNG';
	is_deeply [unpack 'x16NNC2', $one], [96, 48, 8, 2], '... of the size';
	my ($length) = unpack 'x33N', $one;
	is length uncompress(substr $one, 41, $length), 48 * (1 + 3 * 96),
	    '... with all its pixels';
	is substr($one, -12), pack('Na4N', 0, 'IEND', 0xae426082), '... to its end';
	is_error $http->post('/v1/images/generations', json => { prompt => 'x', size => '1x1' }),
	    400, qr/size/, 'size', 'size';
	is_error $http->post('/v1/images/generations', json => { prompt => '' }), 400, qr/prompt/,
	    'prompt', 'prompt';
};

subtest 'transcription' => sub {
	my $sound = "\0\1" x 12_000;
	my $wav = pack 'a4Va4a4VvvVVvva4V', 'RIFF', 36 + length $sound, 'WAVE', 'fmt ', 16, 1, 1,
	    8000, 16_000, 2, 16,
	    'data', length $sound;
	my %file = (file => { content => $wav . $sound, filename => 'call.wav' },
	    model => 'demo-audio');
	my $bytes = length($wav) + length $sound;

	like $http->post('/v1/audio/transcriptions', form => {%file})->json->{text},
	    qr/call\.wav, $bytes bytes, 1\.5 seconds/, 'bytes and seconds';
	my $text = $http->post('/v1/audio/transcriptions', form => { %file,
	    response_format => 'text', language => 'zh' });
	like $text->header('content-type'), qr{^text/plain}, 'as text';
	utf8::decode(my $zh = $text->body);
	like $zh, qr/call\.wav：$bytes 字节，1\.5 秒/, '... in Chinese';
	is_error $http->post('/v1/audio/transcriptions', form => { model => 'demo-audio' }), 400,
	    qr/file/, 'file', 'no file';
};

subtest 'embeddings' => sub {
	my $path = '/v1/embeddings';
	my @texts = ('the cat sat on the mat', 'a cat on a mat', '退款需要十四天', '退款要多久');
	my $reply = $http->post($path, json => { model => 'demo-embedding',
	    input => \@texts })->json;
	my @v = map { $_->{embedding} } @{ $reply->{data} };
	my $dot = sub ($x, $y) { sum map { $v[$x][$_] * $v[$y][$_] } 0 .. 255 };

	is_deeply [map { scalar @$_ } @v], [256, 256, 256, 256], 'dimensions';
	ok abs($dot->($_, $_) - 1) < 1e-9, "unit length $_" for 0 .. 3;
	ok $dot->(0, 1) > 0.3 && $dot->(0, 1) > $dot->(0, 2) + 0.2, 'alike is near';
	ok $dot->(2, 3) > $dot->(1, 3) + 0.1, '... in Chinese too';
	my $coded = $http->post($path, json => { model => 'demo-embedding', input => $texts[0],
	    encoding_format => 'base64' });
	my @floats = unpack 'f<*', decode_base64($coded->json->{data}[0]{embedding});
	ok max(map { abs($floats[$_] - $v[0][$_]) } 0 .. 255) < 1e-6, 'base64 says the same';
	is $reply->{usage}{total_tokens}, 6 + 4 + 7 + 5, 'usage';
	is_error $http->post($path, json => { model => 'demo-embedding', input => [] }), 400,
	    qr/input/, 'input', 'no input';
};

subtest 'side by side' => sub {
	my $start = time;
	my @all = $http->streams(map { chat_stream('demo-b') } 1 .. 4);
	is scalar(grep { !$_->{aborted} && (gathered($_))[2] eq 'stop' } @all), 4, 'four streams';
	ok max(map { $_->{begun} } @all) < (sort { $a <=> $b } map { $_->{ended} } @all)[0],
	    '... at the same time';
	$up->clear_log;
	chat('demo-a', "call $_") for 1, 2;
	is scalar(keys %{ { map { $_->{port} => 1 } $up->log } }), 1, 'connections are kept';
};

subtest 'log' => sub {
	$up->clear_log;
	$http->post($CHAT, json => ask('demo-a', '你好'), headers => { 'X-Trace' => 't1' });
	my ($entry, @more) = $up->log;
	is @more, 0, 'one request';
	is $entry->{path}, $CHAT, 'path';
	is $entry->{model}, 'demo-a', 'model';
	is $entry->{headers}{'x-trace'}, 't1', 'headers';
	is $entry->{body}{messages}[0]{content}, '你好', 'body';
	is $entry->{ended}, 'complete', 'ended';
	ok $entry->{ended_at} >= $entry->{time}, 'times';

	my $s = $http->stream(@{ chat_stream('demo-d', 'Hi', leave_after => 3) });
	is_deeply [$s->{left}, scalar @{ $s->events }, $s->{aborted}], [1, 3, undef],
	    'a client that leaves';
	eventually_is ended(last_n()), 'aborted', '... is noticed';
	my ($last) = reverse $up->log;
	ok $last->{ended_at} - $s->{ended} < 0.5, '... at once';
	ok $last->{events} < 20, '... and not told more';
	like $up->log_text, qr/left by its client/, '... which the server logs';
};

subtest 'scripted replies' => sub {
	$up->script('demo-a', { status => 429, headers => { 'Retry-After' => 7 } });
	my $reply = chat('demo-a', 'x');
	is_error $reply, 429, qr/script/, undef, 'status';
	is $reply->header('retry-after'), 7, 'headers';
	is $reply->json->{error}{type}, 'rate_limit_error', 'type';
	is chat('demo-a', 'x')->code, 200, 'once';

	$up->script('demo-a', { status => 502, headers => { 'Content-Type' => 'text/html' },
	    body => '<h1>错</h1>' });
	$reply = chat('demo-a', 'x');
	is_deeply [$reply->code, $reply->header('content-type'), $reply->body],
	    [502, 'text/html', "<h1>\xe9\x94\x99</h1>"], 'body';

	$up->script('demo-a', { status => 500, times => 2 });
	$up->script('demo-a', { status => 503 });
	$up->script('*', { status => 418, times => 0 });
	is_deeply [map { chat($_, 'x')->code } qw(demo-a demo-b demo-a demo-a demo-a)],
	    [500, 418, 500, 503, 418], 'queues, times, any model';
	$up->unscript;
	is chat('demo-b', 'x')->code, 200, 'forgotten';

	$up->script('demo-a', { wire => "HTTP/1.1 banana\r\n\r\n" });
	my $head = "POST $CHAT HTTP/1.1\r\nHost: x\r\nContent-Length: 18\r\n\r\n";
	is $http->raw($head . '{"model":"demo-a"}'),
	    "HTTP/1.1 banana\r\n\r\n", 'wire';

	$up->script('demo-a', { hang_before => \1 });
	$reply = $http->post($CHAT, json => ask('demo-a', 'x'), timeout => 0.3);
	is_deeply [$reply->code, $reply->error], [0, 'Request timeout'], 'hang_before';
	eventually_is ended(last_n()), 'aborted', '... until the client leaves';
	$up->script('demo-a', { hang_before => 0.3, status => 500 });
	my $start = time;
	is chat('demo-a', 'x')->code, 500, 'hang_before for a while';
	ok time - $start >= 0.3, '... that long';

	for my $wrong (
		[{ status => 500 }, qr/model/],
		[{ model => 'demo-z', status => 500 }, qr/model/],
		[{ model => 'demo-a' }, qr/needs one of/],
		[{ model => 'demo-a', stauts => 500 }, qr/unknown field: stauts/],
		[{ model => 'demo-a', steps => [{ delay => 1 }] }, qr/unknown step: delay/],
		[{ model => 'demo-a', steps => [{ delta => 'x', sleep => 1 }] }, qr/one kind/],
		[{ model => 'demo-a', steps => [{ sleep => 'x' }] }, qr/number/],
		[{ model => 'demo-a', steps => [{ hex => 'f' }] }, qr/hex/],
		[{ model => 'demo-a', steps => [{ tool_calls => [{}] }] }, qr/tool_calls/],
		[{ model => 'demo-a', steps => [{ repeat => 2, steps => [{ no => 1 }] }] },
		    qr/unknown step: no/],
	) {
		$reply = $http->post('/_script', json => $wrong->[0]);
		ok $reply->code == 400 && $reply->json->{error} =~ $wrong->[1], 'refused: '
		    . encode_json($wrong->[0]);
	}
	my $open = ParleyTest::Process::free_port();
	my $pid = ParleyTest::Process::start([$^X, ($ENV{srcdir} // '.') . '/scripts/demo-upstream',
	    '--port', $open]);
	my $other = ParleyTest::Http->new("http://127.0.0.1:$open");
	eventually_is sub { $other->get('/v1/models')->code }, 200, 'a server without --control';
	is $other->get('/_log')->code, 404, '... has no log';
	is $other->post('/_script', json => { model => 'demo-a', status => 500 })->code, 404,
	    '... obeys no script';
	ParleyTest::Process::stop($pid);
};

subtest 'scripted streams' => sub {
	my $play = sub (@steps) {
		my %o = ref $steps[0] eq 'ARRAY' ? @{ shift @steps } : ();
		$up->script('demo-a', { steps => \@steps });
		return $http->stream(@{ chat_stream('demo-a', 'x', %o) });
	};
	my @calls = ({ id => 1, summary => '摘要' });
	my $s = $play->(
		{ reasoning => 'hm' }, { delta => 'Hi' }, { comment => 'keep-alive' },
		{ citations => \@calls }, { json => { any => 1 } }, { finish => 'length' },
		{ usage => { total_tokens => 3 } }, { done => 1 },
	);
	is_deeply [gathered($s)], ['Hi', 'hm', 'length'], 'delta, reasoning, finish';
	is_deeply $s->comments, ['keep-alive'], 'comment';
	is_deeply [map { $_->{data}{citations} // () } @{ $s->events }[0 .. 4]], [\@calls],
	    'citations';
	is_deeply $s->events->[3]{data}, { any => 1 }, 'json';
	is_deeply $s->events->[5]{data}{usage}, { total_tokens => 3 }, 'usage';
	is $s->events->[-1]{data}, '[DONE]', 'done';
	is $s->{aborted}, undef, 'a proper end';

	$up->script('demo-a', { steps => [
		{ delta => 'a' }, { sleep => 0.1 }, { delta => 'b' }, { finish => 'stop' },
		{ usage => { total_tokens => 9 } },
	] });
	my $whole = chat('demo-a', 'x')->json;
	is $whole->{choices}[0]{message}{content}, 'ab', 'the same without stream';
	is_deeply $whole->{usage}, { total_tokens => 9 }, '... with its usage';

	$s = $play->({ delta => 'Hm. ' }, { tool_calls => [{ name => 'x', arguments => { a => 1 } },
		{ id => 'own', name => 'y', arguments => '{"b":' }] }, { finish => 'tool_calls' });
	my @parts = map { @{ $_->{data}{choices}[0]{delta}{tool_calls} // [] } } chunks($s);
	is_deeply [map { [@$_{qw(index id)}, $_->{function}{name}] } grep { $_->{id} } @parts],
	    [[0, 'call_1', 'x'], [1, 'own', 'y']], 'tool_calls';
	my @text = ('') x 2;
	$text[$_->{index}] .= $_->{function}{arguments} for @parts;
	is_deeply \@text, ['{"a":1}', '{"b":'], '... with their arguments';

	$s = $play->({ delta => 'a' }, { sleep => 0.25 }, { delta => 'b' }, { done => \1 });
	my @at = map { $_->{at} } @{ $s->events };
	ok $at[1] - $at[0] >= 0.24 && $at[1] - $at[0] < 1, 'sleep';

	$s = $play->({ raw => "data: {\"x\":\r\ndata: ü}\r\n\r\n" }, { hex => 'f09f' },
	    { sleep => 0.05 }, { hex => '98 80' });
	is $s->body, "data: {\"x\":\r\ndata: \xc3\xbc}\r\n\r\n\xf0\x9f\x98\x80", 'raw and hex';

	$s = $play->({ delta => 'one' }, { raw => 'data: {"choi' }, { close => 1 });
	is_deeply [scalar @{ $s->events }, $s->rest, $s->{aborted}],
	    [1, 'data: {"choi', 'the body was cut off'], 'close in mid-event';
	eventually_is ended(last_n()), 'complete', '... as the script wanted';
	$s = $play->({ delta => 'one' }, { close => 'reset' });
	ok $s->{aborted}, 'close with a reset';
	$s = $play->({ delta => 'one' });
	is_deeply [scalar @{ $s->events }, $s->{aborted}], [1, undef], 'an end without [DONE]';

	$s = $play->([timeout => 0.4], { delta => 'one' }, { hang => \1 });
	is_deeply [$s->{timed_out}, scalar @{ $s->events }], [1, 1], 'hang';
	eventually_is ended(last_n()), 'aborted', '... until the client leaves';
	$s = $play->([timeout => 0.4], { hang => \1 });
	is_deeply [$s->code, defined $s->{begun}, scalar @{ $s->events }], [200, !!1, 0],
	    'headers, then silence';

	$s = $play->({ repeat => 3, steps => [{ delta => 'x' }, { repeat => 2,
	    steps => [{ delta => 'y' }] }] });
	is((gathered($s))[0], 'xyyxyyxyy', 'repeat');
	$s = $play->([leave_after => 50], { repeat => 0, steps => [{ delta => 'x' }] });
	is scalar @{ $s->events }, 50, 'repeat for ever';
	eventually_is ended(last_n()), 'aborted', '... until the client leaves';
	$s = $play->({ big => 1_048_576 }, { finish => 'stop' });
	is length((gathered($s))[0]), 1_048_576, 'big';
};

subtest 'bytewise' => sub {
	$up->script('demo-a', { steps => [{ bytewise => \1 }, { delta => 'é😀' }] });
	my $body = encode_json({ model => 'demo-a', stream => \1 });
	my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $up->port);
	my ($all, @reads) = ('');

	print {$socket} "POST $CHAT HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ",
	    length $body, "\r\n\r\n$body";
	$socket->flush;
	while (sysread $socket, my $bytes, 65536) {
		push @reads, $bytes;
		$all .= $bytes;
	}
	my ($head, $chunks) = split /\r\n\r\n/, $all, 2;
	my $said = join '', $chunks =~ /\G1\r\n(.)\r\n/gs;
	utf8::decode($said);
	like $said, qr{\Adata: .*"content":"é😀".*\n\n\z}s, 'all bytes';
	my @singles = grep { /\A1\r\n.\r\n\z/s } @reads;
	ok @singles > 0.7 * length $said, 'most of them in packets of their own: ' . @singles
	    . ' of ' . length $said;
};

subtest 'harness' => sub {
	my $sse = ParleyTest::Sse->new;
	is_deeply [$sse->feed(": ping\n\nid: 7-1\ndata: {\"a\"")], [], 'half an event is none';
	my @events = ($sse->feed(":1}\n"),
	    $sse->feed("\nevent: x\r\ndata: plain\r\ndata:two\r\n\r\ndata: [DO"));
	is_deeply [map { delete $_->{at} && $_ } @events], [
		{ id => '7-1', data => { a => 1 }, raw => "id: 7-1\ndata: {\"a\":1}" },
		{ event => 'x', data => "plain\ntwo",
		    raw => "event: x\r\ndata: plain\r\ndata:two" },
	], 'events in pieces';
	is_deeply [$sse->comments, $sse->rest], [['ping'], 'data: [DO'], 'comments and the rest';

	my $frame = sub ($mask, $content, $finish = undef, %more) {
		my $choice = { delta => { content => $content }, finish_reason => $finish };
		return { data => { maskCode => $mask, privateId => "p$mask", citations => [],
			choices => [$choice], %more } };
	};
	my $lanes = ParleyTest->lanes([
		$frame->('ALPHA', 'a'),
		$frame->('BRAVO', 'x'),
		$frame->('ALPHA', 'b'),
		$frame->('ALPHA', '', 'stop'),
		$frame->('ALPHA', '', undef, citations => [{ id => 1 }]),
		$frame->('BRAVO', '', 'error', error => { code => 503 }),
		$frame->('BRAVO', 'late'),
	]);
	is_deeply [map { @{ $lanes->{ALPHA} }{$_} } qw(text finish priId error)],
	    ['ab', 'stop', 'pALPHA', undef], 'lane';
	is_deeply [map { $_->{citations} } @{ $lanes->{ALPHA}{citations} }], [[{ id => 1 }]],
	    '... with its citations frame';
	is_deeply [$lanes->{BRAVO}{finish}, $lanes->{BRAVO}{error}], ['error', { code => 503 }],
	    'lane that failed';
	is @{ $lanes->{BRAVO}{late} }, 1, '... and spoke on';

	my ($exit, $out, $err) = ParleyTest::Process::capture(
		['sh', '-c', 'read x; echo "got $x $V"; echo bad >&2; exit 3'],
		stdin => "line\n", env => { V => 'v' });
	is_deeply [$exit, $out, $err], [3, "got line v\n", "bad\n"], 'capture';
	($exit) = ParleyTest::Process::capture(['sleep', '9'], seconds => 0.1);
	is $exit, 124, '... with a limit';
	($exit, $out, $err) = ParleyTest::Process::capture(['/nonexistent']);
	is $exit, 127, '... of a program that is not there';
};

my $before = $up->pid;
$up->stop;
is $http->get('/v1/models', timeout => 2)->code, 0, 'stopped: refuses connections';
ok !kill(0, $before), '... and has ended';
$up->start;
is $up->http->get('/v1/models')->code, 200, 'started again on the same port';
is_deeply [grep { !/^\[.*\] \[info\] / } split /\n/, $up->log_text], [], 'nothing else in its log';

done_testing;
