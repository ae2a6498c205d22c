#!/usr/bin/perl
# Two hosts on one database: a turn of the one is told and stopped by the other, a host that is lost
# is survived, and no two have the same number.

use v5.36;
use utf8;

use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

use ParleyTest;
use ParleyTest::Arena;
use ParleyTest::Process;
use ParleyTest::Streams;

my $GAP = 0.05;		# seconds between two words

my $one = ParleyTest->new(models => 2, workers => 2, set => { cluster => 'on', node => 0 });
# It shares the other's database and models; its own stay empty.
my $two = ParleyTest->new(models => 0, workers => 2, set => { cluster => 'on', node => 1,
    db_socket => $one->{env}{PARLEY_DB_SOCKET} });

# Every answer from now on is so many words.
sub speak ($n) {
	my @words = map { sprintf '%03d ', $_ } 1 .. $n;
	$one->upstream->unscript;
	$one->script('*', { times => 0, steps => [map({ ({ delta => $_ },
	    { sleep => $GAP }) } @words),
	    { finish => 'stop' }, { done => 1 }] });
	return join '', @words;
}

# A question on the first host whose client leaves after so many events: its stream.
sub begun ($events) {
	return $one->stream(POST => '/conv/chat', json => body($one, 'What is near?'),
	    leave_after => $events);
}

sub row_of ($turn) { return $one->sql('SELECT * FROM turn WHERE id = ?', $turn)->[0] }

sub answers ($turn) {
	return @{ $one->sql('SELECT a.*, l.mask FROM answer a JOIN lane l ON l.session = a.session'
	    . ' AND l.lane = a.lane WHERE a.turn = ? ORDER BY a.lane', $turn) };
}

sub gone ($pid) {
	my ($state) = ParleyTest::Process::slurp("/proc/$pid/stat") =~ /.*\) (\S)/s;
	return !defined $state || $state eq 'Z';
}

# Nothing of the host's program runs any more; its database and web server do.
sub lose ($p) {
	my $pids = $p->pids;
	kill KILL => $pids->{master}, @{ $pids->{workers} };
	return;
}

sub balanced ($name = 'the ledger balances') {
	my ($sums) = @{ $one->sql('SELECT (SELECT SUM(amount) FROM ledger) - (SELECT SUM(cost)'
	    . ' FROM answer) AS off, (SELECT COUNT(*) FROM answer) - (SELECT COUNT(*) FROM ledger)'
	    . ' AS unsettled') };
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is "$sums->{unsettled} " . ($sums->{off} + 0), '0 0', $name;
}

# What this stream told is, as far as it goes, what the turn said.
sub same_lines ($s, $of, $name) {
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is_deeply [data_lines($s)], [data_lines($of)], $name;
}

