#!/usr/bin/perl
# How chat with published assistants fails: google.rpc.Status with the right code, everywhere; what
# a stream says when its model's server fails.

use v5.36;
use utf8;

use Mojo::JSON qw(true);
use ParleyTest;
use ParleyTest::Chat;
use ParleyTest::Release;
use ParleyTest::Streams;
use Test::More;

my $p = ParleyTest->new(models => 2, workers => 1,
    model_args => ['--first-token', 1, '--idle', 1, '--total', 20]);
my @ann = login($p, 'ann');
my @bob = login($p, 'bob');
my $helper = an_assistant($p);

sub body ($content, %o) {
	return { action => 1, content => $content, release_key => $helper->{release_key}, %o };
}

sub ask ($body, @who) { return $p->post($CHAT, json => $body, @who ? @who : @ann) }
sub streamed ($body) { return $p->stream(POST => $CHAT, json => { %$body, stream => true }, @ann) }
sub asked () { return scalar $p->upstream_log }

subtest 'what is asked' => sub {
	my %good = %{ body('x') };
	for my $bad ([action => undef, 'is required'], [action => '1', 'has the wrong type'],
	    [action => 3, 'is out of range'], [action => -1, 'is out of range'],
	    [content => undef, 'is required'], [content => 7, 'has the wrong type'],
	    [content => " \n", 'is required'], [release_key => undef, 'is required'],
	    [release_key => '', 'is required'], [release_key => ['x'], 'has the wrong type'],
	    [stream => 'yes', 'has the wrong type'], [conversation_id => 5, 'has the wrong type']) {
		my ($member, $value, $why) = @$bad;
		my $details = release_refused ask({ %good, $member => $value }), 400, 3,
		    qr/\A$member $why\z/, "$member $why";
		is_deeply $details->{BadRequest}{fieldViolations},
		    [{ field => $member, description => "$member $why" }], 'and is named';
	}
	release_refused ask({ %good, action => 2 }), 400, 3, qr/conversation_id is required/,
	    'which answer once more?';
	release_refused $p->post($CHAT, body => '{"action":', @ann), 400, 3, qr/the body cannot/,
	    'no JSON';
	release_refused $p->post($CHAT, form => { action => 1 }, @ann), 415, 3, qr/content type/,
	    'no form';
	release_refused $p->post($CHAT, body => '"' . 'x' x (1 << 20) . '"', @ann), 413, 3,
	    qr/too large/, 'too much';
	is asked(), 0, 'no model was asked';
};

subtest 'in the words of users' => sub {
	my $bad = body('');
	for my $try (['zh', 'zh-CN', '缺少参数: content'], ['en', 'en-US', 'content is required']) {
		my ($lang, $locale, $sentence) = @$try;
		my $details = release_refused $p->post($CHAT, json => $bad, user => undef,
		    headers => { %{ {@ann}->{headers} }, 'Accept-Language' => $lang }), 400, 3,
		    qr/\Acontent is required\z/, "$lang: the message is English";
		is_deeply $details->{LocalizedMessage}, { '@type' =>
		    'type.googleapis.com/google.rpc.LocalizedMessage', locale => $locale,
		    message => $sentence }, 'but this';
	}
};

subtest 'who asks' => sub {
	my %no = (user => undef);
	release_refused ask(body('x'), %no), 401, 16, qr/not authenticated/, 'nobody';
	release_refused ask(body('x'), %no, headers => { userId => 'ann' }), 401, 16,
	    qr/not authenticated/, 'a userId alone is nobody';
	release_refused ask(body('x'), %no, headers => { Authorization => 'Bearer x.y.z' }),
	    401, 16, qr/not authenticated/, 'a token that does not hold';
	release_refused ask(body('x'), %no, headers => { 'x-api-key' => 'sk-' . 'A' x 43 }),
	    401, 16, qr/not authenticated/, 'a key that does not';
	release_refused ask(body('x'), %no, headers => { %{ {@ann}->{headers} },
		userId => 'bob' }), 403, 7, qr/not allowed: userId/, 'two at once';
	release_refused ask(body('x'), login($p, 'eve', tenant => 'acme')), 404, 5, qr/release_key/,
	    'somebody of another tenant'
	    if $p->sql('INSERT INTO tenant (id, name, created_ms) VALUES (9, ?, 0)', 'acme');
	is asked(), 0, 'no model was asked';
};

