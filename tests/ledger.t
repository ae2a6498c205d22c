#!/usr/bin/perl
# Money in bad weather: a thousand questions in every dialect that keys pay for, whose clients leave
# and stop, whose upstreams fail, cut off and do not count, while workers are killed. Whatever
# happened, the books balance; and many clients of one key together spend no more than it has.
#
#	PARLEY_LEDGER_SEED	what came by chance: printed, and repeated with it
#	PARLEY_LEDGER_TURNS	how many questions (1000)

use v5.36;
use utf8;

use List::Util qw(shuffle sum0);
use Test::More;

use ParleyTest;
use ParleyTest::Process;
use ParleyTest::Release;

my $seed = $ENV{PARLEY_LEDGER_SEED} // 1 + int rand 1e6;
srand $seed;
diag "seed $seed: PARLEY_LEDGER_SEED=$seed repeats it";
my $turns = $ENV{PARLEY_LEDGER_TURNS} // 1000;
my $BATCH = 50;

my $p = ParleyTest->new(models => 2, workers => 2, threads => 6);
my $assistant = an_assistant($p);
my @keys = map { scalar $p->key(user => "user-$_", allowance => 1000) } 1 .. 4;

# ---- what upstreams do; those that count say 7 and 11

my @well = ({ finish => 'stop' }, { usage => { prompt_tokens => 7, completion_tokens => 11,
    total_tokens => 18 } }, { done => 1 });
sub words ($n) { return map { ({ delta => "w$_ " }, { sleep => 0.003 + rand 0.02 }) } 1 .. $n }
my @answers = (
	(sub { { steps => [words(3 + rand 40), @well] } }) x 6,
	sub { { steps => [words(3 + rand 20), { finish => 'stop' }, { done => 1 }] } },
	sub { { steps => [words(2 + rand 10), { close => 1 }] } },
	sub { { steps => [words(1 + rand 5), { close => 'reset' }] } },
	sub { { status => (500, 503, 429)[rand 3] } },
);

# ---- who asks

sub content ($n) { return "Question $n, 第${n}个问题" }
my @dialects = (
	sub ($key, $n) { ('/v1/chat/completions', { model => 'm-a', stream => \1,
	    store => $n % 2 ? \1 : \0,
	    messages => [{ role => 'user', content => content($n) }] }) },
	sub ($key, $n) { ("/copywriting/dialogue/sse/send-message/$assistant->{version}",
	    { speechUserDialogueMessage => { content => content($n) } }) },
	sub ($key, $n) { ('/studio/rag/data/v1/release:chat', { action => 1, stream => \1,
	    content => content($n), release_key => $assistant->{release_key} }) },
	sub ($key, $n) { ("/v1/openapi/chat", { content => content($n), stream => \1,
	    ibotID => $assistant->{id}, visitorId => "v$n" }) },
);

