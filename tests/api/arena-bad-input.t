#!/usr/bin/perl
# What is wrong with a request is said in the envelope, the field by name; nothing of it is stored.

use v5.36;
use utf8;

use Encode     qw(encode_utf8);
use Mojo::JSON qw(encode_json);
use ParleyTest;
use ParleyTest::Arena;
use Test::More;

my $p = ParleyTest->new(models => 2, workers => 1);
my $task = $p->task;
my ($session, $pri) = begin($p);
my $before = row_count($p);

my $ask = { taskId => $task, messages => [{ role => 'user', content => 'q' }] };

sub with (%more) { return { %$ask, %more } }
sub bytes ($path, $bytes, %headers) {
	return $p->request(POST => $path, body => $bytes, headers => \%headers);
}

for my $path ('/conv/chat', '/conv/create', '/combine/chat') {
	# What is no JSON.
	refused bytes($path, $_->[0]), 400, $_->[1] // qr/\S/, "$path: $_->[2]" for
	    ['', undef, 'no body'], ['{', undef, 'half an object'],
	    ['{"taskId":"1"', undef, 'unclosed'],
	    ['{"taskId":"1"}}', undef, 'more after the end'],
	    ['{"taskId":"1"} x', undef, 'garbage after the end'],
	    ["{'taskId':'1'}", undef, 'single quotes'], ['{"taskId":"1",}', undef,
	    'a comma too many'],
	    ['{"taskId":NaN}', undef, 'NaN'], ['{"taskId":1e999}', undef, 'a number out of range'],
	    ['// x', undef, 'a comment'], ["\xef\xbb\xbf{", undef, 'a byte order mark'],
	    ['{"a\u0000b":1,"taskId":"1"}', undef, 'NUL in a key'],
	    ["{\"taskId\":\"1\0\"}", undef, 'a raw NUL'], ["{\"taskId\":\"a\nb\"}", undef,
	    'a raw newline in a string'],
	    ['{"taskId":"\ud800"}', undef, 'half a surrogate pair'],
	    ['[' x 10_000, undef, 'nesting without end'],
	    ['{"taskId":"1","x":' . '[' x 100 . ']' x 100 . '}', undef, 'nesting over 64'],
	    ['{"taskId":"1","x":' . '{"x":' x 10_000 . '1' . '}' x 10_000 . '}', undef,
	    'nesting 10,000 deep'];
	refused bytes($path, $_), 400, qr/\S/, "$path: a body that is no object" for '[]', 'null',
	    '1', '"x"', 'true';

	# What is no UTF-8.
	refused bytes($path, "{\"taskId\":\"$_\"}"), 400, qr/UTF-8.*taskId|taskId.*UTF-8/,
	    "$path: invalid UTF-8" for "\xff", "\xc3\x28", "\xe4\xbd", "\xc0\xaf",
	    "\xed\xa0\x80", "\xf4\x90\x80\x80";

	# Types and fields.
	refused $p->post($path, json => $_->[0]), 400, $_->[1], "$path: $_->[2]" for
	    [{ messages => $ask->{messages} }, qr/taskId/, 'no taskId'],
	    [with(taskId => undef), qr/taskId/, 'taskId null'],
	    [with(taskId => ''), qr/taskId/, 'taskId empty'],
	    [with(taskId => {}), qr/taskId/, 'taskId an object'],
	    [with(taskId => ['1']), qr/taskId/, 'taskId a list'],
	    [with(taskId => \1), qr/taskId/, 'taskId a boolean'],
	    [with(messages => 'q'), qr/messages/, 'messages a string'],
	    [with(messages => {}), qr/messages/, 'messages an object'],
	    [with(messages => ['q']), qr/messages\[0\]/, 'a message that is a string'],
	    [with(messages => [{ role => 'user', content => 'x' },
	    { role => 'user', content => 5 }]),
	      qr/messages\[1\]\.content/, 'a content that is a number'],
	    [with(messages => [{ role => [], content => 'x' }]), qr/messages\[0\]\.role/,
	    'a role that is a list'],
	    [with(messages => [(@{ $ask->{messages} }) x 1001]), qr/messages/, 'too many messages'],
	    [with(session_id => 5), qr/session_id/, 'session_id a number'],
	    [with(priId => []), qr/priId/, 'priId a list'],
	    [with(start_time => 'yesterday'), qr/start_time/, 'no date'],
	    [with(end_time => '2024-02-30 00:00:00'), qr/end_time/, 'no date of the calendar'],
	    [with(end_time => []), qr/end_time/, 'a date that is a list'];

	# Sizes and media types.
	refused bytes($path, '{"taskId":"' . 'x' x 2_097_152 . '"}'), 413, qr/\S/, "$path: 2 MiB";
	refused bytes($path, '{"taskId":"1"}', 'Content-Type' => $_), 415, qr{\Q$_}, "$path: $_" for
	    'text/plain', 'application/xml', 'multipart/form-data; boundary=x',
	    'application/json; charset=gbk';
}

