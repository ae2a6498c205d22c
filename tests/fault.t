#!/usr/bin/perl
# Five hundred questions while workers, master, database, upstream and web server are killed,
# stopped and cut at random, and clients leave and come back. In the end every byte that any client
# was given of a stored turn stands in the store, every turn is closed, the books balance and
# nothing is left over.
#
# PARLEY_FAULT_SEED=N repeats a run as far as time repeats; PARLEY_FAULT_TURNS=N changes its length.

use v5.36;
use utf8;

use List::Util  qw(max sum0);
use Mojo::IOLoop;
use Test::More;
use Time::HiRes qw(sleep time);

use ParleyTest;
use ParleyTest::Arena;
use ParleyTest::Crowd;
use ParleyTest::Process;

my $seed  = $ENV{PARLEY_FAULT_SEED} // time * 1000 % 1_000_000;
my $turns = $ENV{PARLEY_FAULT_TURNS} // 500;
diag "seed $seed: PARLEY_FAULT_SEED=$seed repeats it";
srand $seed;

my $p = ParleyTest->new(models => 2, workers => 2,
    set => { spool_keep => 0, drain => 2, log => '' },
    model_args => ['--first-token', 2, '--idle', 2, '--total', 20, '--connect', 2]);

sub slurp ($file) { return ParleyTest::Process::slurp($file) }

# ---- what the upstream does

sub words ($n) {
	return map { ({ delta => "w$_ " }, rand() < 0.7 ? { sleep => 0.002 + rand 0.03 } : ()) }
	    1 .. $n;
}

my @well = ({ finish => 'stop' }, { usage => { prompt_tokens => 7, completion_tokens => 11,
    total_tokens => 18 } }, { done => 1 });
my %answer = (
	well     => sub { { steps => [words(3 + rand 60), @well] } },
	uncounted => sub { { steps => [words(3 + rand 40), { finish => 'stop' }, { done => 1 }] } },
	thought  => sub { { steps => [{ reasoning => 'Hm. ' }, { reasoning => '好' },
	    words(3 + rand 40), @well] } },
	burst    => sub { { steps => [(map { { delta => "b$_ " } } 1 .. 400 + rand 400), @well] } },
	cut      => sub { { steps => [words(2 + rand 30), { close => 1 }] } },
	reset    => sub { { steps => [words(1 + rand 10), { close => 'reset' }] } },
	silent   => sub { { steps => [words(1 + rand 10), { hang => 1 }] } },
	mute     => sub { { hang_before => \1 } },
	status   => sub { { status => (500, 502, 503, 429)[rand 4] } },
	garbage  => sub { { steps => [words(2), { raw => "data: {\"cho\n\n" }] } },
	cited    => sub { { steps => [words(5), { citations => [{ id => 'c1', summary => 'Süß' }] },
	    words(5), @well] } },
);
my %weight = (well => 40, uncounted => 8, thought => 8, burst => 6, cut => 5, reset => 3,
    silent => 1, mute => 1, status => 4, garbage => 2, cited => 6);

# Keeps so many answers ready that the crowd never gets the demo's own, which are over in no time.
my ($crowd, $prepared);
sub prepare_answers () {
	my $asked = $crowd->questions;
	$prepared //= $asked;
	for (; $prepared < $asked + 150; $prepared++) {
		$p->script('*', $answer{ ParleyTest::Crowd::pick(\%weight) }->());
	}
	return;
}

# ---- what befalls the service

my (%done, $stopped);
my @models = map { $_->{code} } $p->models;

sub leader ($part) { return (split ' ', slurp("$p->{stack}/pid/$part"))[0] }

# On a machine that has much to do the first attempt may run out of patience.
sub up_again () {
	for (1 .. 4) {
		my ($exit, $out, $err) = $p->stack('up');
		return if !$exit;
		diag "stack up: exit $exit\n$out$err";
	}
	return;
}

# Stops a process for a while, then lets it go on.
sub freeze ($pid, $seconds) {
	return unless $pid && kill STOP => $pid;
	$stopped = $pid;
	Mojo::IOLoop->timer($seconds => sub { kill CONT => $pid; $stopped = undef });
	return;
}

sub a_worker () { my @w = @{ $p->pids->{workers} }; return $w[rand @w] }