# Most hear it out, some leave, some stop it.
sub story ($n) {
	my $key = $keys[rand @keys];
	my ($path, $body) = $dialects[rand @dialects]->($key, $n);
	my ($fate, $patience) = (rand, int rand 20);
	return [POST => $path, json => $body, user => undef, timeout => 30,
	    headers => { Authorization => "Bearer $key", 'X-Stream-Ids' => 1 },
	    on_event => sub ($event, $leave) {
		return if $patience-- > 0;
		return $leave->() if $fate < 0.15;
		my ($turn) = ($event->{id} // '') =~ /^(\d+)-/;
		$p->post("/v1/streams/$turn/stop", user => undef,
		    headers => { Authorization => "Bearer $key" }) if $turn && $fate > 0.9;
		$fate = 0.5;
	}];
}

my %came;
for (my $n = 0; $n < $turns; $n += $BATCH) {
	$p->script('*', $answers[rand @answers]->()) for 1 .. 2 * $BATCH;
	my @batch = map { story($_) } $n .. $n + $BATCH - 1;
	# One of every other batch sees a worker die.
	if ($n / $BATCH % 2) {
		my $heard = $batch[0][-1];
		my $due = 2;
		$batch[0][-1] = sub ($event, $leave) {
			kill KILL => (shuffle @{ $p->pids->{workers} })[0] if !$due--;
			return $heard->($event, $leave);
		};
	}
	my @told = $p->streams(@batch);
	$came{ $_->{left} ? 'left' : $_->{aborted} ? 'cut off' : $_->code }++ for @told;
	$p->upstream->unscript;
	$p->heal(map { $_->{code} } $p->models);
}
diag 'they came to: ' . join ', ', map { "$_ $came{$_}" } sort keys %came;
cmp_ok $came{200} // 0, '>', $turns / 4, 'many heard it all';
$p->eventually('all is closed', sub {
	!@{ $p->sql("SELECT 1 FROM answer WHERE status = 'running'") } }, 30);

# ---- the books

sub row ($sql) { return $p->sql($sql)->[0] }

subtest 'the books' => sub {
	my $n = row('SELECT COUNT(*) AS n FROM answer')->{n};
	cmp_ok $n, '>', $turns / 2, "$n answers";
	is_deeply [map { $_->{status} } @{ $p->sql('SELECT DISTINCT status FROM answer'
	    . " WHERE status IN ('stop', 'stopped', 'error') ORDER BY CAST(status AS CHAR)") }],
	    [qw(error stop stopped)], 'of every kind';
	is row('SELECT SUM(amount) AS s FROM ledger')->{s},
	    row('SELECT SUM(cost) AS s FROM answer')->{s}, 'what was booked is what answers cost';
	is row('SELECT COUNT(*) AS n FROM answer a LEFT JOIN ledger l ON l.answer = a.id'
	    . ' JOIN turn t ON t.id = a.turn'
	    . ' WHERE l.id IS NULL OR NOT l.api_key <=> t.api_key')->{n},
	    0, 'each answer once, to the key that asked';
	is_deeply $p->sql('SELECT k.id, k.spent, k.reserved, (SELECT COALESCE(SUM(amount), 0)'
	    . ' FROM ledger WHERE api_key = k.id) AS booked FROM api_key k'
	    . ' HAVING spent <> booked OR reserved <> 0'), [], 'each key has spent what was booked';
	is row('SELECT COUNT(*) AS n FROM reservation')->{n}, 0, 'nothing is put aside any more';
};

subtest 'what upstreams counted' => sub {
	my $counted = $p->sql("SELECT DISTINCT prompt_tokens, completion_tokens FROM answer"
	    . " WHERE estimated = 0 AND status = 'stop'");
	is_deeply $counted, [{ prompt_tokens => 7, completion_tokens => 11 }], 'is what is booked';
	is row('SELECT COUNT(*) AS n FROM answer a JOIN model m ON m.id = a.model WHERE a.cost <>'
	    . ' CAST((a.prompt_tokens * m.price_in + a.completion_tokens * m.price_out) / 1000000'
	    . ' AS DECIMAL(24,10))')->{n}, 0, 'at the price of who answered';
};

# ---- many clients of one key

subtest 'two hundred at once' => sub {
	# Enough for some; each is estimated at more than a tenth of what it has.
	my ($key, $id) = $p->key(user => 'crowd', allowance => '0.02');
	$p->script('*', { times => 0, steps => [{ sleep => 0.3 }, { delta => 'x' }, @well] });
	my @told = $p->streams(map { [POST => '/v1/chat/completions', user => undef,
	    headers => { Authorization => "Bearer $key" }, timeout => 60,
	    json => { model => 'm-a', max_tokens => 1000, stream => \1,
	    messages => [{ role => 'user', content => "Crowd $_" }] }] } 1 .. 200);
	my %codes;
	$codes{ $_->code }++ for @told;
	is_deeply [sort keys %codes], [200, 402], 'some are let in, the others are told why';
	my $k = row("SELECT allowance >= spent + reserved AS fine, spent, reserved FROM api_key"
	    . " WHERE id = $id");
	is $k->{fine}, 1, "never more than it has: $k->{spent}";
	$p->eventually('and nothing is left aside', sub {
		row("SELECT reserved + 0 AS r FROM api_key WHERE id = $id")->{r} == 0
		    && !@{ $p->sql("SELECT 1 FROM reservation WHERE api_key = $id") } });
};

$p->no_errors_logged('no errors but those of who was killed', allow => [qr/worker/]);
done_testing;