for my $path ('/conv/chat', '/combine/chat') {
	refused $p->post($path, json => $_->[0]), 400, $_->[1], "$path: $_->[2]" for
	    [with(messages => []), qr/messages/, 'no message'],
	    [{ taskId => $task }, qr/messages/, 'no messages'],
	    [with(messages => [{ role => 'assistant', content => 'x' }]), qr/messages/,
	    'no question'],
	    [with(messages => [{ role => 'user', content => " \n" }]), qr/messages\[0\]\.content/,
	    'a blank question'],
	    [with(messages => [{ role => 'user' }]), qr/messages\[0\]\.content/,
	    'a question without content'],
	    [with(messages => [{ role => 'wizard', content => 'x' }]), qr/messages\[0\]\.role/,
	    'an unknown role'];
}

# Forms.
my $form = 'application/x-www-form-urlencoded';
refused bytes('/conv/chat', $_->[0], 'Content-Type' => $form), 400, $_->[1], "form: $_->[2]" for
    ['messages[0].content=x', qr/taskId/, 'no taskId'],
    ['taskId=%ff&messages[0].content=x', qr/\S/, 'invalid UTF-8'],
    ['taskId=1%00&messages[0].content=x', qr/\S/, 'NUL'],
    ['taskId=1&messages=x', qr/messages/, 'messages flat'],
    ['taskId=1&messages[99999999].content=x', qr/\S/, 'an index out of bounds'],
    ['taskId=1&messages[0].content[0].x=x', qr/messages\[0\]\.content/, 'content nested'],
    [join('&', map { "x$_=1" } 1 .. 5000), qr/\S/, 'too many pairs'],
    ['taskId=1' . '[0]' x 200 . '=x', qr/\S/, 'nested too deep'];

# Queries.
refused $p->get('/conv/like?priId=%ff'), 400, qr/\S/, 'invalid UTF-8 in a query';
refused $p->get('/conv/like?priId=' . 'x' x 3000), 404, qr/priId x/, 'an id without end';
refused $p->post('/conv/create', json => with(session_id => 'chat_' . '1' x 3000)), 404,
    qr/session_id chat_1/, 'another';
refused $p->post('/combine/chat', json => with(session_id => 'x' x 601)), 400, qr/session_id/,
    'no echo without end';
refused $p->get('/task/rename', query => { code => $task, title => 'x' x 201 }), 400, qr/title/,
    'a title too long';
refused $p->get('/task/rename', query => { code => $task, title => '' }), 400, qr/title/,
    'an empty title';
refused $p->post('/task/add', json => { title => 7 }), 400, qr/title/, 'a title that is a number';
refused $p->post('/task/add', json => { title => '字' x 201 }), 400, qr/title/,
    'a title of 201 characters';

# Methods.
for my $case (['GET', '/conv/chat', 'POST, OPTIONS'], ['DELETE', '/conv/his', 'GET, HEAD, OPTIONS'],
    ['PUT', '/task/add', 'POST, OPTIONS'], ['PATCH', '/task/list', 'GET, HEAD, OPTIONS']) {
	my ($method, $path, $allow) = @$case;
	my $r = $p->request($method, $path);
	refused $r, 405, qr/$method/, "$method $path";
	is $r->header('allow'), $allow, "$method $path: Allow";
}

# In English.
my $english = $p->post('/conv/chat', json => { messages => [] },
    headers => { 'Accept-Language' => 'en' });
refused $english, 400, qr/\AtaskId is required\z/, 'in English';
refused $p->post('/conv/chat', json => { messages => [] }), 400, qr/缺少参数: taskId/,
    'in Chinese otherwise';

is row_count($p), $before, 'nothing of all that is stored';

# What is fine: duplicates (the last wins), unknown fields, null for what is optional.
my $fine = bytes('/conv/create',
    "{\"taskId\":\"nonsense\",\"taskId\":\"$task\",\"unknown\":{\"x\":[1]},\"session_id\":null}",
    'Content-Type' => 'application/json;charset=UTF-8');
is $fine->code, 200, 'duplicate keys: the last wins; unknown fields are passed over'
    or diag $fine->body;
is bytes('/conv/create', encode_json({ taskId => $task, x => [[[1]]] }),
    'Content-Type' => undef)->code, 200,
    'without a media type JSON is tried';
is $p->post('/task/add', json => { title => "a\x{0}b" })->code, 400,
    'NUL in a value has no place in a text';
my $deep = bytes('/conv/create', "{\"taskId\":\"$task\",\"x\":" . '[' x 62 . ']' x 62 . '}');
is $deep->code, 200, 'nesting within 64' or diag $deep->body;
$p->script('*', { times => 2, steps => [{ delta => 'long' }, { finish => 'stop' },
    { done => 1 }] });
my $big = $p->stream(POST => '/conv/chat', json => with(messages => [{ role => 'user',
    content => '大' x 300_000 }]));
is $big->code, 200, '900 kB within the limit';
is $p->sql('SELECT MAX(CHAR_LENGTH(question)) AS n FROM turn')->[0]{n}, 300_000, 'stored whole';

# Not even HTTP.
like $p->raw("POST /conv/chat HTTP/1.1\r\nHost: x\r\nuserId: tester\r\n"
    . "Content-Length: 100\r\n\r\n{", 1), qr/\A(?:HTTP\/1.1 4|\z)/,
    'a body that is cut short is no request';
is $p->get('/healthz', user => undef)->code, 200, 'and the service is well';

$p->no_errors_logged;
done_testing;
