#!/usr/bin/perl
# Turns of chat sessions told again: resumed, byte for byte, on whichever worker; after a worker was
# killed, with the database away, from the store; and asked for again under one Idempotency-Key, as
# a stream or as one reply.

use v5.36;
use utf8;

use Encode      qw(encode_utf8);
use Mojo::JSON  qw(encode_json true);
use ParleyTest;
use ParleyTest::Chat;
use ParleyTest::Process;
use ParleyTest::Streams;
use Test::More;
use Time::HiRes qw(time);

my $PATH = '/v1/chat/session/conversation';

my $p = ParleyTest->new(models => 1, workers => 2);
my ($model) = map { $_->{code} } $p->models;
my $id = $p->sql('SELECT id FROM model')->[0]{id} + 0;
my @ann = login($p, 'ann');

# From now on.
sub keep_spools ($seconds) {
	my $conf = "$p->{stack}/parley.conf";
	my $reloads = sub { scalar grep { $_->{msg} eq 'reloaded' } $p->log_lines };
	my $seen = $reloads->();
	ParleyTest::Process::spew($conf, ParleyTest::Process::slurp($conf)
	    =~ s/^spool_keep = .*\n//mr . "spool_keep = $seconds\n");
	kill HUP => $p->pids->{master};
	return $p->eventually("spools are kept for $seconds s", sub { $reloads->() > $seen });
}

sub chat () { return new_chat($p, \@ann)->{id} }

# Bytes of a question: the same each time.
sub question ($session, $text) {
	return encode_json({ sessionId => $session, modelId => $id, contentType => 'text',
	    text => $text });
}

# Options of a request by ann. Named: key (an Idempotency-Key), sse, ids.
sub with (%o) {
	return (user => undef, headers => { %{ {@ann}->{headers} },
	    $o{key} ? ('Idempotency-Key' => $o{key}) : (),
	    $o{sse} ? (Accept => 'text/event-stream') : (),
	    $o{ids} ? ('X-Stream-Ids' => 1) : () });
}

sub asked ($body, %o) { return $p->post($PATH, body => $body, with(%o)) }
sub streamed ($body, %o) {
	my %with = map { $_ => delete $o{$_} } qw(key ids);
	return $p->stream(POST => $PATH, body => $body, with(%with, sse => 1), %o);
}
sub frames ($s) { return map { $_->{data} } @{ $s->events } }
sub again ($turn, %o) { return resume($p, $turn, @ann, %o) }
sub turns () { return $p->sql('SELECT COUNT(*) AS n FROM turn')->[0]{n} }
sub records ($chat) {
	return $p->post('/v1/chat/session/records', json => { sessionId => $chat }, @ann);
}
sub newest ($chat) { return records($chat)->json->{list}[0] }

my $rich = { steps => [{ reasoning => 'Let me ' }, { reasoning => 'see' },
    { delta => '一\n"二"' }, { delta => "line\nbreak \x{1f388}" },
    { citations => [{ id => 'c1', summary => 'cited' }] }, { finish => 'length' },
    { done => 1 }] };

subtest 'while it runs' => sub {
	my @live;
	my $n = 0;
	$p->script($model, steps(0.05, map { "w$_ " } 1 .. 30));
	my $s = streamed(question(chat(), 'live'), ids => 1, on_event => sub ($e, $) {
		return if @live || ++$n < 4;
		my ($turn) = $e->{id} =~ /^(\d+)-/;
		@live = map { watched($p->get("/v1/streams/$turn", @ann,
		    query => { after => $_ })) } 0, 0, 3, 3;
	});
	my @lines = data_lines($s);
	is @lines, 32, 'the whole of it';
	is_deeply [data_lines($live[$_])], [@lines[($_ < 2 ? 0 : 3) .. 31]], "follower $_"
	    for 0 .. 3;
	is_deeply [ids_of($live[0])], [ids_of($s)], 'numbered alike';
	is again(turn_of($s), user => undef, headers => {})->code, 404, 'nobody else\'s';
};

subtest 'a long answer' => sub {
	my $chat = chat();
	my ($piece, $escaped) = map { $_ x 4000 } '"长"', encode_utf8('\"长\"');
	$p->script($model, { steps => [(map { { delta => $piece } } 1 .. 160),
	    { finish => 'stop' }, { done => 1 }] });
	my $s = streamed(question($chat, 'long'), raw => 1, timeout => 120);
	my $last = (data_lines($s))[-1];
	ok index($last, '"answerText":"' . $escaped x 160 . '"') > 0,
	    'stands whole in the last message';
	my $again = again(turn_of($s), raw => 1, timeout => 120);
	ok((data_lines($again))[-1] eq $last, 'and again');
};

subtest 'one key, one reply' => sub {
	my $chat = chat();
	my $body = question($chat, 'once');
	my $before = turns();
	$p->script($model, steps(0.1, 'one ', 'two ', 'three'));
	my ($first, @others) = $p->streams(map { [POST => $PATH, body => $body,
	    with(key => 'k1')] } 1 .. 4);
	is_deeply [map { $_->code } $first, @others], [(200) x 4], 'asked four times at once';
	is_deeply [map { $_->body } @others], [($first->body) x 3], 'are answered alike';
	is $first->json->{parts}[0], 'one two three', 'with the whole answer';
	is turns(), $before + 1, 'it was asked once';
	is asked($body, key => 'k1')->body, $first->body, 'the same again afterwards'
	    for 1 .. 3;
	my $s = streamed($body, key => 'k1');
	is_deeply [(frames($s))[-1]{record}], [$first->json->{record}], 'or its stream';
	chat_refused asked(question($chat, 'twice'), key => 'k1'), 409, qr/Idempotency-Key/,
	    'another question is another';
	is turns(), $before + 1, 'and not asked';

	$p->script($model, steps(0.1, map { "$_ " } 1 .. 8));
	my ($one, $n);
	$body = question($chat, 'streamed first');
	my $streamed = streamed($body, key => 'k2', on_event => sub ($e, $) {
		$one //= asked($body, key => 'k2') if ++$n == 3;
	});
	is_deeply [$one->code, $one->json->{record}], [200, (frames($streamed))[-1]{record}],
	    'a stream that runs is waited for';
	is_deeply [data_lines(streamed($body, key => 'k2'))]->[-1], [data_lines($streamed)]->[-1],
	    'and told again as a stream';
	is turns(), $before + 2, 'asked once';

	$p->script($model, { status => 429, headers => { 'Retry-After' => 9 }, times => 0 });
	my $begun = time;
	my @failed = map { asked(question($chat, 'fails'), key => 'k3') } 1 .. 3;
	chat_refused $_, 503, qr/Secret Alpha/, 'a failure is one each time' for @failed;
	is $failed[0]->header('retry-after'), 9, 'which says when to come again';
	like $_->header('retry-after'), qr/^[6-9]$/, 'each time' for @failed[1, 2];
	cmp_ok time - $begun, '<', 3, 'without delay';
	$p->upstream->unscript;
	$p->heal($model);
};

keep_spools(0);

subtest 'from the store' => sub {
	for my $script ($rich, { status => 500, times => 0 }, { steps => [{ delta => 'so far' },
	    { close => 1 }] }, { steps => [{ finish => 'stop' }, { done => 1 }] }) {
		my $chat = chat();
		$p->script($model, $script);
		my $s = streamed(question($chat, 'store "me" 好'));
		my @lines = data_lines($s);
		my ($told, $was) = (undef, (frames($s))[-1]);
		$p->eventually('the spool forgets it', sub {
			$told = again(turn_of($s));
			($told->header('x-stream-replay') // '') eq 'stored' });
		my @now = data_lines($told);
		is @now, 3, "$was->{record}{status}: three messages";
		is_deeply [@now[0, 2]], [@lines[0, -1]], 'the first and the last byte for byte';
		is join('', map { @{ $_->{parts} } } frames($told)),
		    join('', map { @{ $_->{parts} } } frames($s)), 'the whole answer between them';
		is_deeply newest($chat), $was->{record}, 'the record is that of the store';
		is again(turn_of($s), last => turn_of($s) . '-999999999')->code, 204,
		    'and nothing is left';
		$p->upstream->unscript;
		$p->heal($model);
	}
};

$p->no_errors_logged;
keep_spools(600);

subtest 'the database is away' => sub {
	my ($chat, $other) = (chat(), chat());
	$p->script($model, steps(0.3, 'one ', 'two ', 'three')) for 1, 2;
	my $db = (split ' ', ParleyTest::Process::slurp("$p->{stack}/pid/db"))[0];
	my $body = question($other, 'one reply');
	my ($other_request, $seconds);
	# It answers nobody until the stream has ended, then it is gone.
	my $away = sub ($e, $) {
		kill KILL => $db if $e->{data}{finished};
		return if ($e->{data}{parts}[0] // '') ne 'two ';
		kill STOP => $db;
		$seconds = -time;
		$other_request = records($chat);
		$seconds += time;
	};
	my ($s, $reply) = $p->streams(
	    [POST => $PATH, body => question($chat, 'stream'), with(sse => 1), on_event => $away],
	    [POST => $PATH, body => $body, with(key => 'away')]);
	$p->up;
	my $last = (frames($s))[-1];
	chat_refused $other_request, 503, qr/\S/, 'another request is refused';
	cmp_ok $seconds, '<', 10, 'soon';
	is_deeply [@$last{qw(finished error)}, @{ $last->{record} }{qw(status answerText)}],
	    [true, undef, 'finished_success', 'one two three'],
	    'a stream ends with its whole answer' or diag $s->body;
	chat_refused $reply, 503, qr/\S/, 'one reply cannot be had just now';
	ok $reply->header('retry-after'), 'but later';
	$p->eventually('it is stored', sub {
		(newest($chat) // {})->{status} eq 'finished_success' }, 30);
	is_deeply newest($chat), $last->{record}, 'as it was told';
	my $later;
	$p->eventually('and can be had under its key', sub {
		($later = asked($body, key => 'away'))->code == 200 }, 30);
	is $later->json->{parts}[0], 'one two three', 'whole';
};

my $away = qr/database|statement|closed the connection/i;
$p->no_errors_logged('no others', allow => [$away]);

subtest 'workers are killed' => sub {
	my ($chat, $other) = (chat(), chat());
	$p->script($model, steps(0.05, map { "$_ " } 1 .. 200)) for 1, 2;
	my $body = question($other, 'one reply, cut off');
	my $n = 0;
	my ($cut, $lost) = $p->streams(
	    [POST => $PATH, body => question($chat, 'cut off'), with(sse => 1),
		on_event => sub ($e, $) { kill KILL => @{ $p->pids->{workers} } if ++$n == 20 }],
	    [POST => $PATH, body => $body, with(key => 'killed')]);
	my @seen = data_lines($cut);
	my $told;
	$p->eventually('it can be told again', sub {
		($told = again(turn_of($cut)))->code == 200 });
	is $lost->code, 502, 'who waited hears of it';
	my $record = (frames($told))[-1]{record};
	my @lines = data_lines($told);
	is_deeply [@lines[0 .. $#seen]], \@seen, 'what was seen is told again';
	is_deeply [data_lines(again(turn_of($cut), query => { after => $#seen + 1 }))],
	    [@lines[@seen .. $#lines]], 'from where it broke off';
	is_deeply [@{ (frames($told))[-1] }{qw(finished parts)}, (frames($told))[-1]{error}{code}],
	    [true, [], 503], 'it ends with its failure';
	is $record->{answerText}, join('', map { @{ $_->{parts} } } frames($told)),
	    'with all that was said';
	is_deeply newest($chat), $record, 'as it is stored';
	my $again;
	$p->eventually('the reply can be asked for again', sub {
		($again = asked($body, key => 'killed'))->code == 503
		    && $again->json->{msg} =~ /Secret Alpha/ });
	is newest($other)->{status}, 'finished_fail', 'and is a failure';
};

$p->no_errors_logged('nor then', allow => [$away, qr/"a worker died"/]);
done_testing;
