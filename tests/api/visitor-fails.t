#!/usr/bin/perl
# How the API for websites fails: the document's envelope everywhere, who may ask, what is refused
# before a model is asked, and that no log ever holds a key.

use v5.36;
use utf8;

use MIME::Base64 qw(encode_base64);
use Mojo::JSON   qw(encode_json true);
use ParleyTest;
use ParleyTest::Process;
use ParleyTest::Visitor;
use Test::More;
use Time::HiRes qw(sleep time);

my $p = ParleyTest->new(models => 2, workers => 1, user => undef,
    model_args => ['--first-token', 1, '--idle', 1, '--total', 20]);
my $guide = an_assistant($p);
my ($key, $key_id) = $p->key(user => 'shop', assistant => $guide);
my @seen = $key;

sub ask ($body) { return $p->post($CHAT, json => { content => 'Hi?', %$body }, with_key($key)) }
sub asked () { return scalar asked_of($p) }
sub turns () { return $p->sql('SELECT COUNT(*) AS n FROM turn')->[0]{n} }

subtest 'who asks' => sub {
	my $bad = 'sk-' . 'A' x 43;
	my @paths = map { [GET => "/v1/openapi/$_"] } qw(check ibots models intentions knowledge
	    balance exposed contacts);
	for my $try (@paths, [POST => $CHAT], [POST => "$CHAT/history/detail"],
	    [POST => '/v1/openapi/exposed/1/execute_v2/'], [POST => '/v1/openapi/contacts'],
	    [PUT => '/v1/openapi/contacts'], [DELETE => '/v1/openapi/contacts']) {
		my ($method, $path) = @$try;
		my @json = $method =~ /^P/ ? (json => { content => 'x' }) : ();
		visitor_refused $p->request($method, $path, user => undef, @json), 401,
		    qr/\A没有权限: API key\z/, "$method $path: nobody";
		visitor_refused $p->request($method, $path, with_key($bad), @json), 401,
		    qr/\Anot authenticated: API key\z/, "$method $path: no such key";
	}
	is asked(), 0, 'no model was asked';
};

