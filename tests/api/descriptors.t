#!/usr/bin/perl
# Too many open files: who comes then is told so or waits, what runs goes on, and with room again
# all is as before.

use v5.36;
use utf8;

use ParleyTest;
use ParleyTest::Arena;
use ParleyTest::Process;
use Mojo::IOLoop;
use Test::More;

my $p = ParleyTest->new(models => 2, workers => 1);
my ($worker) = @{ $p->pids->{workers} };
my ($usual) = ParleyTest::Process::slurp("/proc/$worker/limits") =~ /^Max open files\s+(\d+)/m;
my $words = join '', map { "$_ " } 1 .. 60;

sub speak () {
	$p->script('*', { times => 0, steps => [
	    map({ ({ delta => "$_ " }, { sleep => 0.05 }) } 1 .. 60), { finish => 'stop' },
	    { done => 1 }] });
	return;
}

sub descriptors () { return scalar(() = glob "/proc/$worker/fd/*") }

sub limit ($most) {
	system('prlimit', '--pid', $worker, "--nofile=$most:") == 0
	    or BAIL_OUT('prlimit does not work');
	return;
}

sub whole ($s) {
	return 2 == grep { $_->{text} eq $words && $_->{finish} eq 'stop' }
	    values %{ $p->lanes($s->events) };
}

speak();
my ($task, $full, @late) = ($p->task);
# A few connections and no more: some are let in and cannot ask a model, others have to wait until
# there is room.
my $fill = sub ($event, $leave) {
	return if $full++;
	limit(descriptors() + 3);
	Mojo::IOLoop->timer(4 => sub { limit($usual) });
};
my ($first, @others) = $p->streams(
    [POST => '/conv/chat', json => body($p, 'first', task => $task), on_event => $fill],
    map({ [POST => '/conv/chat', json => body($p, "no. $_", task => $task),
	headers => { 'X-Request-Id' => "late-$_" }, timeout => 40] } 1 .. 12));

ok whole($first), 'what runs goes on to its end';
my %how;
for my $s (@others) {
	my @ends = map { $_->{finish} // 'cut' } values %{ $p->lanes($s->events) };
	$how{ $s->code == 200 ? join '+', sort @ends : $s->code }++;
}
diag 'the others: ' . join ', ', map { "$_ $how{$_}" } sort keys %how;
is_deeply [grep { !/^(?:5\d\d|(?:stop|error)\+(?:stop|error))$/ } keys %how], [],
    'each gets an answer, or is told that there is none';
$p->eventually('every turn is closed', sub {
	!@{ $p->sql('SELECT 1 FROM turn WHERE ended_ms IS NULL') } }, 20);
my ($sums) = @{ $p->sql('SELECT (SELECT SUM(amount) FROM ledger) - (SELECT SUM(cost) FROM answer)'
    . ' AS off') };
is $sums->{off} + 0, 0, 'the ledger balances';

$p->heal(map { $_->{code} } $p->models);
my (undef, undef, $again) = begin($p, 'again');
ok whole($again), 'with room again all is well';
is $p->pids->{workers}[0], $worker, 'in the same worker';
$p->no_errors_logged('and the log says why',
    allow => [qr/no connection|Too many open files|too many/i]);
done_testing;
