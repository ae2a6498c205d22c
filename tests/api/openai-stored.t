#!/usr/bin/perl
# /v1/chat/completions with "store": true: a conversation like any other, which can be resumed,
# asked for again and stopped

use v5.36;
use utf8;

use Mojo::JSON qw(decode_json encode_json false true);
use ParleyTest;
use ParleyTest::OpenAI;
use ParleyTest::Streams;
use Test::More;

binmode $_, ':encoding(UTF-8)' for map { Test::More->builder->$_ } qw(output failure_output);

my $p = ParleyTest->new(models => 1, workers => 2, user => undef);
my $as = bearer(scalar $p->key);
my $others = bearer(scalar $p->key(user => 'other'));
my @calls = ({ chunk => { tool_calls => [{ index => 0, id => 'call_1', type => 'function',
    function => { name => 'weather', arguments => '{"city":' } }] } },
    { chunk => { tool_calls => [{ index => 0, function => { arguments => '"深圳"}' } }] } },
    { finish => 'tool_calls' }, { done => \1 });
my @called = ({ id => 'call_1', type => 'function',
    function => { name => 'weather', arguments => '{"city":"深圳"}' } });

# Bodies are bytes: what is sent again is the same.
sub kept ($text, %more) { return encode_json(question($text, store => true, %more)) }

sub post ($body, %headers) {
	return $p->post($CHAT, body => $body, headers => { %$as, %headers });
}

sub stream ($body, %o) {
	my $headers = delete $o{headers} // {};
	return $p->stream(POST => $CHAT, body => $body, %o, headers => { %$as, %$headers });
}

sub turns () { return $p->sql('SELECT COUNT(*) AS n FROM turn')->[0]{n} }

subtest 'a conversation' => sub {
	$p->script('m-a', { steps => [{ reasoning => 'hm' }, { delta => 'It is.' },
	    { finish => 'stop' }, { usage => { prompt_tokens => 9, completion_tokens => 4 } },
	    { done => 1 }] });
	my $r = post(encode_json({ model => 'm-a', store => true, messages => [
	    { role => 'system', content => 'be brief' },
	    { role => 'user', content => 'first' }, { role => 'assistant', content => 'indeed' },
	    { role => 'user', content => [{ type => 'text', text => 'is it?' }] }] }));
	my $got = $r->json;
	is $got->{choices}[0]{message}{content}, 'It is.', 'its reply';
	is $got->{choices}[0]{message}{reasoning_content}, 'hm', '... with its reasoning';
	is_deeply $got->{usage}, { prompt_tokens => 9, completion_tokens => 4, total_tokens => 13 },
	    '... and its usage';
	my ($turn) = $got->{id} =~ /^chatcmpl-(\d+)$/;
	my $row = $p->sql('SELECT t.question, t.context, t.voice, s.id, s.title, s.model IS NULL'
	    . ' AS unchosen FROM turn t JOIN session s ON s.id = t.session WHERE t.id = ?', $turn)
	    ->[0];
	is_deeply [@$row{qw(question voice title unchosen)}], ['is it?', 'openai', 'is it?', 0],
	    'is kept, with a title and its model';
	is_deeply decode_json($row->{context}), [{ role => 'system', content => 'be brief' },
	    { role => 'user', content => 'first' }, { role => 'assistant', content => 'indeed' }],
	    '... and what came before';
	my $list = $p->post('/v1/chat/session/records', json => { sessionId => 0 + $row->{id} },
	    headers => $as)->json->{list};
	is_deeply [map { [@$_{qw(problemText answerText)}] } @$list], [['is it?', 'It is.']],
	    'read in another dialect';
	refused post(encode_json({ model => 'm-a', store => true,
	    messages => [{ role => 'system', content => 'x' }] })), 400, qr/messages/,
	    'invalid_value', 'messages', 'nothing that was asked cannot be kept';
};