subtest 'what is asked' => sub {
	my $set = '4711';
	my @bad = ([content => undef, 'is required'], [content => " \n", 'is required'],
	    [content => 7, 'has the wrong type'], [return_format => 'pdf', 'is not an allowed'],
	    [search => 'yes', 'has the wrong type'], [visitorId => 7, 'has the wrong type'],
	    [visitorId => 'x' x 256, 'is out of range'], [chatMode => {}, 'has the wrong type'],
	    [intention => 'x', 'has the wrong type'],
	    [tools => [1], 'tools\[0\] has the wrong type'],
	    (map { [max_tokens => $_, 'has the wrong type'] } 'many', '1.5', '7x', [], true,
		'0x10'),
	    (map { [max_tokens => $_, 'is out of range'] } 0, '-1', '1e9'),
	    (map { [temperature => $_, 'has the wrong type'] } 'warm', 'nan', {}, '1 '),
	    (map { [temperature => $_, 'is out of range'] } 2.1, '-0.1', '1e999'),
	    [fielditem => 'x', 'has the wrong type'],
	    [fielditem => { name => 7 }, 'fielditem\.name has the wrong type'],
	    [fielditem => { mobile => '1' x 65 }, 'fielditem\.mobile is out of range'],
	    [handler_type => 'magic', 'is not an allowed'],
	    [stream => 'true', 'has the wrong type'],
	    [content_encoding => 'gzip', 'is not an allowed'],
	    [system => [], 'has the wrong type']);
	for my $try (@bad) {
		my ($member, $value, $why) = @$try;
		my $like = $why =~ /^(?:tools|fielditem)/ ? qr/\A$why/ : qr/\A$member $why/;
		visitor_refused ask({ $member => $value }), 400, $like,
		    "$member: " . encode_json([$value]) =~ s/(.{40}).+/$1.../r;
	}
	visitor_refused ask({ handler_type => 'fix' }), 400, qr/fix_content is required/,
	    'fix: what?';
	visitor_refused ask({ content => $_->[0], content_encoding => 'base64' }), 400, $_->[1],
	    "base64: $_->[2]" for ['!!', qr/content is not/, 'none'],
	    ['Zg=', qr/content is not/, 'cut'],
	    [encode_base64("\xff\xfe"), qr/content is not valid UTF-8/, 'no text'],
	    [encode_base64("a\0b"), qr/content is not/, 'a NUL'],
	    [encode_base64(' '), qr/content is required/, 'nothing'];
	visitor_refused ask({ $_->[0] => $_->[1] }), 404, qr/\Q$_->[2]\E does not exist/,
	    "$_->[0]: no such thing" for [ibotID => '4711', 'assistant 4711'],
	    [ibotID => 'x', 'ibotID x'], [chatMode => 'gpt-9', 'model gpt-9'],
	    [knowledge => '4711', 'dataset 4711'], [knowledge => 'x', 'knowledge x'],
	    [tools => ['hammer'], 'tool hammer'], [intention => ['4711'], 'intent 4711'];
	visitor_refused ask({ search => true }), 503, qr/search_url is not available/,
	    'no search is configured';
	my ($bare) = $p->key(user => 'shop');
	push @seen, $bare;
	visitor_refused $p->post($CHAT, json => { content => 'x' }, with_key($bare)), 400,
	    qr/ibotID is required/, 'a key without an assistant has to say whom';
	visitor_refused $p->post($CHAT, body => '{"content":', with_key($key)), 400,
	    qr/the body cannot/, 'no JSON';
	visitor_refused $p->post($CHAT, form => { content => 'x' }, with_key($key)), 415,
	    qr/content type/, 'no form';
	visitor_refused $p->post($CHAT, body => '"' . 'x' x (1 << 20) . '"', with_key($key)), 413,
	    qr/too large/, 'too much';
	visitor_refused $p->get($CHAT, with_key($key)), 405, qr/GET/, 'not by GET';
	visitor_refused $p->get('/v1/openapi/nothing', with_key($key)), 404, qr/nothing/, 'nowhere';
	is_deeply [asked(), turns()], [0, 0], 'no model was asked, nothing is stored';
	is $p->sql('SELECT COUNT(*) AS n FROM contact')->[0]{n}, 0, 'nobody is known';
};

subtest 'what another tenant has' => sub {
	$p->parley('tenant', 'add', 'acme');
	my ($acme) = $p->key(user => 'shop', tenant => 'acme');
	push @seen, $acme;
	my $set = $p->post('/v1/chat/dataset', json => { name => 'x' }, with_key($key))
	    ->json->{dataset}{id};
	visitor_refused $p->post($CHAT, json => { content => 'x', ibotID => $guide },
	    with_key($acme)), 404, qr/assistant/, 'its assistants';
	my $own = added($p, qw(assistant add Own --model m-a --tenant acme))->{id};
	visitor_refused $p->post($CHAT, json => { content => 'x', ibotID => $own,
	    knowledge => "$set" }, with_key($acme)), 404, qr/dataset $set/, 'its knowledge';
};

subtest 'the allowance' => sub {
	my $turns = turns();
	$p->parley('key', 'set', $key_id, '--allowance', '0.0000001');
	visitor_refused ask({}), 402, qr/\Athe allowance is used up: money\z/, 'no money';
	visitor_refused ask({ stream => true }), 402, qr/money/, 'for a stream';
	$p->parley('key', 'set', $key_id, '--allowance', 'none', '--calls', '1');
	$p->script('m-a', { steps => [{ delta => 'x' }, { finish => 'stop' }, { done => 1 }] });
	is ask({})->code, 200, 'one call';
	visitor_refused $p->post($CHAT, json => { content => 'x' }, user => undef,
	    query => { apiKey => $key }), 402, qr/\AAPI请求次数不足: calls\z/, 'was all';
	$p->parley('key', 'set', $key_id, '--calls', 'none');
	is_deeply [asked(), turns()], [1, $turns + 1], 'no model was asked, nothing is stored';
	my $row = $p->sql('SELECT reserved, (SELECT COUNT(*) FROM reservation) AS kept FROM api_key'
	    . ' WHERE id = ?', $key_id)->[0];
	is_deeply [map { $_ + 0 } @$row{qw(reserved kept)}], [0, 0], 'nor reserved';
};

