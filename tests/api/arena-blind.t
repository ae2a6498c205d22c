#!/usr/bin/perl
# Before the vote no byte that the client can see tells a model: frames, headers, errors, ids.

use v5.36;
use utf8;

use ParleyTest;
use ParleyTest::Arena;
use Test::More;

my $p = ParleyTest->new(models => 4, workers => 1, model_args => ['--idle', 1, '--first-token', 1]);
my @models = $p->models;
my @ids = map { $_->{id} } @{ $p->sql('SELECT id FROM model') };
my %seen;

# Remembers all that a reply showed.
sub saw ($name, $reply) {
	$seen{$name} .= $reply->seen;
	return $reply;
}

# Every way for an upstream to fail, each telling the upstream's name and host as it does.
sub trouble ($m) {
	my $who = "$m->{upstream} ($m->{name}, $m->{code}) at 127.0.0.1:" . $p->upstream->port;
	return (
		{ status => 500,
		  body => qq({"error":{"message":"$who is broken","code":"$m->{upstream}"}}) },
		{ status => 429, headers => { 'Retry-After' => 7, 'X-Model' => $m->{upstream} },
		    body => $who },
		{ status => 401, body => qq({"error":{"message":"no key for $who"}}) },
		{ status => 200, headers => { 'Content-Type' => 'text/html' },
		    body => "<html>$who" },
		{ wire => "$who\r\n\r\n" },
		{ steps => [{ json => { error => { message => "$who fell over" } } }] },
		{ steps => [{ delta => 'so far' }, { raw => "data: $who\n\n" }] },
		{ steps => [{ delta => 'so far' }, { close => 'reset' }] },
		{ steps => [{ json => { id => "chatcmpl-$m->{upstream}", model => $m->{upstream},
		    system_fingerprint => $who,
			choices => [{ index => 0, delta => { role => 'assistant', content => 'text',
			    name => $who } }] } },
			{ finish => 'stop' }, { usage => { prompt_tokens => 1,
			    completion_tokens => 1 } }, { done => 1 }] },
		{ steps => [{ delta => 'slow' }, { hang => 1 }] },
		{ hang_before => 2 },
	);
}

my @kinds = map { [trouble($_)] } @models;
my ($session, $pri);
for my $kind (0 .. $#{ $kinds[0] }) {
	$p->heal(map { $_->{code} } @models);
	$p->upstream->unscript;
	$p->script($models[$_]{code}, { times => 0, %{ $kinds[$_][$kind] } }) for 0 .. $#models;
	my $s = saw("trouble $kind", $p->stream(POST => '/conv/chat', json => body($p,
	    "trouble $kind"),
		headers => { 'X-Request-Id' => "t$kind" }));
	is $s->code, 200, "trouble $kind: a stream";
	my $lanes = $p->lanes($s->events);
	is_deeply [grep { !defined $_->{finish} || @{ $_->{citations} } != 1 } values %$lanes], [],
	    "trouble $kind: it ends";
	($session, $pri) = ($s->events->[0]{data}{session_id},
	    { map { $_ => $lanes->{$_}{priId} } keys %$lanes });
	saw("history $kind", $p->get('/conv/his', query => { sessionId => $session }));
}

# A refused connection.
$p->upstream->unscript;
$p->upstream->stop;
saw('refused', $p->stream(POST => '/conv/chat', json => body($p, 'refused')));
saw('combine refused', $p->stream(POST => '/combine/chat', json => body($p, 'refused')));
$p->upstream->start;
$p->heal(map { $_->{code} } @models);

# Everything else that can be asked of a masked session.
($session, $pri, my $s) = begin($p, 'A question');
saw('a good answer', $s);
saw('pri', $p->stream(POST => '/conv/chat/pri', json => body($p, 'private', pri => $pri->{ALPHA})));
saw('single', $p->stream(POST => '/conv/chat/single', json => body($p, 'single',
    pri => $pri->{BRAVO})));
saw('combine', $p->stream(GET => '/combine/chat', query => { taskId => 1,
    'messages[0].content' => 'x' }));
saw('create', $p->post('/conv/create', json => body($p, 'x')));
saw('mapping', $p->post('/conv/create', json => body($p, 'x', session => $session)));
saw('his', $p->get('/conv/his', query => { sessionId => $session }));
saw('his of a lane', $p->get('/conv/his', query => { sessionId => $session,
    priId => $pri->{ALPHA} }));
saw('list', $p->get('/task/list'));
saw('unlike', $p->get('/conv/unlike', query => { priId => $pri->{ALPHA} }));
saw('rating', $p->post('/conv/rating', json => { priId => $pri->{ALPHA}, scores => { a => 1 } }));
saw('a foreign lane', $p->get('/conv/like', query => { priId => $pri->{ALPHA} }, user => 'bob'));
saw('a bad body', $p->post('/conv/chat', body => '{'));
saw('a bad role', $p->post('/conv/chat', json => body($p, 'x', messages => [{ role => 'm',
    content => 'x' }])));
saw('no path', $p->get('/conv/nothing'));
saw('docs', $p->get('/v3/api-docs'));
saw('ready', $p->get('/readyz'));
saw('disabled', do {
	$p->parley('model', 'disable', $_->{code}) for @models;
	$p->post('/conv/chat', json => body($p, 'x', session => $session));
});
saw('no model', $p->post('/conv/create', json => body($p, 'x')));
$p->parley('model', 'enable', $_->{code}) for @models;

for my $name (sort keys %seen) {
	is_deeply [$p->reveals($seen{$name})], [], "$name reveals nothing";
	is_deeply [grep { $seen{$name} =~ /(?<!\d)$_(?!\d)/ } @ids], [],
	    "$name shows no model's id";
}

# The masks tell nothing either: the same model, another session, another priId.
my %pris = map { $_->{pri_id} => 1 } @{ $p->sql('SELECT pri_id FROM lane') };
is keys %pris, @{ $p->sql('SELECT 1 FROM lane') }, 'a priId stands for one lane of one session';

# The vote is what reveals: here the test shows that it would have seen something.
$p->get('/conv/like', query => { priId => $pri->{ALPHA} });
my $after = $p->get('/conv/his', query => { sessionId => $session });
is scalar(grep { /m-[a-d]/ } $p->reveals($after->seen)) > 0, 1,
    'after the vote the models are named';

$p->no_errors_logged;
done_testing;