subtest 'a turn of the other host' => sub {
	my $text = speak(100);
	my $left = begun(20);
	my $turn = turn_of($left);
	my $rest = resume($two, $turn, query => { after => 20 });
	my $first = resume($two, $turn);
	my $own = resume($one, $turn);

	is $rest->code, 200, 'is known there' or diag $rest->seen;
	is_deeply [$rest->header('x-stream-id'), $rest->header('x-stream-replay')], [$turn, undef],
	    'as what it is';
	is_deeply [map { "$_->{finish} $_->{text}" } values %{ $one->lanes($own->events) }],
	    [("stop $text") x 2], 'its own host tells it whole';
	is_deeply [data_lines($left), data_lines($rest)], [data_lines($own)],
	    'the other goes on where the client left, byte for byte';
	is_deeply [ids_of($rest)], [(ids_of($own))[20 .. $own->events->$#*]], 'numbered alike';
	is $rest->aborted // $rest->rest, '', 'and to a proper end';
	same_lines($first, $own, 'afterwards it tells all of it');

	my @at = map { $_->{at} } @{ $rest->events };
	cmp_ok $at[0], '<', row_of($turn)->{ended_ms} / 1000 - 1, 'it told it live';
	cmp_ok $at[-1], '<', row_of($turn)->{ended_ms} / 1000 + 3, 'and was not far behind';
	my $n = @{ $own->events };
	is resume($two, $turn, last => "$turn-$n")->code, 204, 'nothing is left';
	is resume($two, $turn, user => 'stranger')->code, 404, 'nobody else hears it';
	is_deeply [data_lines(resume($two, $turn, query => { after => $n - 1 }))],
	    [(data_lines($own))[-1]], 'but the last event';
	balanced();
};

subtest 'many of them' => sub {
	my $text = speak(60);
	my $task = $one->task;
	my @left = $one->streams(map { [POST => '/conv/chat', json => body($one, "Question $_",
	    task => $task), leave_after => 5] } 1 .. 12);
	my @turns = map { turn_of($_) } @left;
	my @told = $two->streams(map { [GET => "/v1/streams/$_"] } @turns, $turns[0]);
	for my $i (0 .. $#told) {
		same_lines($told[$i], resume($one, $turns[$i % @turns]), "turn $i");
	}
	is_deeply [map { $_->{text} } map { values %{ $one->lanes($_->events) } } @told],
	    [($text) x (2 * @told)], 'all whole';
};

# A client that takes nothing for a while gets all of it in the end.
subtest 'a slow client' => sub {
	my $word = 'x' x 2000 . ' ';
	$one->upstream->unscript;
	$one->script('*', { times => 0, steps => [map({ ({ delta => $word }, { sleep => 0.01 }) }
	    1 .. 150), { finish => 'stop' }, { done => 1 }] });
	my $turn = turn_of(begun(3));
	my $slow = $two->stream(GET => "/v1/streams/$turn", on_event => sub ($e, $) {
		state $n = 0;
		sleep 0.1 if $n++ < 20;
	});
	same_lines($slow, resume($one, $turn), 'byte for byte');
	is_deeply [map { length $_->{text} } values %{ $one->lanes($slow->events) }],
	    [(150 * length $word) x 2], 'to the last';
};

subtest 'stopped from the other host' => sub {
	speak(400);
	my $turn = turn_of(begun(10));
	my $asked = time;
	my $r = $two->post("/v1/streams/$turn/stop");
	is $r->code, 200, 'is taken' or diag $r->seen;
	my $ended = $one->eventually('and done', sub { row_of($turn)->{ended_ms} });
	cmp_ok $ended / 1000 - $asked, '<', 2, 'within two seconds';
	is_deeply [map { $_->{status} } answers($turn)], [qw(stopped stopped)], 'as stopped';
	my $told = resume($two, $turn);
	same_lines($told, resume($one, $turn), 'and both tell it so');
	balanced();
};

# Host one is killed and starts again: with its own state directory that is at once, and it tells
# the rest itself, to those who listen elsewhere too.
subtest 'a host restarts' => sub {
	my $text = speak(400);
	my $turn = turn_of(begun(10));
	my $n = 0;
	my $s = $two->stream(GET => "/v1/streams/$turn", timeout => 60, on_event => sub ($e, $) {
		return if ++$n != 40;
		lose($one);
		is +($one->stack('up'))[0], 0, 'at once';
	});
	my $lanes = $one->lanes($s->events);
	is_deeply [map { "$_->{finish} $_->{error}{code}" } values %$lanes], [('error 503') x 2],
	    'the follower on the other host hears of the failure';
	same_lines($s, resume($one, $turn), 'as its own do');
	is_deeply [map { $_->{text} } answers($turn)], [map { $lanes->{$_}{text} } qw(ALPHA BRAVO)],
	    'which is what is stored';
	is index($text, $lanes->{ALPHA}{text}), 0, 'and was said';
	balanced();
};

subtest 'a number belongs to one host' => sub {
	my $conf = ParleyTest::Process::slurp("$one->{stack}/parley.conf");
	my $dir = $two->dir . '/third';
	mkdir $dir or die "$dir: $!";
	$conf =~ s{^(state_dir|listen|ws_listen) = .*}{$1 = "$dir/$1"}mg;
	ParleyTest::Process::spew("$dir/parley.conf", $conf);
	my ($exit, $out, $err) = $one->parley('serve', '-F', '-c', "$dir/parley.conf");
	is $exit, 75, 'another state directory is refused';
	is $err =~ tr/\n//, 1, 'in one line' or diag $err;
	my $host = (POSIX::uname())[1];
	like $err, qr/\bnode 0\b.*\Q$host\E.*\d\d:\d\d:\d\d.*another node/, 'that says what to do';
	is $one->get('/readyz')->code, 200, 'and the first is not touched';

	# Reload with another number, that is taken too, and with one that is free.
	my $own = "$one->{stack}/parley.conf";
	my $before = ParleyTest::Process::slurp($own);
	for my $try ([1, qr/^not reloaded$/], [2, qr/^reloaded$/], [0, qr/^reloaded$/]) {
		my ($node, $like) = @$try;
		my $seen = grep { $_->{msg} =~ $like } $one->log_lines;
		ParleyTest::Process::spew($own, $before =~ s/^node = .*/node = $node/mr);
		kill HUP => $one->pids->{master};
		$one->eventually("node $node: $like", sub {
			$seen < grep { $_->{msg} =~ $like } $one->log_lines });
	}
	is $one->sql('SELECT COUNT(*) AS n FROM node')->[0]{n}, 3, 'three numbers were used';
	ParleyTest::Process::spew($own, $before);
};

subtest 'a host is lost' => sub {
	my $text = speak(600);
	my $turn = turn_of(begun(10));
	my ($n, $lost) = (0);
	my $s = $two->stream(GET => "/v1/streams/$turn", timeout => 60, on_event => sub ($e, $) {
		return if ++$n != 100;
		$lost = time;
		lose($one);
	});
	is $s->{timed_out}, undef, 'its followers on others do not wait for ever';
	my $lanes = $one->lanes($s->events);
	is_deeply [map { "$_->{finish} $_->{error}{code} " . @{ $_->{citations} } } values %$lanes],
	    [('error 503 1') x 2], 'but hear a failure';
	is $s->aborted // $s->rest, '', 'and a proper end';
	my @rows = answers($turn);
	is_deeply [map { "$_->{status} $_->{error} $_->{estimated}" } @rows],
	    [('error F_UNAVAILABLE 1') x 2], 'so it is stored';
	for my $row (@rows) {
		is $row->{text}, $lanes->{ $row->{mask} }{text}, 'with what was heard';
		is index($text, $row->{text}), 0, 'and said';
		cmp_ok $row->{completion_tokens}, '==', int((length($row->{text}) + 3) / 4),
		    'counted';
		cmp_ok $row->{prompt_tokens}, '>', 0, 'and asked';
		cmp_ok $row->{last_ms} / 1000, '>', $lost - 2.5, 'up to about a second before';
	}
	my $ended = row_of($turn)->{ended_ms} / 1000;
	cmp_ok $ended - $lost, '>', 10, 'not before its lease had run out';
	cmp_ok $ended - $lost, '<', 30, 'but soon after';
	balanced();
	same_lines(resume($two, $turn), $s, 'it can be told again');
	speak(3);
	my $next = $two->stream(POST => '/conv/chat', json => { %{ body($two, 'And now?') },
	    session_id => $s->events->[0]{data}{session_id} });
	is_deeply [map { $_->{finish} } values %{ $one->lanes($next->events) }], [qw(stop stop)],
	    'the conversation goes on with the other host';

	is +($one->stack('up'))[0], 0, 'the lost one comes back';
	is $one->get('/readyz')->code, 200, 'and serves';
	same_lines(resume($two, $turn), $s, 'which changes nothing');
	is_deeply [map { $_->{text} } answers($turn)], [map { $_->{text} } @rows],
	    'of what is stored';
	balanced();
};

# With its disk the host's spool is gone: what it had shared is all there is.
subtest 'a state directory is lost' => sub {
	my $text = speak(600);
	my $turn = turn_of(begun(10));
	my $n = 0;
	my $s = $two->stream(GET => "/v1/streams/$turn", timeout => 60, on_event => sub ($e, $) {
		return if ++$n != 60;
		lose($one);
		rename "$one->{stack}/state", "$one->{stack}/state.lost" or die "rename: $!";
		is +($one->stack('up'))[0], 69, 'a new one does not get the number';
		like $one->tail, qr/node 0 is taken/, 'as it is still taken';
		$one->sql('UPDATE node SET until_ms = 0 WHERE node = 0');
		is +($one->stack('up'))[0], 0, 'but then';
	});
	my $lanes = $one->lanes($s->events);
	is_deeply [map { "$_->{finish} $_->{error}{code}" } values %$lanes], [('error 503') x 2],
	    'what ran there is ended';
	is_deeply [map { $_->{text} } answers($turn)], [map { $lanes->{$_}{text} } qw(ALPHA BRAVO)],
	    'with what was shared';
	same_lines(resume($one, $turn), $s, 'and told by the new one too');
	balanced();
};

# What a host had not shared when its turn ended comes never: who waits for it is let go.
subtest 'an end that nobody tells' => sub {
	speak(600);
	my $turn = turn_of(begun(10));
	my ($n, @pids, $closed) = (0);
	my $s = $two->stream(GET => "/v1/streams/$turn", timeout => 60, on_event => sub ($e, $) {
		return if ++$n != 60;
		my $pids = $one->pids;
		kill STOP => @pids = ($pids->{master}, @{ $pids->{workers} });
		$one->sql("UPDATE answer SET status = 'error' WHERE turn = ?", $turn);
		$one->sql('UPDATE turn SET ended_ms = ? WHERE id = ?', int(1000 * time), $turn);
		$closed = time;
	});
	kill CONT => @pids;
	is $s->aborted // $s->{timed_out}, undef, 'the stream ends';
	is_deeply [grep { defined $_->{finish} } values %{ $one->lanes($s->events) }], [],
	    'without an end of its own';
	cmp_ok $s->{ended} - $closed, '>', 4, 'after a while';
	cmp_ok $s->{ended} - $closed, '<', 14, 'not a long one';
};

subtest 'records go when nobody needs them' => sub {
	my $shared = sub { $one->sql('SELECT COUNT(DISTINCT turn) AS n FROM checkpoint')->[0]{n} };
	cmp_ok $shared->(), '>', 10, 'turns of the last minutes';
	# Again and again: the turn of the test before still runs, and shares what it says.
	$one->eventually('are forgotten', sub {
		$one->sql('UPDATE checkpoint SET created_ms = created_ms - 700000');
		$one->sql('UPDATE turn SET ended_ms = ended_ms - 700000');
		$shared->() == 0 }, 60);
};

subtest 'the number is taken away' => sub {
	my $master = $two->pids->{master};
	$one->sql('UPDATE node SET state = 1 WHERE node = 1');
	$one->eventually('the host leaves', sub { gone($master) }, 20);
	is +($two->stack('up'))[0], 69, 'and does not come back';
	like $two->tail, qr/node 1 is taken/, 'as long as that is so';
	$one->sql('UPDATE node SET until_ms = 0 WHERE node = 1');
	is +($two->stack('up'))[0], 0, 'then it does';
};

$one->no_errors_logged('errors of the first host', allow => [qr/not reloaded/]);
$two->no_errors_logged('errors of the second', allow => [qr/another state_dir has our node/,
    qr/a worker ended/]);

done_testing;