subtest 'requests per second' => sub {
	my ($hasty) = $p->key(user => 'hasty', assistant => $guide, rate => 2);
	push @seen, $hasty;
	my $r;
	for (1 .. 10) {
		$r = $p->get('/v1/openapi/check', with_key($hasty));
		last if $r->code == 429;
	}
	visitor_refused $r, 429, qr/\AToo Many Requests in one second\z/, 'one too many';
	is $r->header('retry-after'), 1, 'when to come again';
};

subtest 'the model\'s server' => sub {
	for my $try ([{ status => 500, times => 0 }, 503, qr/Secret Alpha Corp is not available/],
	    [{ status => 400, times => 0 }, 502, qr/server failed/],
	    [{ hang_before => true }, 504, qr/did not answer in time/]) {
		$p->script('m-a', $try->[0]);
		visitor_refused ask({}), $try->[1], $try->[2], "one reply: $try->[1]";
		$p->upstream->unscript;
		$p->heal('m-a');
	}
	$p->script('m-a', { steps => [{ delta => 'so far' }, { close => 1 }] });
	my $s = $p->stream(POST => $CHAT, with_key($key), json => { content => 'Go',
	    stream => true, visitorId => 'v' });
	is $s->code, 200, 'a stream';
	my @frames = map { $_->{data} } @{ $s->events };
	is $frames[0]{desc}, 'so far', 'says what there is';
	my $last = $frames[-1];
	like delete $last->{Msg}, qr/server failed/, 'then why it ends';
	is_deeply $last, { Code => 4000, Data => undef, finished => true }, 'in the envelope';
	my $detail = $p->post("$CHAT/history/detail", with_key($key),
	    json => { chat_id => $frames[0]{msgKey} });
	is $detail->json->{Data}{message}[0]{content}, 'so far', 'what was said is kept';
	$p->parley('model', 'disable', 'm-b');
	visitor_refused ask({ chatMode => 'm-b' }), 404, qr/model m-b/, 'a model that is off';
	my $off = an_assistant($p, model => 'm-a');
	$p->parley('model', 'disable', 'm-a');
	visitor_refused ask({ ibotID => $off }), 503, qr/Secret Alpha Corp/, 'the assistant\'s own';
	$p->heal('m-a', 'm-b');
};

subtest 'one at a time' => sub {
	my @codes;
	$p->script('m-a', { steps => [{ delta => 'x' }, { sleep => 0.5 }, { finish => 'stop' },
	    { done => 1 }] });
	$p->stream(POST => $CHAT, with_key($key), json => { content => 'Go', stream => true,
	    visitorId => 'one' }, on_event => sub ($event, $) {
		return if @codes;
		my $r = ask({ visitorId => 'one' });
		visitor_refused $r, 409, qr/still answering/, 'the same visitor waits';
		push @codes, $r->code;
	    });
	is scalar @codes, 1, 'it was asked';
};

# Nobody reads a key in a log, not even that of a request that was refused.
$p->raw("GET /v1/openapi/check?apiKey=$key HTTP/1.1\r\nHost: x\r\nBroken\r\n\r\n");
$p->raw("GET /v1/openapi/check?apiKey=$key&x=" . 'x' x 60000 . " HTTP/1.1\r\nHost: x\r\n\r\n");
my @logs = glob "$p->{stack}/log/* $p->{stack}/log/*/*";
my $logged = join '', map { -f ? ParleyTest::Process::slurp($_) : () } @logs;
my @leaked = grep { index($logged, substr $_, 3) >= 0 } @seen;
ok $logged =~ m{/v1/openapi/chat} && length $logged > 1000, 'there are logs';
is_deeply \@leaked, [], 'no key is in them';

$p->no_errors_logged;
done_testing;
