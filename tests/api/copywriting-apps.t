#!/usr/bin/perl
# Apps of the dialect "copywriting", their records, and what is said in files.

use v5.36;
use utf8;

use MIME::Base64 qw(decode_base64);
use Mojo::JSON   qw(decode_json encode_json false true);
use ParleyTest;
use ParleyTest::Copywriting;
use ParleyTest::Process;
use ParleyTest::Streams;
use Test::More;

binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output);

my $p = ParleyTest->new(models => 2, workers => 1, user => undef, set => { timezone => 'UTC' });
my $key = $p->key(user => 'ann');
my $as = shown($key);
my $plain = { %$as, Accept => '*/*' };
for my $kind (qw(image audio)) {
	my ($exit, undef, $err) = $p->parley('model', 'add', "x-$kind", '--kind', $kind,
	    '--name', $kind,
	    '--url', $p->upstream->url, '--upstream-name', "demo-$kind", '--price-in', 1000,
	    '--price-out', 1000);
	die $err if $exit;
}
my %model = map { @$_{qw(code id)} } @{ $p->sql('SELECT code, id FROM model') };
my $title = an_app($p, 'Title', '--kind', 'text', '--model', 'm-a', '--template',
    '为{{主题}}写一个{{ 风格 }}的标题', '--description', '写标题');
my $plainly = an_app($p, 'Plainly', '--kind', 'text', '--model', 'm-a', '--template',
    'Say it plainly.');
my $poster = an_app($p, 'Poster', '--kind', 'image', '--model', 'x-image', '--template',
    'A poster of {{what}}');
my $RUN = '/copywriting/userCopywriting';
my $RECORDS = "$RUN/record-list";

sub run ($app, $body, %o) { return $p->post("$RUN/$app->{id}", json => $body, headers => $plain,
    %o) }

sub asked_last () {
	my ($last) = reverse grep { ref $_->{body} } $p->upstream_log;
	return $last;
}

my %inputs = (inputs => { 主题 => '猫', 风格 => '短' });

subtest 'an app' => sub {
	my $got = $p->get("$RUN/$title->{id}", headers => $as)->json;
	like delete $got->{data}{createTime}, qr/^\d{4}-/, 'since when';
	is_deeply $got, { code => 200, msg => 'Success', data => { id => "$title->{id}",
	    name => 'Title', description => '写标题', type => 'text',
	    modelServiceId => "$model{'m-a'}", inputs => [map { { name => $_, type => 'string',
	    required => true } } '主题', '风格'] } }, 'all';
	for my $id ('12', 'x', 'record-lists') {
		refused $p->get("$RUN/$id", headers => $as), 404, qr/$id/, "no app $id";
	}
};

subtest 'a text' => sub {
	$p->script('m-a', steps(0, '猫', '!'));
	my $r = run($title, { %inputs });
	is asked_last()->{body}{messages}[0]{content}, '为猫写一个短的标题',
	    'its blanks are filled';
	my $data = $r->json->{data};
	is_deeply [$r->code, @{ $r->json }{qw(code msg)}, $data->{result}], [200, 200,
	    'Success', '猫!'],
	    'the answer';
	ok $data->{totalTokens} > 0 && $data->{youtaizhis} > 0, 'what it took';
	$p->script('m-a', steps(0, '猫', '?'));
	my $s = $p->stream(POST => "$RUN/$title->{id}", json => { %inputs }, headers => $as);
	my $told = told($s);
	is_deeply [@$told{qw(text ends)}, @{ $told->{first} }{qw(sceneId isUser)}],
	    ['猫?', 1, undef, false], 'as a stream';
	isnt $told->{first}{id}, $data->{userDialogueId}, 'each run is a dialogue of its own';
	is $p->get("/copywriting/message/list/$told->{first}{id}",
	    headers => $as)->json->{rows}[1]{content},
	    '猫?', '... with its messages';
	is_deeply $p->get('/copywriting/dialogue/list', headers => $as)->json->{rows}, [],
	    '... that is listed as a record alone';
	run($plainly, { content => 'the news', modelServiceId => $model{'m-b'} });
	is_deeply [asked_last()->{body}{model}, asked_last()->{body}{messages}[0]{content}],
	    ['veiled-b-70b', "Say it plainly.\n\nthe news"], 'content; another model';
	my ($n) = map { $_->{n} } @{
	    $p->sql("SELECT COUNT(*) AS n FROM session WHERE title = 'Title'") };
	is $n, 2, 'titled by the app';
};