subtest 'what is not there' => sub {
	release_refused ask(body('x', release_key => 'rel-' . '0' x 48)), 404, 5,
	    qr/\Arelease_key does not exist\z/, 'a release';
	my $idle = an_assistant($p, publish => 0);
	release_refused ask(body('x', release_key => $idle->{release_key})), 404, 5,
	    qr/release_key/, 'one that is not published';
	my $mine = ask(body('x'))->json->{conversation_id};
	my $plain = new_chat($p, \@ann)->{id};
	my $other = an_assistant($p);
	release_refused ask(body('x', conversation_id => $_)), 404, 5, qr/\Aconversation_id/,
	    "a conversation: $_"
	    for '4711', 'x', "$mine.0", "0$mine", "$mine." . '0' x 32, "$plain";
	release_refused ask(body('x', conversation_id => $mine), @bob), 404, 5, qr/conversation_id/,
	    "somebody else's";
	release_refused ask(body('x', conversation_id => $mine,
		release_key => $other->{release_key})), 404, 5, qr/conversation_id/,
	    "another assistant's";
	$p->del("/v1/chat/session/$mine", @ann);
	release_refused ask(body('x', conversation_id => $mine)), 404, 5, qr/conversation_id/,
	    'one that was deleted';
	release_refused $p->get('/studio/rag/data/v1/nothing', @ann), 404, 5, qr/does not exist/,
	    'a path';
	my $r = $p->get($CHAT, @ann);
	release_refused $r, 405, 12, qr/does not take the method GET/, 'a method';
	is $r->header('allow'), 'POST, OPTIONS', 'but these';
	$r = $p->request(TRACE => $CHAT, @ann);
	release_refused $r, 405, 12, qr/TRACE/, 'TRACE';
};

subtest 'a model that fails' => sub {
	for my $try ([{ status => 500 }, 503, 14], [{ status => 429 }, 503, 14],
	    [{ steps => [{ hang => 1 }] }, 504, 4], [{ status => 400 }, 502, 14]) {
		my ($script, $status, $code) = @$try;
		$p->heal('m-a');
		$p->script('m-a', { %$script, times => 0 });
		release_refused ask(body('x')), $status, $code, qr/./, "it is $status";
		my $s = streamed(body('x'));
		my ($first, @rest) = map { $_->{data} } @{ $s->events };
		is $s->code, 200, 'a stream has begun by then';
		is_deeply [$first->{finish_reason}, map({ ref $_ ? @$_{qw(finish_reason message)}
			: $_ } @rest)], [0, 5, '', '[DONE]'], 'and says so in one message';
		$p->upstream->unscript;
	}
	$p->heal('m-a');
	$p->script('m-a', { steps => [{ delta => 'so far' }, { close => 1 }] });
	my ($first, $delta, $last, $done) = map { $_->{data} } @{ streamed(body('x'))->events };
	is_deeply [$delta->{delta}, @$last{qw(finish_reason message delta)}, $done],
	    ['so far', 5, 'so far', '', '[DONE]'], 'with what was said';
	is $p->sql('SELECT text FROM answer WHERE turn = ?', $first->{history_id})->[0]{text},
	    'so far', 'which is kept';
	$p->heal('m-a');
	$p->script('m-a', { steps => [{ delta => 'Nothing ' }, { finish => 'content_filter' },
	    { done => 1 }] });
	is ask(body('x'))->json->{finish_reason}, 3, 'a sensitive answer';
	$p->parley('model', 'disable', 'm-a');
	release_refused ask(body('x')), 503, 14, qr/not available/, 'a model that is disabled';
	$p->parley('model', 'enable', 'm-a');
};

subtest 'one at a time' => sub {
	$p->heal('m-a');
	my $id = ask(body('x'))->json->{conversation_id};
	$p->script('m-a', steps(0.5, 'a', 'b'));
	my ($busy, $twice);
	$p->stream(POST => $CHAT, json => body('y', conversation_id => $id, stream => true), @ann,
	    on_event => sub ($e, $) {
		$busy //= ask(body('z', conversation_id => $id));
		$twice //= ask(body('', action => 2, conversation_id => $id));
	});
	release_refused $_, 409, 9, qr/still answering/, 'it is answering' for $busy, $twice;
};

subtest 'money' => sub {
	my ($key) = $p->key(user => 'robot', calls => 1);
	my @robot = (user => undef, headers => { Authorization => "Bearer $key" });
	is ask(body('x'), @robot)->code, 200, 'a key pays';
	release_refused ask(body('x'), @robot), 402, 8, qr/allowance/, 'until nothing is left';
	my ($slow) = $p->key(user => 'robot', rate => 1);
	my @codes = map { $p->get('/studio/rag/data/v1/conversation:allModel', user => undef,
	    headers => { 'x-api-key' => $slow }) } 1 .. 3;
	my ($limited) = grep { $_->code == 429 } @codes;
	release_refused $limited, 429, 8, qr/too many requests/, 'and not too fast';
};

$p->no_errors_logged;
done_testing;
