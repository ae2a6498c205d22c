#!/usr/bin/perl
# The processes: workers, master, database and all of it at once are killed, reloaded and told to
# leave while answers stream. Nothing that a client has seen is lost, nobody else is hurt.

use v5.36;
use utf8;

use Mojo::Date;
use Mojo::IOLoop;
use Mojo::UserAgent;
use POSIX       ();
use Test::More;
use Time::HiRes qw(sleep time);

use ParleyTest;
use ParleyTest::Arena;
use ParleyTest::Process;

my $p = ParleyTest->new(models => 2, workers => 2, set => { spool_keep => 0, log => '' });
my $log = "$p->{stack}/log/parley.log";
my @end = ({ finish => 'stop' }, { done => 1 });

# Every answer from now on: so many numbered words, so many seconds apart.
sub speak ($n, $gap) {
	$p->upstream->unscript;
	$p->script('*', { times => 0, steps => [
	    map({ ({ delta => sprintf '%03d ', $_ }, { sleep => $gap }) } 1 .. $n), @end] });
	return join '', map { sprintf '%03d ', $_ } 1 .. $n;
}

# So many questions at once, each in a new session; on_event hears them all. More requests may go
# beside them.
sub ask ($n, $on_event = sub { }, @more) {
	my $task = $p->task;
	return $p->streams(map({ [POST => '/conv/chat', json => body($p, "Question $_",
	    task => $task), on_event => $on_event] } 1 .. $n), @more);
}

# Rows of these turns' answers, with their masks; undef for all.
sub answers (@turns) {
	my $which = @turns ? 'WHERE t.id IN (' . join(',', @turns) . ')' : '';
	return @{ $p->sql("SELECT a.turn, t.worker, t.ended_ms, l.mask, a.status, a.error, a.text,"
	    . ' a.estimated, a.completion_tokens, a.prompt_tokens, a.ended_ms AS closed_ms'
	    . " FROM answer a JOIN turn t ON t.id = a.turn"
	    . " JOIN lane l ON l.session = a.session AND l.lane = a.lane $which") };
}

sub running () { return @{ $p->sql('SELECT id, worker FROM turn WHERE ended_ms IS NULL') } }

# The spool's directory as the number in turn.worker.
sub number ($hex) {
	no warnings 'portable';
	return hex $hex;
}

# The processes that hold a spool: worker of the turn's row => process id.
sub spools () {
	return map {
		my $pid = $_;
		map { (readlink // '') =~ m{/spool/([0-9a-f]{14})/lock}
		    ? (number($1) => $pid) : () }
		    glob "/proc/$pid/fd/*"
	} @{ $p->pids->{workers} };
}

sub gone ($pid) {
	my ($state) = ParleyTest::Process::slurp("/proc/$pid/stat") =~ /.*\) (\S)/s;
	return !defined $state || $state eq 'Z';
}

sub logged ($like, $since) {
	return grep { $_->{msg} =~ $like && Mojo::Date->new($_->{time})->epoch >= $since - 0.002 }
	    $p->log_lines;
}

# A stream that ended as it should: every lane said all of it.
sub whole ($s, $text, $name) {
	my $lanes = $p->lanes($s->events);
	my $ok = $s->code == 200 && !defined $s->aborted && keys %$lanes == 2
	    && !grep { $_->{text} ne $text || $_->{finish} ne 'stop' || @{ $_->{citations} } != 1 }
	    values %$lanes;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return ok($ok, $name) || diag(join ' ', $s->code, $s->aborted // '',
	    map { "[$_->{text} $_->{finish}]" } values %$lanes);
}

