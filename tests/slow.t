#!/usr/bin/perl
# Clients that stop reading: nobody else waits for them, they cost no memory, and when they read
# again they get every event.

use v5.36;
use utf8;

use Digest::SHA qw(sha256_hex);
use IO::Socket::INET;
use List::Util  qw(max min sum);
use Mojo::JSON  qw(decode_json encode_json);
use Mojo::URL;
use Socket      qw(SOL_SOCKET SO_RCVBUF);
use Test::More;
use Time::HiRes qw(sleep time);

use ParleyTest;
use ParleyTest::Arena;
use ParleyTest::Process;

my $DELTAS = 20_000;
my $STALLED = 4;

# Limits that a paused upstream would pass if its time counted.
my $p = ParleyTest->new(models => 2, workers => 1, set => { spool_keep => 0 },
	model_args => ['--first-token', 5, '--idle', 2, '--total', 30]);
my @end = ({ finish => 'stop' }, { done => 1 });
my $text = join '', map { sprintf '%05d ', $_ } 1 .. $DELTAS;
my ($worker) = @{ $p->pids->{workers} };
my $sanitized = $p->sanitized;

# Comments for behind a hundred events: the kernel holds most of what a client is told (some four
# of the six MB) and, of what the upstream says, what both ends of a connection can hold. So that
# must be a small part of the whole.
my $PAD = 8000;
my $PADS = int(6 * 100 / $DELTAS / $PAD * sum map { (split ' ', ParleyTest::Process::slurp(
    "/proc/sys/net/ipv4/tcp_$_"))[2] } qw(rmem wmem));

# As fast as the upstream can: many events in one write. Padded, the kernel's buffers cannot take
# the whole answer.
sub long_answer ($pads = 0) {
	my @chunks = map { sprintf 'data: {"choices":[{"index":0,"delta":{"content":"%05d "}}]}'
	    . "\n\n", $_ } 1 .. $DELTAS;
	my @pad = $pads ? { repeat => $pads, steps => [{ comment => 'x' x $PAD }] } : ();
	my @steps;
	push @steps, { raw => join '', splice @chunks, 0, 100 }, @pad while @chunks;
	return { times => 0, steps => [@steps, @end] };
}

sub resident () {
	my ($kib) = ParleyTest::Process::slurp("/proc/$worker/status") =~ /^RssAnon:\s*(\d+) kB/m;
	return $kib;
}

# --- a client with a small window, that reads when it is told to

# Asks and reads as far as the first event.
sub open_slow ($path, %headers) {
	my $url = Mojo::URL->new($p->url);
	my $socket = IO::Socket::INET->new(Proto => 'tcp') or die "socket: $!";
	setsockopt $socket, SOL_SOCKET, SO_RCVBUF, 4096;
	connect $socket, Socket::pack_sockaddr_in($url->port, Socket::inet_aton($url->host))
	    or die "connect: $!";
	my $body = encode_json(body($p, 'Tell me all'));
	my %all = (Host => $url->host_port, userId => 'tester',
	    'Content-Type' => 'application/json',
	    'Content-Length' => length $body, %headers);
	syswrite $socket, join "\r\n", "POST $path HTTP/1.1",
	    map({ "$_: $all{$_}" } sort keys %all),
	    '', $body;
	my $c = { socket => $socket, got => '' };
	read_on($c) until $c->{got} =~ /"content":"\d/ || $c->{over};
	return $c;
}

sub read_on ($c) {
	$c->{over} = 1 unless sysread $c->{socket}, $c->{got}, 65536, length $c->{got};
	return;
}

# The rest of it. Head, body and whether HTTP says that the body is whole.
sub read_all ($c, $seconds = 60) {
	my $until = time + $seconds;
	my $ready = '';
	until ($c->{over} || $c->{got} =~ /\r\n0\r\n\r\n\z/) {
		vec($ready = '', fileno $c->{socket}, 1) = 1;
		last if time > $until;
		read_on($c) if select $ready, undef, undef, 1;
	}
	my ($head, $rest) = split /\r\n\r\n/, $c->{got}, 2;
	my ($body, $at) = ('', 0);
	while ($rest =~ /\G([0-9a-f]+)\r\n/gc) {
		my $n = hex $1 or last;
		$body .= substr $rest, pos $rest, $n;
		pos $rest = pos($rest) + $n + 2;
	}
	return ($head, $body, $rest =~ /\r\n0\r\n\r\n\z/);
}

