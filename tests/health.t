#!/usr/bin/perl
# Models that fail, and those that take their place: fallbacks and retries before the first token,
# the breaker that all workers share, the limit of calls at once and its queue. The client sees
# nothing of it but the answer.

use v5.36;
use utf8;

use Mojo::JSON qw(decode_json);
use Test::More;
use Time::HiRes qw(sleep time);

use ParleyTest;
use ParleyTest::Arena;
use ParleyTest::Process;

# One lane at a time: only() says whose. m-b has a fallback, m-c a limit, m-d neither.
my $p = ParleyTest->new(models => 4, workers => 2, threads => 8, set => { spool_keep => 0 },
	model_args => {
		'm-a' => ['--max-tokens', 77, '--idle', 60],
		'm-b' => ['--fallback', 'm-a', '--first-token', 1, '--total', 20],
		'm-c' => ['--concurrency', 2],
		'm-d' => ['--first-token', 1],
	});
my %price = map { $_->{code} => $_->{price_in} } $p->models;
my @end = ({ finish => 'stop' }, { usage => { prompt_tokens => 9, completion_tokens => 3,
    total_tokens => 12 } }, { done => 1 });
my $fine = { times => 0, steps => [{ delta => 'All is ' }, { delta => 'well.' }, @end] };
my $instead = { times => 0, steps => [{ delta => 'Instead.' }, @end] };
my $refusing = 'http://127.0.0.1:' . ParleyTest::Process::free_port() . '/v1';

sub only ($code) {
	$p->sql('UPDATE model SET arena = (code = ?)', $code);
	$p->heal($code, $code eq 'm-b' ? 'm-a' : ());
	$p->upstream->unscript;
	$p->upstream->clear_log;
	return;
}

sub calls ($code) { return grep { $_->{code} eq $code } $p->upstream_log }