my %fault = (
	'worker killed'     => sub { my $w = a_worker() // return; kill KILL => $w },
	'both killed'       => sub { kill KILL => @{ $p->pids->{workers} } },
	'worker frozen'     => sub { freeze(a_worker(), 0.3 + rand 1) },
	'reload'            => sub { kill HUP => $p->pids->{master} // return },
	'master killed'     => sub { kill KILL => $p->pids->{master} // return; up_again() },
	'service ended'     => sub { kill TERM => $p->pids->{master}
	    // return; sleep 0.3; up_again() },
	'database frozen'   => sub { freeze(leader('db'), 0.5 + rand 2) },
	'database killed'   => sub { kill KILL => leader('db'); sleep rand 1; up_again() },
	'web server reload' => sub { kill HUP => leader('front') },
	'upstream restarts' => sub {
		$p->upstream->stop;
		sleep rand 0.3;
		$p->upstream->start;
		$prepared = undef;
		# Behind open breakers all that is left to ask would fail within seconds.
		$p->parley('model', 'enable', $_) for @models;
	},
	'all killed'        => sub {
		kill KILL => map { -leader($_) } qw(db workers front);
		up_again();
	},
);
my %odds = ('worker killed' => 8, 'both killed' => 2, 'worker frozen' => 3, reload => 3,
    'master killed' => 2, 'service ended' => 1, 'database frozen' => 3, 'database killed' => 2,
    'web server reload' => 2, 'upstream restarts' => 2, 'all killed' => 1);

my $due = time + 1;
sub befall () {
	prepare_answers();
	return if time < $due || $stopped;
	my $what = ParleyTest::Crowd::pick(\%odds);
	$done{$what}++;
	$fault{$what}->();
	$due = time + 0.3 + rand 1;
	return;
}

# ---- the run

# Half of the users ask with a key that pays.
my %api_keys = map { $_ => scalar $p->key(user => $_, allowance => 1000) } qw(user-1 user-2 user-3);
$crowd = ParleyTest::Crowd->new($p, api_keys => \%api_keys);
prepare_answers();
my $begun = time;
my @stories = $crowd->run($turns, \&befall);
kill CONT => $stopped if $stopped;
up_again();
diag sprintf '%d stories in %.0f s; %s', scalar @stories, time - $begun,
    join ', ', map { "$_ $done{$_}" } sort keys %done;
my %over;
$over{ $_->{over} }++ for @stories;
diag 'they ended: ' . join ', ', map { "$_ $over{$_}" } sort keys %over;

is_deeply [$crowd->wrong], [], 'what was told twice was the same, and nothing was denied';
is_deeply [map { "$_->{n} @{$_->{said}}" } grep { $_->{over} eq 'lost' } @stories], [],
    'everybody who came back came to an end';
ok sum0(values %done) >= $turns / 50, 'much has happened meanwhile';
cmp_ok $over{whole} // 0, '>=', @stories / 5, 'and many have heard it all';

$p->eventually('every turn is closed', sub {
	!@{ $p->sql('SELECT 1 FROM turn WHERE ended_ms IS NULL')
	    } && !@{ $p->sql("SELECT 1 FROM answer WHERE status = 'running'") } }, 30);

# ---- the store against what clients remember

my %row;
$row{ $_->{turn} }{ $_->{mask} } = $_ for @{ $p->sql("SELECT a.turn, IFNULL(l.mask, 'CHAT')"
    . ' AS mask, a.status, a.text,'
    . ' a.reasoning, a.estimated, a.prompt_tokens, a.completion_tokens FROM answer a'
    . ' JOIN lane l ON l.session = a.session AND l.lane = a.lane') };

# As a client sees it: the reasoning in its tags.
sub told ($row) {
	my $thought = defined $row->{reasoning} && length $row->{reasoning}
	    ? "<think>$row->{reasoning}" . ($row->{text} ne '' ? '</think>' : '') : '';
	return $thought . $row->{text};
}

my (@lost, @ends, $bytes, %finish);
for my $story (grep { $_->{turn} } @stories) {
	my $lanes = ParleyTest::Crowd::lanes($story);
	for my $mask (keys %$lanes) {
		my ($lane, $row) = ($lanes->{$mask}, $row{ $story->{turn} }{$mask});
		my $told = $row ? told($row) : '';
		$bytes += length $lane->{text};
		push @lost, [$story->{n}, $story->{turn}, $mask, $lane->{text}, $told, $row]
		    if index("$told</think>", $lane->{text}) != 0;
		next unless defined $lane->{finish};
		$finish{ $lane->{finish} }++;
		my $status = { stopped => 'stop' }->{ $row->{status} } // $row->{status};
		push @ends, [$story->{n}, $mask, $lane, $row]
		    if $status ne $lane->{finish} || $lane->{text} !~ /^\Q$told\E(?:<\/think>)?$/
		    || ($lane->{answer} // $row->{text}) ne $row->{text};
	}
	for my $mask (keys %{ $story->{stored} }) {
		my $seen = ($lanes->{$mask} // { text => '' })->{text};
		push @lost, [$story->{n}, $mask, 'replay', $story->{stored}{$mask}, $seen]
		    if index("$story->{stored}{$mask}</think>", $seen) != 0;
	}
}
is_deeply \@lost, [], "every byte that a client was given is in the store ($bytes characters)";
is_deeply \@ends, [], 'and ends as its client was told: '
    . join ', ', map { "$_ $finish{$_}" } sort keys %finish;

my ($sums) = @{ $p->sql('SELECT (SELECT IFNULL(SUM(amount), 0) FROM ledger) -'
    . ' (SELECT IFNULL(SUM(cost), 0) FROM answer) AS off, (SELECT COUNT(*) FROM answer) -'
    . " (SELECT COUNT(*) FROM ledger WHERE kind = 'answer') AS unsettled") };
is $sums->{off} + 0, 0, 'the ledger balances';
is $sums->{unsettled}, 0, 'every answer is settled';
my ($keys) = @{ $p->sql('SELECT (SELECT COUNT(*) FROM reservation) AS reservations,'
    . ' SUM(reserved) AS reserved, SUM(spent) AS spent, SUM(spent <> (SELECT IFNULL('
    . ' SUM(l.amount), 0) FROM ledger l WHERE l.api_key = k.id)) AS off,'
    . ' SUM(spent <> (SELECT IFNULL(SUM(a.cost), 0) FROM turn t JOIN answer a ON a.turn = t.id'
    . ' WHERE t.api_key = k.id)) AS uncharged, SUM(called <> (SELECT COUNT(*) FROM turn t'
    . ' WHERE t.api_key = k.id)) AS uncalled FROM api_key k') };
cmp_ok $keys->{spent}, '>', 0, 'keys have paid';
is_deeply [map { $_ + 0 } @$keys{qw(reservations reserved)}], [0, 0], 'nothing stays reserved';
is_deeply [map { $_ + 0 } @$keys{qw(off uncharged uncalled)}], [0, 0, 0],
    'each has spent what its ledger says, its answers cost, and has called for its turns';

# Who has asked with a key has asked once, however often it came.
my %keyed = map { ("Question $_->{n}" => 1) } grep { $_->{key} } @stories;
my @twice = grep { $keyed{ $_->{question} } && $_->{n} > 1 } @{ $p->sql('SELECT question,'
    . ' COUNT(*) AS n FROM turn WHERE session IS NOT NULL GROUP BY question') };
is_deeply \@twice, [], 'nothing was asked twice under one key';

# ---- what is left over

is +($p->stack('up'))[0], 0, 'the service stands';
$p->eventually('nothing is left in the spool of the dead', sub {
	my %live = map { (readlink // '') =~ m{/spool/([0-9a-f]{14})/lock} ? ($1 => 1) : () }
	    map { glob "/proc/$_/fd/*" } @{ $p->pids->{workers} };
	!grep { !$live{ s{.*/}{}r } } glob "$p->{stack}/state/spool/*" }, 30);
my ($exit, $out) = $p->parley('show', 'streams', '--json');
is $exit, 0, 'show streams';
is_deeply Mojo::JSON::decode_json($out), [], 'nothing runs';

# ---- and nothing leaks, where nothing is killed

sub measure () {
	my %m;
	for my $pid (@{ $p->pids->{workers} }) {
		$m{fds} += () = glob "/proc/$pid/fd/*";
		my ($kib) = slurp("/proc/$pid/smaps_rollup") =~ /^Pss_Anon:\s+(\d+) kB/m;
		$m{kib} += $kib;
	}
	return \%m;
}

sub settled () {
	$p->eventually('all is quiet', sub {
		!@{ $p->sql('SELECT 1 FROM turn WHERE ended_ms IS NULL') } }, 30);
	sleep 1.5;              # idle connections to the upstream and the housekeeping's second
	return measure();
}

$crowd = ParleyTest::Crowd->new($p);
$prepared = undef;
$crowd->run(150, \&prepare_answers);
my $before = settled();
$crowd->run(150, \&prepare_answers);
my $after = settled();
is_deeply [$crowd->wrong], [], 'in calm weather too';
cmp_ok $after->{fds}, '<=', $before->{fds} + 12,
    "descriptors: $before->{fds}, after 150 more $after->{fds}";
# A sanitizer keeps what was freed, to find who still uses it.
cmp_ok $after->{kib}, '<', $before->{kib} + 3072,
    "memory: $before->{kib} KiB, after 150 more $after->{kib} KiB" unless $p->sanitized;

done_testing;