subtest 'pictures' => sub {
	my $r = run($poster, { content => 'a cat', n => 2, size => '64x32' });
	my $images = $r->json->{data}{images};
	is scalar @$images, 2, 'as many as wanted';
	is_deeply [map { substr decode_base64($_->{b64_json}), 1, 3 } @$images], [qw(PNG PNG)],
	    'pictures';
	my $asked = asked_last();
	is_deeply [$asked->{path}, @{ $asked->{body} }{qw(prompt n size)}],
	    ['/v1/images/generations', 'A poster of a cat', 2, '64x32'], 'what was asked';
	ok $r->json->{data}{youtaizhis} > 0, 'they cost';
	$p->upstream->script('demo-image', { body => encode_json({ created => 1,
	    data => [{ url => 'https://a.example/1.png' }] }) });
	is_deeply run($poster, { inputs => { what => 'x' } },
	    headers => $as)->json->{data}{images},
	    [{ url => 'https://a.example/1.png' }], 'addresses; no stream whatever is accepted';
};

subtest 'records' => sub {
	my $r = $p->get($RECORDS, headers => $as)->json;
	is $r->{total}, 5, 'every run';
	is_deeply [map { $_->{name} } @{ $r->{rows} }], [qw(Poster Poster Plainly Title Title)],
	    'newest first';
	my %row = %{ $r->{rows}[4] };
	like $row{$_}, qr/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/, $_ for qw(createTime updateTime);
	is_deeply [@row{qw(templateId name type content status result createBy modelServiceId)}],
	    ["$title->{id}", 'Title', 'text', '为猫写一个短的标题', 'stop', '猫!', 'ann',
	    "$model{'m-a'}"],
	    'a text';
	is $row{promptTokens} + $row{completionTokens}, $row{totalTokens}, 'tokens';
	is_deeply $r->{rows}[0]{images}, [{ url => 'https://a.example/1.png' }], 'pictures';
	is_deeply [map { $_->{name} } @{
	    $p->get("$RECORDS?templateId=$title->{id}&pageSize=1&isAsc=asc",
	    headers => $as)->json->{rows} }], ['Title'], 'of an app, a page';
	is_deeply [map { $_->{name} } @{
	    $p->get("$RECORDS?orderByColumn=name&isAsc=asc&pageSize=4",
	    headers => $as)->json->{rows} }], [qw(Plainly Poster Poster Title)], 'by name';
	my $bob = shown(scalar $p->key(user => 'bob'));
	is $p->get($RECORDS, headers => $bob)->json->{total}, 0, 'nobody else\'s';
	$p->upstream->script('demo-image', { body => encode_json({ created => 1,
	    data => [{ b64_json => 'A' x 300_000 }] }) });
	my $big = run($poster, { content => 'a big cat' })->json->{data};
	is length $big->{images}[0]{b64_json}, 300_000, 'a large one';
	my $listed = $p->get($RECORDS, headers => $as)->json->{rows}[0];
	is_deeply [$listed->{id}, exists $listed->{images}], [$big->{id}, !!0],
	    '... is not in the list';
	my $said = $p->get("/copywriting/message/list/$listed->{userDialogueId}", headers => $as);
	is_deeply decode_json($said->json->{rows}[1]{content}), $big->{images},
	    '... but among its messages';
};

subtest 'refused' => sub {
	refused run($title, { inputs => { 主题 => '猫' } }), 400, qr/^inputs\.风格 is required/,
	    'a blank that is not filled';
	refused run($title, { content => 'x' }), 400, qr/^inputs\.主题/, 'content for two';
	refused run($title, { inputs => { 主题 => 7 } }), 400, qr/^inputs\.主题 has the wrong type/,
	    'no text';
	refused run($poster, { content => 'x', n => 11 }), 400, qr/^n is out of range/, 'too many';
	refused run($poster, { content => 'x', size => '12' }), 400, qr/^size /, 'a size';
	refused run($poster, { content => 'x', size => '64x32"' }), 400, qr/^size /, 'another';
	refused run($poster, { content => 'x', modelServiceId => $model{'m-a'} }), 404,
	    qr/modelServiceId/, 'a model that draws not';
	refused run({ id => 12 }, {}), 404, qr/app 12/, 'no app';
	refused $p->post("$RUN/$title->{id}", json => { %inputs }), 401, qr/./, 'no key';
	$p->upstream->script('demo-image', { status => 500, times => 0 });
	refused run($poster, { content => 'x' }), 503, qr/^image is not available/,
	    'its server fails';
	$p->upstream->unscript;
	$p->heal('x-image');
	$p->script('m-a', { steps => [{ delta => 'x' }, { close => 1 }] });
	refused run($plainly, { content => 'x' }), 502, qr/Secret Alpha/, 'or breaks off';
	$p->heal('m-a');
};