# Stored answers of a turn that was cut off, against what its client saw and what was to be said.
sub kept ($s, $text, $name) {
	my ($turn, $lanes) = ($s->header('x-stream-id'), $p->lanes($s->events));
	my (@bad, $seen);
	for my $row (answers($turn)) {
		$seen = ($lanes->{ $row->{mask} } // {})->{text} // '';
		push @bad, [$row, $seen] unless $row->{status} eq 'error'
		    && $row->{error} eq 'F_UNAVAILABLE' && $row->{estimated}
		    && index($row->{text}, $seen) == 0 && index($text, $row->{text}) == 0
		    && $row->{completion_tokens} == int((length($row->{text}) + 3) / 4)
		    && $row->{prompt_tokens} > 0 && $row->{ended_ms};
	}
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return ok(!@bad && defined $seen, $name) || diag(explain \@bad);
}

sub balanced ($name = 'the ledger balances') {
	my ($sums) = @{ $p->sql('SELECT (SELECT SUM(amount) FROM ledger) - (SELECT SUM(cost)'
	    . ' FROM answer) AS off, (SELECT COUNT(*) FROM answer) - (SELECT COUNT(*) FROM ledger)'
	    . ' AS unsettled') };
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is "$sums->{unsettled} " . ($sums->{off} + 0), '0 0', $name;
}

sub all_closed ($seconds, $name = 'every turn is closed') {
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return $p->eventually($name, sub { !running() }, $seconds);
}

sub answers_again ($session) {
	my $s = $p->stream(POST => '/conv/chat', json => body($p, 'And now?', session => $session));
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is_deeply [map { $_->{finish} } values %{ $p->lanes($s->events) }], [qw(stop stop)],
	    'its session takes the next question';
}

sub session_of ($s) { return $s->events->[0]{data}{session_id} }

# Clients who ask without end, each waiting for its answer; over() makes them stop. Their
# transactions go to the lists.
sub load (@of) {
	my ($open, $over, $next) = (0, 0);
	$next = sub ($ua, $path, $json, $done) {
		return if $over;
		$open++;
		$ua->post($p->url . $path => { userId => 'tester' } => json => $json, sub ($, $tx) {
			$open--;
			push @$done, $tx;
			$next->($ua, $path, $json, $done);
		});
	};
	for my $kind (@of) {
		my ($n, @rest) = @$kind;
		$next->(Mojo::UserAgent->new(inactivity_timeout => 20), @rest) for 1 .. $n;
	}
	return sub {
		$over = 1;
		my $until = time + 30;
		Mojo::IOLoop->one_tick while $open && time < $until;
		undef $next;
		return;
	};
}

sub said ($tx) { return ($tx->error // {})->{message} // $tx->res->code . ' ' . $tx->res->body }

# Calls $act once, when so many events have come to all of a subtest's clients.
sub after_events ($n, $act) {
	return sub ($event, $leave) { $act->() if --$n == 0 };
}

# ----

subtest 'a worker is killed' => sub {
	my $text = speak(60, 0.03);
	my ($victim, $killed, %worker);
	my @streams = ask(8, after_events(160, sub {
		my %pid = spools();
		$worker{ $_->{id} } = $pid{ $_->{worker} } for running();
		($victim) = values %worker;
		$killed = time;
		kill KILL => $victim;
	}));
	my @hurt = grep { $worker{ $_->header('x-stream-id') } == $victim } @streams;
	my @safe = grep { $worker{ $_->header('x-stream-id') } != $victim } @streams;

	ok @hurt && @safe, 'both workers were busy' or diag explain \%worker;
	whole($_, $text, 'a stream of the other worker is whole') for @safe;
	# Under nginx the body ends properly all the same.
	is_deeply [map { grep { defined $_->{finish} } values %{ $p->lanes($_->events) } } @hurt],
	    [],
	    'its own are cut off';
	all_closed(5);
	kept($_, $text, 'but kept as far as they were seen') for @hurt;
	balanced();
	my ($ready) = logged(qr/^ready$/, $killed);
	cmp_ok Mojo::Date->new($ready->{time})->epoch - $killed, '<', 1, 'back within a second';
	my ($last) = sort { $b <=> $a } map { $_->{closed_ms} }
	    answers(map { $_->header('x-stream-id') } @hurt);
	cmp_ok $last / 1000 - $killed, '<', 1, 'and so are its turns closed';
	speak(3, 0);
	answers_again(session_of($hurt[0]));
	is @{ $p->pids->{workers} }, 2, 'two workers';
	ok !(grep { gone($_) } @{ $p->pids->{workers} }), 'none of them dead';
	ok !-d "/proc/$victim", 'and the dead one is no zombie';
};

# Whatever the moment: who has seen an answer's end finds it stored, who has not, what it saw.
subtest 'workers are killed again and again' => sub {
	my $text = speak(5, 0.005);
	my ($task, $kills, @txs) = ($p->task, 0);
	my $killer = Mojo::IOLoop->recurring(0.31 => sub {
		my @workers = @{ $p->pids->{workers} } or return;
		Mojo::IOLoop->stop if ++$kills == 10;
		kill KILL => $workers[rand @workers];
	});
	my $over = load([6, '/conv/chat', body($p, 'short', task => $task), \@txs]);
	Mojo::IOLoop->start;
	Mojo::IOLoop->remove($killer);
	$over->();
	$p->eventually('two workers', sub { 2 == @{ $p->pids->{workers} } }, 20);
	all_closed(10);
	balanced();

	my %row = map { ("$_->{turn} $_->{mask}" => $_) } answers();
	my (%end, @bad);
	for my $tx (@txs) {
		my $turn = $tx->res->headers->header('X-Stream-Id') // next;
		my $lanes = $p->lanes([ParleyTest::Sse->new->feed($tx->res->body)]);
		for my $mask (keys %$lanes) {
			my ($lane, $row) = ($lanes->{$mask}, $row{"$turn $mask"});
			my $finish = $lane->{finish} // 'cut';
			push @bad, [$lane, $row]
			    unless $row && index($row->{text}, $lane->{text}) == 0
			    && index($text, $row->{text}) == 0
			    && ($finish eq 'cut' || "$row->{status} $row->{text}" eq "stop $text");
			$end{$finish}++;
		}
	}
	is_deeply \@bad, [], 'nothing that was seen is lost';
	ok $end{cut} && $end{stop}, 'cut and whole answers: ' . join ' ', %end;
};

subtest 'the master is killed' => sub {
	my $text = speak(40, 0.03);
	my $pids = $p->pids;
	my @streams = ask(4, after_events(60, sub { kill KILL => $pids->{master} }));

	whole($_, $text, 'a running stream is whole') for @streams;
	$p->eventually('then the workers end', sub {
		!grep { !gone($_) } @{ $pids->{workers} } }, 3);
	is running(), 0, 'every turn is closed';
	my ($exit, $out, $err) = $p->stack('up');
	is $exit, 0, 'up again' or diag $err;
	whole(ask(1), $text, 'and at work');
};

subtest 'up while the workers of a dead master drain' => sub {
	my $text = speak(200, 0.05);
	my $exit;
	my @streams = ask(3, after_events(60, sub {
		kill KILL => $p->pids->{master};
		($exit) = $p->stack('up');
	}));
	is $exit, 0, 'up';
	all_closed(5);
	for my $s (@streams) {
		my %finish = map { $_->{finish} // 'cut' => 1 } values %{ $p->lanes($s->events) };
		ok !$finish{stop}, 'a stream could not go on';
		kept($s, $text, 'what was seen of it is stored');
	}
	balanced();
	speak(3, 0);
	answers_again(session_of($streams[0]));
};

subtest 'everything is killed' => sub {
	my $text = speak(60, 0.03);
	my @streams = ask(6, after_events(120, sub {
		my @leaders = map { (split ' ', ParleyTest::Process::slurp($_))[0] }
		    glob "$p->{stack}/pid/*";
		kill KILL => map { -$_ } @leaders;
	}));
	is_deeply [grep { !$_->aborted } @streams], [], 'every stream is cut off';
	my ($exit, $out, $err) = $p->stack('up');
	is $exit, 0, 'up again' or diag $err;
	all_closed(5);
	kept($_, $text, 'what was seen is stored') for @streams;
	balanced();
	speak(3, 0);
	answers_again(session_of($streams[0]));
	is_deeply [grep { !{ spools() }->{ number(s{.*/}{}r) } } glob "$p->{stack}/state/spool/*"],
	    [],
	    'no spool is left of the dead';
};

# ----

# The answer to the opening's commit was lost on the way: its client has got an error, and nobody
# runs it.
subtest 'a turn that was opened and never began' => sub {
	speak(3, 0);
	my ($s) = ask(1);
	my ($session) = session_of($s) =~ /(\d+)$/;
	my ($worker) = map { $_->{worker} } answers($s->header('x-stream-id'));
	my ($turn, $then) = ($s->header('x-stream-id') + 4096, 1000 * int(time - 100));
	$p->sql('INSERT INTO turn (id, tenant, owner, session, group_id, worker, private,'
	    . " voice, question, created_ms) SELECT $turn, tenant, owner, session, $turn, worker,"
	    . " 0, voice, 'Lost', $then FROM turn WHERE id = ?", $s->header('x-stream-id'));
	$p->sql("INSERT INTO answer (id, turn, session, lane, model, status, created_ms)"
	    . " SELECT id + 4096, $turn, session, lane, model, 'running', $then FROM answer"
	    . ' WHERE turn = ?', $s->header('x-stream-id'));
	is $p->post('/conv/chat', json => body($p, 'Now?', session => "chat_$session"))->code, 409,
	    'its lanes seem to answer';
	$p->eventually('it is closed', sub { !running() }, 20);
	is_deeply [map { "$_->{status} $_->{error} $_->{text}" } answers($turn)],
	    [('error F_UNAVAILABLE ') x 2], 'as failed';
	balanced();
	answers_again("chat_$session");
};

subtest 'the database goes away' => sub {
	my $text = speak(40, 0.03);
	my ($db) = split ' ', ParleyTest::Process::slurp("$p->{stack}/pid/db");
	my ($begun, $victim) = (time);
	my @streams = ask(2, after_events(20, sub {
		my %pid = spools();
		($victim) = map { $pid{ $_->{worker} } } running();
		kill KILL => $db;
	}));

	whole($_, $text, 'running streams go on to their end') for @streams;
	cmp_ok time - $begun, '>', 5, 'which waits for the database';
	cmp_ok time - $begun, '<', 12, 'not too long';
	my $refused = $p->get('/task/list');
	is $refused->code, 503, 'others are told';
	ok $refused->header('retry-after'), 'when to come back';

	kill KILL => $victim;
	$p->eventually('a worker begins without the database', sub {
		my @now = @{ $p->pids->{workers} };
		@now == 2 && !grep { $_ == $victim } @now });
	is +($p->stack('up'))[0], 0, 'the database is back';
	# A thread that found it away does not try again at once.
	$p->eventually('for every thread', sub {
		!grep { $p->get('/task/list')->code != 200 } 1 .. 16 });
	all_closed(10, 'what was spooled is stored, whoever of the workers had it');
	my @rows = answers(map { $_->header('x-stream-id') } @streams);
	is_deeply [map { "$_->{status} $_->{text}" } @rows], [("stop $text") x 4], 'whole';
	balanced();
	speak(3, 0);
	answers_again(session_of($streams[0]));
};

# ----

subtest 'HUP under load' => sub {
	my $text = speak(3, 0.01);
	my $long = join '', map { sprintf '%03d ', $_ } 1 .. 150;
	$p->script("veiled-$_-70b", { times => 4, steps => [
	    map({ ({ delta => sprintf '%03d ', $_ }, { sleep => 0.03 }) } 1 .. 150), @end] })
	    for qw(a b);
	my %before = map { $_ => 1 } @{ $p->pids->{workers} };
	my ($task, $begun, $hups, $over, @posts, @chats) = ($p->task, time, 0);
	my $fields = { map { $_ => "of $_" } qw(val title name) };

	# Not before the long streams have taken their scripts. Then HUP, each after the one before.
	my $hup = Mojo::IOLoop->recurring(0.1 => sub {
		return if time - $begun < 1 || $hups > logged(qr/^reloaded$/, $begun)
		    || @posts < 25 * $hups || $hups == 5;
		$over //= load([5, '/task/add', $fields, \@posts],
		    [3, '/conv/chat', body($p, 'short', task => $task), \@chats]);
		kill HUP => $p->pids->{master};
		$hups++;
	});
	my @streams = ask(4);
	Mojo::IOLoop->remove($hup);
	$over->();
	@$_ = map { said($_) } @$_ for \@posts, \@chats;

	is $hups, 5, 'five reloads';
	$p->eventually('each done', sub { 5 == logged(qr/^reloaded$/, $begun) });
	whole($_, $long, 'a stream over all of them is whole') for @streams;
	cmp_ok scalar(@posts), '>=', 100, scalar(@posts) . ' POSTs meanwhile';
	is_deeply [grep { !/^200 / } @posts], [], 'none failed';
	cmp_ok scalar(@chats), '>=', 10, scalar(@chats) . ' short answers';
	is_deeply [grep { !/^200 / || 2 != (() = /"finish_reason":"stop"/g) } @chats], [],
	    'all whole';
	$p->eventually('two workers are left', sub { @{ $p->pids->{workers} } == 2 });
	is_deeply [grep { $before{$_} } @{ $p->pids->{workers} }], [], 'new ones';
	is running(), 0, 'every turn is closed';
	balanced();
};

sub reload ($since = time) {
	kill HUP => $p->pids->{master};
	$p->eventually('reloaded', sub { logged(qr/^(?:reloaded|not reloaded)$/, $since)
	    || logged(qr/^reload given up/, $since) }, 10);
	return;
}

subtest 'settings are read again' => sub {
	my $conf = "$p->{stack}/parley.conf";
	my $old = ParleyTest::Process::slurp($conf);
	speak(1, 0);
	is keys %{ $p->lanes((ask(1))[0]->events) }, 2, 'two lanes';
	like $p->get('/conv/his?sessionId=nonsense')->json->{msg}, qr/不存在/, 'in Chinese';

	ParleyTest::Process::spew($conf, qq($old\nlanguage = "en"\narena_lanes = 1\nworkers = 3\n));
	reload();
	is keys %{ $p->lanes((ask(1))[0]->events) }, 1, 'now one lane';
	like $p->get('/conv/his?sessionId=nonsense')->body, qr/does not exist/, 'in English';
	$p->eventually('and three workers', sub { @{ $p->pids->{workers} } == 3 });

	my @workers = sort @{ $p->pids->{workers} };
	for my $bad ('no_such_setting = 1', 'language = "xx"', 'threads = 0', 'threads = {',
	    'db_socket = "/nowhere/db.sock"', 'state_dir = "/proc/nowhere"',
	    'timezone = "Mars/Olympus"') {
		ParleyTest::Process::spew($conf,
		    "$old\nlanguage = \"en\"\narena_lanes = 1\n$bad\n");
		my $since = time;
		reload($since);
		my ($line) = logged(qr/^not reloaded$/, $since);
		like $line->{why} // '', qr/\S/, "$bad: a line in the log";
		like $line->{why} // '', qr/parley\.conf:\d+|nowhere|database/,
		    "$bad: that says where";
	}
	is_deeply [sort @{ $p->pids->{workers} }], \@workers, 'the workers stay';
	is keys %{ $p->lanes((ask(1))[0]->events) }, 1, 'with their settings';
	ParleyTest::Process::spew($conf, $old);
	reload();
	$p->eventually('two workers again', sub { @{ $p->pids->{workers} } == 2 });
	is keys %{ $p->lanes((ask(1))[0]->events) }, 2, 'and two lanes';
};

# ----

# How often these workers have said that they leave: just before they do.
sub leaving ($pids) {
	my $workers = join '|', @{ $pids->{workers} };
	my $lines = ParleyTest::Process::slurp($log);
	return scalar(() = $lines =~ /"msg":"leaving","pid":(?:$workers)\b/g);
}

# Ends the service by a signal while these streams run; what it took, and what a new request got.
sub end_by ($signal, $n, @more) {
	my ($pids, $sent, $late, $ended) = ($p->pids);
	my $watch = Mojo::IOLoop->recurring(0.02 => sub {
		$ended //= time if $sent && gone($pids->{master});
	});
	my $act = after_events(30 * $n, sub {
		my $before = leaving($pids);
		$sent = time;
		kill $signal => $pids->{master};
		sleep 0.02 until leaving($pids) >= $before + @{ $pids->{workers} }
		    || time > $sent + 5;
		sleep 0.2;
		$late = $p->post('/task/add', json => { title => 'too late' });
	});
	my @streams = ask($n, $act, @more);
	my $closed = time;
	until ($ended || time > $closed + 15) {
		Mojo::IOLoop->one_tick;
	}
	Mojo::IOLoop->remove($watch);
	return { streams => \@streams, late => $late, took => ($ended // 9e9) - $sent,
	    after => ($ended // 9e9) - $closed, pids => $pids };
}

# Nothing of it is left: neither processes nor what they kept on disk.
sub left_nothing ($end) {
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is_deeply [grep { -d "/proc/$_" && !gone($_) } @{ $end->{pids}{workers} }], [],
	    'no process is left';
	is_deeply [glob "$p->{stack}/state/spool/*"], [], 'no spool is left';
	ok !-e "$p->{stack}/run/fcgi.sock", 'no socket is left';
	is running(), 0, 'every turn is closed';
	balanced();
	return;
}

subtest 'TERM' => sub {
	my $text = speak(60, 0.03);
	my $end = end_by(TERM => 4);
	like $end->{late}->code, qr/^50[234]$/, 'no new request is taken';
	is $end->{late}->json->{code}, $end->{late}->code, 'as its envelope says';
	whole($_, $text, 'a running stream is whole') for @{ $end->{streams} };
	cmp_ok $end->{after}, '<', 1, 'then all of it ends';
	left_nothing($end);
	is +($p->stack('up'))[0], 0, 'up again';
};

subtest 'HUP, then TERM' => sub {
	my $text = speak(60, 0.03);
	my ($task, $pids, $over, @txs) = ($p->task, $p->pids);
	my @streams = ask(2, after_events(10, sub {
		reload();
		$over = load([2, '/conv/chat', body($p, 'young', task => $task), \@txs]);
		my $poll;
		$poll = Mojo::IOLoop->recurring(0.05 => sub {
			return if $p->sql("SELECT COUNT(*) AS n FROM turn"
			    . " WHERE question = 'young'")->[0]{n} < 2;
			Mojo::IOLoop->remove($poll);
			kill TERM => $pids->{master};
		});
	}));
	$over->();
	whole($_, $text, 'a stream of the old workers is whole') for @streams;
	my @young = grep { $_->res->code == 200 } @txs;
	is @young, 2, 'the new ones began as many';
	for my $tx (@young) {
		my $lanes = $p->lanes([ParleyTest::Sse->new->feed($tx->res->body)]);
		is_deeply [map { "$_->{text}$_->{finish}" } values %$lanes], [("${text}stop") x 2],
		    'whole as well';
	}
	$p->eventually('and all of it ends', sub { gone($pids->{master}) });
	is_deeply [glob "$p->{stack}/state/spool/*"], [], 'no spool is left';
	is +($p->stack('up'))[0], 0, 'up again';
};

subtest 'TERM, and a stream longer than drain' => sub {
	is +($p->stack('up', '--set', 'drain=1'))[0], 0, 'one second';
	my $text = speak(200, 0.05);
	my $end = end_by(TERM => 3);
	for my $s (@{ $end->{streams} }) {
		is $s->aborted, undef, 'the stream ends properly';
		is_deeply [map { "$_->{finish} $_->{error}{code} " . @{ $_->{citations} } }
		    values %{ $p->lanes($s->events) }], [('error 503 1') x 2],
		    'with a frame in band';
		kept($s, $text, 'what was said is stored');
	}
	cmp_ok $end->{took}, '>=', 0.9, 'not before its time';
	cmp_ok $end->{took}, '<', 3, 'but soon after';
	left_nothing($end);
	is +($p->stack('up', '--set', 'drain=60'))[0], 0, 'up again';
};

subtest 'INT' => sub {
	my $text = speak(200, 0.05);
	my $end = end_by(INT => 3, [POST => '/combine/chat?fuse=m-a', json => body($p, 'Fuse')]);
	my $fused = pop @{ $end->{streams} };
	my $lanes = $p->lanes($fused->events);
	is_deeply [map { $lanes->{$_}{finish} } qw(ALPHA BRAVO FUSION)], [qw(error error error)],
	    'drafts and their fusion fail';
	my $rows = $p->sql('SELECT a.prompt_tokens AS n FROM answer a JOIN turn t ON t.id = a.turn'
	    . ' WHERE t.session IS NULL ORDER BY a.lane');
	is_deeply [map { $_->{n} > 0 ? 1 : 0 } @$rows], [1, 1, 0], 'and nobody was asked for that';
	for my $s (@{ $end->{streams} }) {
		is_deeply [map { "$_->{finish} $_->{error}{code} " . @{ $_->{citations} } }
		    values %{ $p->lanes($s->events) }], [('error 503 1') x 2], 'fails in band';
		kept($s, $text, 'what was said is stored');
	}
	cmp_ok $end->{took}, '<', 1, 'at once';
	left_nothing($end);
	is +($p->stack('up'))[0], 0, 'up again';
};

# ----

subtest 'USR1' => sub {
	my $own = "$p->{stack}/log/own.log";
	is +($p->stack('up', '--set', "log=$own"))[0], 0, 'a log file';
	speak(1, 0);
	ask(1);
	$p->eventually('is written', sub {
		ParleyTest::Process::slurp($own) =~ m{"route":"/conv/chat"} or do { ask(1); 0 } });
	rename $own, "$own.1" or die "rename: $!";
	kill USR1 => $p->pids->{master};
	$p->eventually('and opened anew', sub { -s $own || do { ask(1); 0 } });
	ask(4);
	sleep 0.2;
	my $size = -s "$own.1";
	ask(4);
	is -s "$own.1", $size, 'the old one is left alone';
	# Which of them a request comes to is nobody's to choose.
	$p->eventually('by every worker', sub {
		my %roles = map { /"role":"(worker \d)"/ ? ($1 => 1) : () }
		    split /\n/, ParleyTest::Process::slurp($own);
		keys %roles == 2 or do { ask(4); 0 } });
	kill HUP => $p->pids->{master};
	$p->eventually('and the master', sub {
		ParleyTest::Process::slurp($own) =~ /"msg":"reloaded"/ });
	is +($p->stack('up', '--set', 'log='))[0], 0, 'back to standard error';
};

subtest 'descriptors and processes' => sub {
	my $text = speak(3, 0);
	my $count = sub ($pid) { return scalar(my @fds = glob "/proc/$pid/fd/*") };
	ask(20) for 1 .. 2;
	my %before = map { $_ => $count->($_) } $p->pids->{master}, @{ $p->pids->{workers} };
	my @all = map { ask(20) } 1 .. 10;
	is +(grep { my $s = $_;
	    2 == grep { $_->{text} eq $text } values %{ $p->lanes($s->events) } }
	    @all), 200, '200 streams';
	my %after = map { $_ => $count->($_) } $p->pids->{master}, @{ $p->pids->{workers} };
	is_deeply [sort keys %after], [sort keys %before], 'the same processes';
	# Kept connections: of the web server, and to the upstream.
	cmp_ok $after{$_}, '<=', $before{$_} + 40, "descriptors of $_" for sort keys %before;
	is_deeply [map { $after{$_} - $before{$_} } $p->pids->{master}], [0], 'none of the master';
	my %parent;
	for my $stat (map { ParleyTest::Process::slurp($_) } glob '/proc/[0-9]*/stat') {
		my ($pid, $state, $ppid) = $stat =~ /^(\d+) .*\) (\S) (\d+)/s or next;
		$parent{$pid} = $ppid if $state eq 'Z';
	}
	is_deeply [grep { exists $after{ $parent{$_} } } keys %parent], [], 'no zombies';
};

subtest 'two stacks side by side' => sub {
	my $other = ParleyTest->new(models => 1, workers => 1);
	$other->script('m-a', { times => 0, steps => [{ delta => 'the other' }, @end] });
	my $text = speak(3, 0);
	my $s = $other->stream(POST => '/conv/chat', json => body($other, 'Who?'));
	is_deeply [map { $_->{text} } values %{ $p->lanes($s->events) }], ['the other'],
	    'the second answers';
	whole($_, $text, 'and the first') for ask(2);
	$other->down;
	whole($_, $text, 'which stays when the second goes') for ask(2);
	$other->no_errors_logged;
};

subtest 'down' => sub {
	my $pids = $p->pids;
	$p->down;
	is_deeply [grep { -d "/proc/$_" && !gone($_) } $pids->{master}, @{ $pids->{workers} }], [],
	    'no process is left';
	is_deeply [glob "$p->{stack}/state/spool/*"], [], 'no spool is left';
};

$p->no_errors_logged('errors are those that were made', allow => [
	qr/a worker died/, qr/not reloaded/, qr/database|connect/i,
]);

done_testing;