subtest 'resumed' => sub {
	my ($whole, $seen, $n);
	$p->script('m-a', steps(0.1, map { "$_ " } 1 .. 12));
	my $s = stream(kept('count', stream => true), on_event => sub ($, $) {
		return if ++$n != 4;
		my ($turn) = @{ $p->sql('SELECT MAX(id) AS id FROM turn') };
		$whole = watched($p->get("/v1/streams/$turn->{id}", headers => $as));
	});
	my $turn = turn_of($s);
	is told($s)->{text}, join('', map { "$_ " } 1 .. 12), 'a stream';
	is_deeply [data_lines($whole)], [data_lines($s)], 'told once more while it runs';
	my @lines = data_lines($s);
	my $rest = resume($p, $turn, query => { after => 5 }, headers => $as);
	is_deeply [data_lines($rest)], [@lines[5 .. $#lines]], 'the rest of it afterwards';
	is resume($p, $turn, headers => $others)->code, 404, "nobody else's";
	my $ids = stream(kept('ids', stream => true), headers => { 'X-Stream-Ids' => 1 });
	is((ids_of($ids))[2], turn_of($ids) . '-3', 'numbered where that is asked for');
};

subtest 'asked for again' => sub {
	my %once = ('Idempotency-Key' => 'o1');
	$p->script('m-a', { steps => [{ delta => 'once' }, { finish => 'stop' }] });
	my $body = kept('again');
	my $first = post($body, %once);
	my $before = turns();
	is_deeply post($body, %once)->json, $first->json, 'the same reply';
	is turns(), $before, '... asked once';
	refused post(kept('other'), %once), 409, qr/another request/, undef, undef, 'not another';
	my $streamed = kept('streamed', stream => true);
	my $s = stream($streamed, headers => { 'Idempotency-Key' => 'o2' });
	is_deeply [data_lines(stream($streamed, headers => { 'Idempotency-Key' => 'o2' }))],
	    [data_lines($s)], 'the same stream';
	$p->script('m-a', { status => 400 });
	my $bad = kept('bad');
	refused post($bad, 'Idempotency-Key' => 'o3'), 502, qr/m-a/, undef, undef, 'what failed';
	refused post($bad, 'Idempotency-Key' => 'o3'), 502, qr/m-a/, undef, undef, '... stays so';
	$p->heal('m-a');
	my $loose = encode_json(question('loose'));
	my @loose = map { post($loose, 'Idempotency-Key' => 'o4')->json->{id} } 1 .. 2;
	isnt $loose[0], $loose[1], 'what is not kept is asked each time';
};

subtest 'tools' => sub {
	my %once = ('Idempotency-Key' => 't1');
	my $body = kept('weather?');
	$p->script('m-a', { steps => \@calls });
	my $r = post($body, %once);
	is_deeply said_by($r)->{tool_calls}, \@called, 'one reply has its calls';
	is $r->json->{choices}[0]{finish_reason}, 'tool_calls', '... and ends so';
	is_deeply post($body, %once)->json, $r->json, '... also again';
	$p->script('m-a', { steps => \@calls });
	my $s = stream(kept('weather?', stream => true));
	is_deeply told($s)->{calls}, [['call_1', 'weather', '{"city":"深圳"}']], 'a stream, too';
	is_deeply [data_lines(resume($p, turn_of($s), headers => $as))], [data_lines($s)],
	    '... however often it is told';
};

subtest 'a worker that dies' => sub {
	my $n;
	$p->script('m-a', { steps => [{ delta => 'so ' }, { delta => 'far' }, { hang => true }] });
	my $s = stream(kept('die', stream => true), on_event => sub ($, $leave) {
		return if ++$n != 3;
		$leave->();
	});
	my $turn = turn_of($s);
	kill KILL => @{ $p->pids->{workers} };
	my $again;
	$p->eventually('it is told to its end', sub {
		$again = resume($p, $turn, headers => $as);
		$again->code == 200 && defined told($again)->{done};
	}, 20);
	is told($again)->{text}, 'so far', 'as far as it went';
	is told($again)->{error}{type}, 'server_error', '... and why no further';

	$p->eventually('others take its place', sub {
		$p->get('/v1/models', headers => $as)->code == 200;
	});
	$p->script('m-a', { hang_before => true });
	is stream(kept('die at once', stream => true), timeout => 1)->code, 0, 'one that waits';
	($turn) = @{ $p->sql('SELECT MAX(id) AS id FROM turn') };
	kill KILL => @{ $p->pids->{workers} };
	$p->eventually('it is told to its end', sub {
		$again = resume($p, $turn->{id}, headers => $as);
		$again->code == 200 && defined told($again)->{done};
	}, 20);
	is_deeply [scalar @{ $again->events }, told($again)->{error}{type}], [2, 'server_error'],
	    'which never began';
};

subtest 'when only the database knows' => sub {
	my $q = ParleyTest->new(models => 1, workers => 1, user => undef,
	    set => { spool_keep => 0 });
	my $mine = bearer(scalar $q->key);
	my $forgotten = sub (@steps) {
		$q->script('m-a', { steps => \@steps });
		my $s = $q->stream(POST => $CHAT, body => kept('x', stream => true),
		    headers => $mine);
		my $again;
		$q->eventually('the spool forgets it', sub {
			$again = resume($q, turn_of($s), headers => $mine);
			($again->header('x-stream-replay') // '') eq 'stored';
		});
		return told($again);
	};
	my $told = $forgotten->({ reasoning => 'hm' }, { delta => 'a' }, { delta => 'b' },
	    { finish => 'length' });
	is_deeply [@$told{qw(text reasoning finish done)}], ['ab', 'hm', 'length', 1],
	    'the whole answer';
	is_deeply $told->{roles}, ['assistant'], '... as a stream of chunks';
	$told = $forgotten->(@calls);
	is_deeply $told->{calls}, [['call_1', 'weather', '{"city":"深圳"}']], 'calls, too';
	is $told->{finish}, 'tool_calls', '... as why it ended';
	$q->no_errors_logged;
};

$p->no_errors_logged('no errors but the death', allow => [qr/killed|died|signal/]);
done_testing;