subtest 'once more' => sub {
	my $o = sub ($app, $body, $headers) { return (body => encode_json($body),
	    headers => { %$headers, 'Idempotency-Key' => "k$app->{id}",
	    'Content-Type' => 'application/json' }) };
	for my $case ([$title, { %inputs }], [$poster, { content => 'a dog', size => '32x32' }]) {
		my ($app, $body) = @$case;
		my ($one, $two) = map { $p->post("$RUN/$app->{id}", $o->($app, $body,
		    $plain)) } 1, 2;
		is $two->body, $one->body, 'the same reply';
	}
	my $s = $p->stream(POST => "$RUN/$title->{id}", $o->($title, { %inputs }, $as));
	is told($s)->{ends}, 1, 'a stream of it';
};

subtest 'stopped' => sub {
	$p->script('m-a', { steps => [{ delta => 'so far' }, { hang => 1 }] });
	my $pid = fork // die;
	if (!$pid) {
		$p->eventually('it runs', sub {
			my ($run) = @{ $p->sql('SELECT s.id FROM answer a JOIN session s ON s.id ='
			    . ' a.session WHERE a.running = 1') } or return 0;
			$p->get("/copywriting/dialogue/sse/close/$run->{id}",
			    headers => $as)->json->{data};
		});
		require POSIX;
		POSIX::_exit(0);
	}
	my $r = run($plainly, { content => 'x' });
	waitpid $pid, 0;
	is_deeply [@{ $r->json }{qw(code stopped)}, $r->json->{data}{status}], [200, true,
	    'stopped'],
	    'the reply says so';
};

subtest 'sounds' => sub {
	my $AUDIO = '/copywriting/message/audio-to-text';
	my $wav = 'RIFF' . pack('V', 36 + 8000) . 'WAVEfmt ' . pack('VvvVVvv', 16, 1, 1, 8000,
	    8000, 1, 8)
	    . 'data' . pack('V', 8000) . "\x80" x 8000;
	my $r = $p->post($AUDIO, form => { note => 'x', file => { content => $wav,
	    filename => '声音.wav' } }, headers => $plain);
	is $r->code, 200, 'heard';
	like $r->json->{data}{text}, qr/./, 'a text';
	my $asked = asked_last();
	is_deeply [$asked->{path}, $asked->{body}{model}, @{
	    $asked->{body}{file} }{qw(size content_type)}],
	    ['/v1/audio/transcriptions', 'demo-audio', length $wav, 'audio/wav'],
	    'the file alone was sent, and all of it';
	is_deeply [sort keys %{ $r->json }], [qw(code data msg)], 'the envelope';
	my ($row) = @{ $p->sql('SELECT a.text, a.session, t.api_key FROM answer a JOIN turn t ON'
	    . " t.id = a.turn WHERE t.voice = 'copywriting text'") };
	is_deeply [@$row{qw(text session)}], [undef, undef], 'nothing of it is stored';
	ok $row->{api_key}, '... but who pays';
	refused $p->post($AUDIO, form => { note => 'x' }, headers => { %$plain,
	    'Content-Type' => 'multipart/form-data' }), 400, qr/^file is required/, 'no file';
	refused $p->post($AUDIO, json => {}, headers => $plain), 415, qr/json/, 'no form';
	$p->upstream->script('demo-audio', { status => 429, times => 0,
	    headers => { 'Retry-After' => 7 } });
	my $busy = $p->post($AUDIO, form => { file => { content => $wav, filename => 'a.wav' } },
	    headers => $plain);
	refused $busy, 503, qr/audio/, 'its server is busy';
	is $busy->header('retry-after'), 7, '... for so long';
	$p->upstream->unscript;
	$p->heal('x-audio');
	$p->parley('model', 'disable', 'x-audio');
	refused $p->post($AUDIO, form => { file => { content => $wav, filename => 'a.wav' } },
	    headers => $plain), 503, qr/models/, 'nobody to hear it';
};

$p->no_errors_logged;
done_testing;