# Without decoding each frame: what every lane said, its end and what came after; all ids. An event
# counts where the blank line behind it has come, as for any client: half an id is another's.
sub take_apart ($body) {
	my (%lane, @ids);
	for my $event ($body =~ /\G(.*?)\n\n/gs) {
		next if $event =~ /^:/;
		push @ids, $1 if $event =~ /^id: (\S+)$/m;
		my ($mask) = $event =~ /"maskCode":"(\w+)"/;
		my $lane = $lane{$mask // 'none'} //= { text => '', after => 0 };
		if ($event =~ /"finish_reason":"(\w+)"/) { $lane->{finish} = $1 }
		elsif ($lane->{finish}) { $lane->{after}++ }
		elsif ($event =~ /"content":"([^"]*)"/) { $lane->{text} .= $1 }
	}
	return (\%lane, \@ids);
}

sub whole ($c, $name) {
	my ($head, $body, $ended) = read_all($c);
	my ($lanes, $ids) = take_apart($body);
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	subtest $name => sub {
		like $head, qr{\AHTTP/1\.1 200 }, 'a stream';
		ok $ended, 'that ends properly';
		is_deeply [sort keys %$lanes], [qw(ALPHA BRAVO)], 'two lanes';
		for my $mask (sort keys %$lanes) {
			my $lane = $lanes->{$mask};
			is length $lane->{text}, length $text, "$mask: all of it";
			ok $lane->{text} eq $text, "$mask: every event, in order";
			is "$lane->{finish} $lane->{after}", 'stop 1', "$mask: and its end";
		}
	};
	return ($head, $ids);
}

# Others, who read: a steady answer; the longest gap between two of its deltas.
sub steady () {
	my $script = { steps => [{ repeat => 40,
	    steps => [{ delta => 'tick ' }, { sleep => 0.02 }] },
	    @end] };
	$p->upstream->unscript;
	$p->script("veiled-$_-70b", $script) for qw(a b);
	my (undef, undef, $s) = begin($p, 'Steady?', user => 'other');
	my @at = map { $_->{at} } @{ $s->events };
	my $lanes = $p->lanes($s->events);
	is_deeply [map { "$_->{text}$_->{finish}" } values %$lanes], [('tick ' x 40 . 'stop') x 2],
	    'who reads gets it whole';
	return max map { $at[$_] - $at[$_ - 1] } 1 .. $#at;
}

sub all_stored () {
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return $p->eventually('the answers of those who stall are stored', sub {
		!@{ $p->sql('SELECT 1 FROM answer WHERE running = 1') } }, 60);
}

# ----

subtest 'stored' => sub {
	$p->script('*', long_answer());
	my (undef, undef, $s) = begin($p, 'Warm up');
	is_deeply [map { sha256_hex($_->{text}) } values %{ $p->lanes($s->events) }],
	    [(sha256_hex($text)) x 2], 'a fast client gets all of it';
	my $gap = steady();

	# What one more of them costs shows in every round; what the allocator keeps, in some.
	my (@clients, @left, @costs, $worse);
	for my $round (1 .. 5) {
		my $before = resident();
		push @left, @clients;
		$p->script('*', long_answer());
		@clients = map { open_slow('/conv/chat', $_ % 2 ? ('X-Stream-Ids' => 1) : ()) }
		    1 .. $STALLED;
		all_stored();
		$worse = steady();
		push @costs, (resident() - $before) / $STALLED;
	}
	is_deeply $p->sql('SELECT DISTINCT status, SHA2(text, 256) AS digest FROM answer'
	    . " WHERE text NOT LIKE 'tick%'"),
	    [{ status => 'stop', digest => sha256_hex($text) }], 'whole';
	cmp_ok $worse, '<', max(3 * $gap, 1), 'nobody else waits';
	cmp_ok min(@costs), '<', 64, "nor is there memory for them: @costs KiB each"
	    unless $sanitized;
	my $slow = @left + @clients;
	like $p->get('/metrics')->body, qr/^parley_slow_clients $slow$/m, 'the figures know them';
	my ($queued) = map { length $_->{got} } @clients;
	cmp_ok $queued, '<', 100_000, 'while they have hardly begun';

	# Some leave without having read it.
	close $_->{socket} for @left, pop @clients;
	for my $i (0 .. $#clients) {
		my ($head, $ids) = whole($clients[$i], "client $i reads on");
		my ($turn) = $head =~ /^x-stream-id: (\d+)/im;
		my @wanted = $i % 2 ? () : map { "$turn-$_" } 1 .. 2 * $DELTAS + 4;
		is_deeply $ids, \@wanted, @wanted ? 'its ids are consecutive' : 'without ids';
	}
};