# What is stored of a session's only lane: its newest answer.
sub stored ($session) {
	return $p->sql('SELECT m.code, a.status, a.text, a.prompt_tokens, a.completion_tokens,'
	    . ' a.estimated, a.cost FROM answer a JOIN model m ON m.id = a.model'
	    . ' WHERE a.session = ? ORDER BY a.id DESC LIMIT 1', $session =~ s/^chat_//r)->[0];
}

# What a stream of one lane came to.
sub outcome ($s) {
	my ($lane) = values %{ $p->lanes($s->events) };
	return { stream => $s, session => $s->events->[0]{data}{session_id}, %$lane };
}

# One question; what came of it.
sub ask ($question = 'How is it going?', %o) {
	my (undef, undef, $s) = begin($p, $question);
	is_deeply [$p->reveals($s->seen)], [], 'nothing names a model';
	return outcome($s);
}

# So many at once, each in a session of its own.
sub ask_many ($n, %o) {
	my $task = $p->task;
	my @s = $p->streams(map { [POST => '/conv/chat', json => body($p, "Question $_",
	    task => $task), %o] } 1 .. $n);
	return map { outcome($_) } @s;
}

sub health ($code) {
	my ($exit, $out, $err) = $p->parley('show', 'models', '--json');
	my ($m) = grep { $_->{code} eq $code } @{ decode_json($out) };
	return $m->{health};
}

# The log's lines on failed answers of a model, oldest first.
sub failures ($code) {
	return grep { $_->{msg} eq 'an answer failed' && $_->{model} eq $code } $p->log_lines;
}

sub balanced () {
	my ($sums) = @{ $p->sql('SELECT (SELECT SUM(amount) FROM ledger) - (SELECT SUM(cost)'
	    . ' FROM answer) AS off, (SELECT COUNT(*) FROM answer) - (SELECT COUNT(*) FROM ledger)'
	    . ' AS unsettled') };
	is $sums->{off} + 0, 0, 'the ledger balances';
	is $sums->{unsettled}, 0, 'one row for each answer';
	return;
}

# --- fallbacks

# stands_in NAME, SCRIPT: m-a answers in place of m-b, which was called so many times (1).
sub stands_in ($name, $script, %o) {
	subtest "another answers: $name" => sub {
		only('m-b');
		$p->script('m-b', { times => 0, %$script }) if $script;
		$p->script('m-a', $instead);
		my $answer = ask();
		is "$answer->{text} $answer->{finish}", 'Instead. stop', 'the client has an answer';
		is $answer->{error}, undef, 'and no error';
		my $row = stored($answer->{session});
		is join(' ', @$row{qw(code status text prompt_tokens completion_tokens)}),
		    'm-a stop Instead. 9 3', 'it is the one\'s that gave it';
		cmp_ok abs($row->{cost} - (9 + 2 * 3) * $price{'m-a'} / 1e6), '<', 1e-9,
		    'by its price';
		is scalar(calls('m-b')), $o{calls} // 1, 'the first was not bothered again';
		is scalar(calls('m-a')), 1, 'nor the other';
		my $h = health('m-b');
		is $h->{failed_over}, $o{over}, 'it is counted' if $o{over};
	};
	return;
}

stands_in 'status 500', { status => 500 }, over => 1;
stands_in 'status 429 that wants to be left alone', { status => 429,
    headers => { 'Retry-After' => 60 } };
stands_in "status $_", { status => $_ } for 502, 503, 504, 401, 403, 404;
stands_in 'silent before the first byte', { hang_before => \1 };
stands_in 'silent after the headers', { steps => [{ hang => 1 }] };
stands_in 'cut without a word', { steps => [{ sleep => 0.01 }, { close => 1 }] };
stands_in 'garbage instead of HTTP', { wire => "\x{1}\x{2} what?\r\n\r\n" };
stands_in 'garbage instead of events', { steps => [{ raw => "data: {broken\n\n" }] };
stands_in 'a page', { headers => { 'Content-Type' => 'text/html' }, body => '<html></html>' };
stands_in 'an error in the stream', { steps => [{ json => { error => { message => 'no' } } }] };
stands_in 'a role, then cut', { steps => [{ chunk => { role => 'assistant', content => '' } },
    { close => 1 }] };
$p->sql("UPDATE model SET url = ? WHERE code = 'm-b'", $refusing);
stands_in 'refused', undef, calls => 0;
$p->sql("UPDATE model SET key_env = 'NO_SUCH_KEY' WHERE code = 'm-b'");
stands_in 'without its key', undef, calls => 0;
$p->sql("UPDATE model SET key_env = NULL, url = ? WHERE code = 'm-b'", $p->upstream->url);

subtest 'the other is asked as itself' => sub {
	only('m-b');
	$p->script('m-b', { status => 500 });
	$p->script('m-a', $instead);
	my $answer = ask('And how is it now?');
	my ($b, $a) = (calls('m-b'), calls('m-a'));
	is_deeply $a->{body}{messages}, $b->{body}{messages}, 'the same messages';
	is $a->{body}{max_tokens}, 77, 'its own limits';
	is $b->{body}{max_tokens}, undef, 'not the first one\'s';
	my $history = $p->get('/conv/chat_history', query => { sessionId => $answer->{session} });
	is_deeply [$p->reveals($history->seen)], [], 'the history names neither';
};

# ends_at_once NAME, SCRIPT, TEXT: nobody else is asked.
sub ends_at_once ($name, $script, $text, $code = 502) {
	subtest "nobody else is asked: $name" => sub {
		only('m-b');
		$p->script('m-b', { times => 0, %$script });
		$p->script('m-a', $instead);
		my $answer = ask();
		is "$answer->{text} $answer->{finish}", "$text error", 'it ends';
		is $answer->{error}{code}, $code, 'so';
		is stored($answer->{session})->{code}, 'm-b', 'as its own';
		is scalar(calls('m-b')), 1, 'one call';
		is scalar(calls('m-a')), 0, 'none of the other';
	};
	return;
}

ends_at_once "status $_", { status => $_ }, '' for 400, 413, 422;
ends_at_once 'cut after a token', { steps => [{ delta => 'Once' }, { close => 1 }] }, 'Once';
ends_at_once 'cut while it thinks', { steps => [{ reasoning => 'Hm' }, { close => 1 }] },
    '<think>Hm</think>';
ends_at_once 'cut after a citation', { steps => [{ citations => [{ id => '7' }] }, { close => 1 }] },
    '';
ends_at_once 'garbage after a token', { steps => [{ delta => 'Once' },
    { raw => "data: {broken\n\n" }] }, 'Once';

subtest 'a fallback that is disabled is none' => sub {
	only('m-b');
	$p->parley('model', 'disable', 'm-a');
	$p->script('m-b', { times => 0, status => 500 });
	is ask()->{finish}, 'error', 'it fails';
	is scalar(calls('m-a')), 0, 'and is not asked';
};

# --- again

subtest 'a failure is tried again' => sub {
	only('m-d');
	my $before = health('m-d');
	$p->script('m-d', { status => 503 });
	$p->script('m-d', { steps => [{ sleep => 0.01 }, { close => 1 }] });
	$p->script('m-d', $fine);
	my $answer = ask();
	is "$answer->{text} $answer->{finish}", 'All is well. stop', 'and is none';
	my @calls = calls('m-d');
	is @calls, 3, 'at the third call';
	cmp_ok $calls[1]{time} - $calls[0]{time}, '>', 0.09, 'after a pause';
	cmp_ok $calls[2]{time} - $calls[1]{time}, '>', 0.19, 'and a longer one';
	is_deeply $calls[2]{body}, $calls[0]{body}, 'with the same question';
	is health('m-d')->{retried} - $before->{retried}, 2, 'counted';
};

# gives_up NAME, SCRIPT, calls, code, Retry-After in the log
sub gives_up ($name, $script, $calls, $code, $retry_after = 0) {
	subtest "given up: $name" => sub {
		only('m-d');
		$p->script('m-d', { times => 0, %$script });
		my $answer = ask();
		is "$answer->{text} $answer->{error}{code}", " $code", 'it fails';
		is scalar(calls('m-d')), $calls, "after $calls calls";
		is +(failures('m-d'))[-1]{retry_after}, $retry_after, 'with what is known of when';
	};
	return;
}
gives_up 'status 500', { status => 500 }, 3, 503;
gives_up 'status 429', { status => 429 }, 3, 503;
gives_up 'cut without a word', { steps => [{ sleep => 0.01 }, { close => 1 }] }, 3, 502;
gives_up 'left alone for long', { status => 503, headers => { 'Retry-After' => 7 } }, 1, 503, 7;
gives_up 'silent', { hang_before => \1 }, 1, 504;
gives_up 'garbage', { body => '{}' }, 1, 502;
gives_up 'a wrong key', { status => 401 }, 1, 502;
gives_up 'a bad question', { status => 400 }, 1, 502;

subtest 'a short Retry-After is waited for' => sub {
	only('m-d');
	$p->script('m-d', { status => 429, headers => { 'Retry-After' => 1 } });
	$p->script('m-d', $fine);
	is ask()->{text}, 'All is well.', 'answered';
	my @calls = calls('m-d');
	cmp_ok $calls[1]{time} - $calls[0]{time}, '>=', 0.95, 'not before';
};

# --- the breaker

# Fails so often that its breaker opens, at one call for each.
sub break ($retry_after) {
	only('m-d');
	$p->script('m-d', { times => 0, status => 503,
	    headers => { 'Retry-After' => $retry_after } });
	ask_many(5);
	is scalar(calls('m-d')), 5, 'five calls failed';
	return;
}

subtest 'nobody asks a model that fails' => sub {
	break(4);
	my $before = health('m-d');
	is $before->{breaker}, 'open', 'the breaker is open';
	cmp_ok $before->{wait_ms}, '<=', 12_000, 'for its time';
	my %pid;
	my $seen = 0;
	$p->eventually('both workers hear of it', sub {
		is "$_->{text}$_->{finish} $_->{error}{code}", 'error 503', 'refused' for ask_many(8);
		$seen += 8;
		my @why = (failures('m-d'))[-8 .. -1];
		$pid{ $_->{pid} }++ for @why;
		is scalar(grep { $_->{retry_after} < 1 || $_->{retry_after} > 12 } @why), 0,
		    'until the breaker\'s time';
		return keys %pid == 2;
	}, 6);
	is scalar(calls('m-d')), 5, 'the upstream is left alone';
	is health('m-d')->{refused} - $before->{refused}, $seen, 'that is counted';
	like +($p->parley('show', 'models'))[1], qr/^m-d +yes +open, \d+ s /m, 'and shown';

	is $p->get('/readyz')->code, 200, 'ready while another is usable';
	$p->parley('model', 'disable', $_) for qw(m-a m-b m-c);
	is $p->get('/readyz')->code, 503, 'and not where none is';

	$p->eventually('its time passes', sub { health('m-d')->{breaker} eq 'half-open' }, 20);
	is $p->get('/readyz')->code, 200, 'it may be usable';
	$p->upstream->unscript;
	$p->upstream->clear_log;
	$p->script('m-d', { steps => [{ sleep => 0.5 }, { delta => 'Back.' }, @end] });
	my @answers = ask_many(4);
	is join(',', sort map { "$_->{text}$_->{finish}" } @answers),
	    'Back.stop,error,error,error', 'one is let through';
	is scalar(calls('m-d')), 1, 'alone';
	is health('m-d')->{breaker}, 'closed', 'and closes it';
	$p->script('m-d', $fine);
	is_deeply [map { $_->{text} } ask_many(4)], [('All is well.') x 4], 'for all';
	$p->parley('model', 'enable', $_) for qw(m-a m-b m-c);
};

subtest 'Retry-After is the floor' => sub {
	break(90);
	my $wait = health('m-d')->{wait_ms};
	cmp_ok $wait, '>', 80_000, 'open as long as it says';
	cmp_ok $wait, '<=', 90_000, 'and no longer';
	ask();
	is +(failures('m-d'))[-1]{retry_after} > 80, 1, 'which the lane knows';
	$p->parley('model', 'enable', 'm-d');
	is health('m-d')->{breaker}, 'closed', 'the operator can close it';
};

subtest 'an open breaker leads to the fallback' => sub {
	only('m-b');
	$p->script('m-b', { times => 0, status => 500 });
	$p->script('m-a', $instead);
	is_deeply [map { $_->{text} } ask_many(7)], [('Instead.') x 7], 'before and after';
	my $n = calls('m-b');
	is ask()->{text}, 'Instead.', 'at once';
	is scalar(calls('m-b')), $n, 'without a call';
	is health('m-b')->{breaker}, 'open', 'it is open';
	is health('m-a')->{breaker}, 'closed', 'and the other\'s is not';
};

subtest 'what is not the model\'s fault does not open it' => sub {
	only('m-a');
	for my $status (400, 401, 404, 422) {
		$p->script('m-a', { times => 0, status => $status });
		ask_many(6);
		$p->upstream->unscript;
	}
	is health('m-a')->{breaker}, 'closed', 'questions and keys';
	my $before = health('m-a')->{ended}{left};
	$p->script('m-a', { times => 0, steps => [{ delta => 'On ' }, { hang => 1 }] });
	$p->streams(map { [POST => '/combine/chat', json => body($p, 'Well?'), leave_after => 1] } 1 .. 6);
	$p->eventually('six clients left', sub { health('m-a')->{ended}{left} == $before + 6 });
	$p->upstream->unscript;
	$p->script('m-a', { times => 0, hang_before => \1 });
	$p->streams(map { [POST => '/combine/chat', json => body($p, 'Well?'), timeout => 0.4] } 1 .. 6);
	$p->eventually('and six more', sub { health('m-a')->{ended}{left} == $before + 12 });
	is health('m-a')->{breaker}, 'closed', 'that does not open it either';
	is health('m-a')->{in_flight}, 0, 'nothing is in flight';
};

# --- calls at once

subtest 'no more at once than it may have' => sub {
	only('m-c');
	my $before = health('m-c');
	$p->script('m-c', { times => 0, steps => [{ sleep => 0.2 }, { delta => 'All is well.' }, @end] });
	my @answers = ask_many(8);
	is_deeply [map { "$_->{text}$_->{finish}" } @answers], [('All is well.stop') x 8],
	    'all are answered';
	my @begun = sort { $a <=> $b } map { $_->{time} } calls('m-c');
	is @begun, 8, 'each by a call';
	# Each lasts longer than that.
	is scalar(grep { $begun[$_] - $begun[$_ - 2] < 0.19 } 2 .. 7), 0, 'two at a time';
	my $after = health('m-c');
	cmp_ok $after->{queued} - $before->{queued}, '>=', 6, 'the others waited';
	is $after->{crowded}, $before->{crowded}, 'none in vain';
	is $after->{in_flight}, 0, 'all is given back';
};

# Takes both places: the clients leave, the answers hang.
sub take_places () {
	only('m-c');
	$p->script('m-c', { times => 2, steps => [{ delta => 'Held ' }, { hang => 1 }] });
	$p->script('m-c', $fine);
	ask_many(2, leave_after => 1);
	$p->eventually('both places are taken', sub { health('m-c')->{in_flight} == 2 });
	return;
}

sub kill_workers () {
	my @pids = @{ $p->pids->{workers} };
	kill KILL => @pids;
	$p->eventually('the workers are replaced', sub {
		my @now = @{ $p->pids->{workers} };
		@now == 2 && !grep { my $pid = $_; grep { $_ == $pid } @pids } @now });
	return;
}

subtest 'what a killed worker held is given back' => sub {
	take_places();
	like +($p->parley('show', 'models'))[1], qr/^m-c .* 2 of 2 /m, 'which is shown';
	kill_workers();
	$p->eventually('then they are free', sub { health('m-c')->{in_flight} == 0 });
	is ask()->{text}, 'All is well.', 'for the next';
};

subtest 'who leaves while waiting' => sub {
	take_places();
	$p->post('/combine/chat', json => body($p, 'Never mind'), timeout => 0.5);
	my $row;
	$p->eventually('is let go', sub {
		($row) = @{ $p->sql('SELECT a.status, a.prompt_tokens AS n FROM answer a'
		    . ' JOIN turn t ON t.id = a.turn JOIN model m ON m.id = a.model'
		    . " WHERE t.session IS NULL AND m.code = 'm-c'") };
		$row && $row->{status} eq 'stopped' });
	is $row->{n}, 0, 'and pays nothing';
	is scalar(calls('m-c')), 2, 'without a call';
	kill_workers();
};

subtest 'who leaves between two attempts' => sub {
	only('m-d');
	$p->script('m-d', { times => 0, status => 503, headers => { 'Retry-After' => 2 } });
	my $left = $p->sql("SELECT COUNT(*) AS n FROM answer WHERE status = 'stopped'")->[0]{n};
	$p->post('/combine/chat', json => body($p, 'Never mind'), timeout => 0.5);
	$p->eventually('is let go', sub {
		$p->sql("SELECT COUNT(*) AS n FROM answer WHERE status = 'stopped'")->[0]{n} > $left });
	is health('m-d')->{in_flight}, 0, 'nothing is in flight';
	sleep 2;				# the time that was to be waited for
	is scalar(calls('m-d')), 1, 'there is no other call';
};

subtest 'the queue has its limits' => sub {
	take_places();
	my $before = health('m-c');
	my @late = ask_many(135, timeout => 60);
	is_deeply [grep { $_ ne 'error 503' } map { "$_->{text}$_->{finish} $_->{error}{code}" } @late],
	    [], 'none gets a place';
	my @waited = sort { $a <=> $b } map { $_->{stream}{ended} - $_->{stream}{begun} } @late;
	cmp_ok scalar(grep { $_ < 5 } @waited), '>=', 135 - 2 * 64, 'those too many are told at once';
	cmp_ok scalar(grep { $_ > 8 } @waited), '>=', 60, 'the others after ten seconds';
	is health('m-c')->{crowded} - $before->{crowded}, 135, 'all are counted';
	is +(failures('m-c'))[-1]{retry_after}, 5, 'and told when to come again';
	kill_workers();
};

# --- dead while another answers

subtest 'who stood in for a model is paid when the worker dies' => sub {
	only('m-b');
	$p->script('m-b', { status => 500 });
	$p->script('m-a', { steps => [{ delta => 'Half an answer' }, { hang => 1 }] });
	my $s = $p->stream(POST => '/conv/chat', json => body($p, 'How is it going?'),
	    on_event => sub ($e, $leave) {
		kill KILL => @{ $p->pids->{workers} } if $e->{raw} =~ /Half/ });
	my $session = $s->events->[0]{data}{session_id};
	my $row;
	$p->eventually('its answer is closed', sub {
		$row = stored($session);
		$row->{status} ne 'running' });
	is join(' ', @$row{qw(code status text)}), 'm-a error Half an answer', 'as the other\'s';
	cmp_ok $row->{prompt_tokens}, '>', 0, 'with what it read';
	cmp_ok abs($row->{cost} - ($row->{prompt_tokens} + 2 * $row->{completion_tokens})
	    * $price{'m-a'} / 1e6), '<', 1e-9, 'by its price';
};

balanced();
$p->down;
$p->no_errors_logged('no errors but those made here', allow => [
	qr/"a worker (died|ended)"/, qr/a model's key cannot be read/ ]);

done_testing;