subtest 'stalling again and again' => sub {
	$p->script('*', long_answer());
	my $c = open_slow('/conv/chat', 'X-Stream-Ids' => 1);
	my $size = 0;
	while (length $c->{got} < 3_000_000 && !$c->{over}) {
		read_on($c);
		sleep 0.05 if length($c->{got}) - $size > 200_000;
		$size = length $c->{got} if length($c->{got}) - $size > 200_000;
	}
	my ($head, $ids) = whole($c, 'whole in the end');
	is scalar(@$ids), 2 * $DELTAS + 4, 'every id';
	is +(grep { $ids->[$_] !~ /-@{[$_ + 1]}\z/ } 0 .. $#$ids), 0, 'in order';
};

subtest 'while it is said' => sub {
	my $slow = long_answer();
	my @steps = @{ $slow->{steps} };
	$p->upstream->unscript;
	$p->script('*', { %$slow, steps => [map { ($_, { sleep => 0.01 }) } @steps] });
	my $c = open_slow('/conv/chat');
	sleep 1;
	my ($head) = whole($c, 'it catches up and goes on live');
};

subtest 'not stored' => sub {
	$p->upstream->unscript;
	$p->upstream->clear_log;
	$p->script('*', long_answer($PADS));
	my $before = resident();
	my $c = open_slow('/combine/chat');
	sleep 4;
	is_deeply [map { $_->{ended} } $p->upstream_log], [qw(running running)],
	    'the upstream is paused, longer than it may be silent';
	# Of many megabytes: what the allocator keeps for other threads is not what piles up.
	cmp_ok resident() - $before, '<', 1024, 'and nothing piles up' unless $sanitized;
	steady();
	whole($c, 'then it goes on');
	$p->eventually('the upstream could say all of it', sub {
		2 == grep { $_->{ended} eq 'complete' && $_->{body}{messages}[-1]{content} eq
		    'Tell me all' } $p->upstream_log });

	$p->upstream->unscript;
	$p->upstream->clear_log;
	$p->script('*', long_answer($PADS));
	$c = open_slow('/combine/chat');
	sleep 0.5;
	close $c->{socket};
	$p->eventually('who leaves while it is paused, ends it', sub {
		2 == grep { $_->{ended} eq 'aborted' } $p->upstream_log });
};

is_deeply $p->pids->{workers}, [$worker], 'the worker has lived through it';

subtest 'a fused answer that begins while the client stalls' => sub {
	is +($p->stack('up', '--set', 'arena_lanes=1'))[0], 0, 'one draft';
	$p->upstream->unscript;
	$p->upstream->clear_log;
	$p->script('*', { steps => [{ raw => join '',
	    'data: {"choices":[{"index":0,"delta":{"content":"', '1', '.' x 3_500_000,
	    qq("},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n) }] });
	$p->script('*', long_answer($PADS));
	my $c = open_slow('/combine/chat?fuse=m-a');
	sleep 2;
	is_deeply [map { $_->{ended} } $p->upstream_log], [qw(complete running)],
	    'it is paused as well';
	my ($head, $body, $ended) = read_all($c);
	my ($lanes) = take_apart($body);
	ok $ended, 'then all of it comes';
	is length $lanes->{ALPHA}{text}, 3_500_001, 'the draft';
	ok $lanes->{FUSION}{text} eq $text, 'and the answer';
};

is_deeply [(take_apart("id: 7-1\ndata: {}\n\nid: 7-"))[1], (take_apart("id: 7-1\n\nid: 7-2"))[1]],
    [['7-1'], ['7-1']], 'an event that was cut off is none';

subtest 'a damaged spool' => sub {
	$p->upstream->unscript;
	$p->script('*', long_answer());
	my $c = open_slow('/conv/chat', 'X-Stream-Ids' => 1);
	$p->eventually('stored', sub {
		!@{ $p->sql('SELECT 1 FROM answer WHERE running = 1') } }, 30);
	my ($segment) = glob "$p->{stack}/state/spool/*/*.seg";
	open my $fh, '+<:raw', $segment or die "$segment: $!";
	seek $fh, 500_000, 0;
	print {$fh} 'x' x 1000;
	close $fh;
	my ($head, $body) = read_all($c);
	my ($lanes, $ids) = take_apart($body);
	cmp_ok scalar(@$ids), '>', 1000, 'the client gets what can be read';
	is +(grep { $ids->[$_] !~ /-@{[$_ + 1]}\z/ } 0 .. $#$ids), 0, 'without a gap';
	is_deeply [grep { defined $_->{finish} } values %$lanes], [], 'and no end';
};

my $begun = time;
$p->down;
cmp_ok time - $begun, '<', 6, 'nothing is left running';
is_deeply [glob "$p->{stack}/state/spool/*"], [], 'nor in the spool';
$p->no_errors_logged('no errors but that', allow => [qr/the spool is damaged/]);
done_testing;
