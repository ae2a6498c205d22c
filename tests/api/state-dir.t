#!/usr/bin/perl
# What happens to the service when something happens to its state_dir: it is removed, or its disk is
# really full. Clients and store agree, what is new is refused, and nobody dies.

use v5.36;
use utf8;

use ParleyTest;
use ParleyTest::Arena;
use ParleyTest::Process;
use Test::More;
use Time::HiRes qw(sleep);

my $p = ParleyTest->new(models => 2, workers => 2);
my $state = "$p->{stack}/state";
my $mounted;
END { system 'umount', '-l', $mounted if defined $mounted }

sub speak ($n, $gap) {
	$p->upstream->unscript;
	$p->script('*', { times => 0, steps => [
	    map({ ({ delta => "$_ " }, { sleep => $gap }) } 1 .. $n), { finish => 'stop' },
	    { done => 1 }] });
	return;
}

sub ready () { return $p->get('/readyz')->code }

# Each lane as its client was told, and as it is stored.
sub agree ($s, $name) {
	my $lanes = $p->lanes($s->events);
	my %told = map { $_ => $lanes->{$_}{finish} } keys %$lanes;
	my %stored = map { $_->{mask} => $_->{status} } @{ $p->sql('SELECT l.mask, a.status'
	    . ' FROM answer a JOIN lane l ON l.session = a.session AND l.lane = a.lane'
	    . ' WHERE a.turn = ?', $s->header('x-stream-id')) };
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is_deeply \%told, \%stored, $name;
}

subtest 'the state directory is emptied' => sub {
	speak(40, 0.05);
	my $removed;
	my $s = $p->stream(POST => '/conv/chat', json => body($p, 'running'), on_event => sub {
		return if $removed++;
		system 'rm', '-rf', glob "$state/*";
	});
	agree($s, 'what its client is told is what is stored');
	$p->eventually('the service says that it is not well', sub { ready() == 503 });
	refused $p->post('/conv/chat', json => body($p, 'more')), 503, qr/state_dir/,
	    'no more questions';
	my @workers = sort @{ $p->pids->{workers} };
	kill HUP => $p->pids->{master};
	$p->eventually('a reload is refused', sub {
		grep { $_->{msg} eq 'not reloaded' } $p->log_lines });
	sleep 0.5;
	is_deeply [sort @{ $p->pids->{workers} }], \@workers, 'the workers stay';
	is $p->get('/task/list')->code, 200, 'and serve';
	$p->down;
	$p->up;
	speak(2, 0);
	my (undef, undef, $again) = begin($p, 'again');
	agree($again, 'after a restart all is well');
	is ready(), 200, 'as it says';
};

subtest 'the disk is full' => sub {
	my $disk = "$p->{stack}/disk";
	mkdir $disk or die "mkdir: $!";
	plan skip_all => 'only root can mount a small disk' if $>
	    || system("mount -t tmpfs -o size=80m,mode=0700 tmpfs $disk 2>/dev/null");
	$mounted = $disk;
	is +($p->stack('up', '--set', "state_dir=$disk/state"))[0], 0,
	    'a state_dir on a small disk';
	my $pids = $p->pids;
	speak(60, 0.05);
	my $filled;
	my $s = $p->stream(POST => '/conv/chat', json => body($p, 'running'), on_event => sub {
		return if $filled++;
		system "dd if=/dev/zero of=$disk/fill bs=4k 2>/dev/null";
	});
	agree($s, 'what runs ends as it is stored');
	is_deeply [map { $_->{finish} } values %{ $p->lanes($s->events) }], [qw(stop stop)],
	    'well';
	is_deeply [grep { $p->get('/task/list', user => "new$_")->code != 200 } 1 .. 40], [],
	    'who asks is served';
	$p->get('/metrics');
	is_deeply $p->pids, $pids, 'nobody has died';
	unlink "$disk/fill";
	$p->eventually('with disk again it is ready', sub { ready() == 200 });
	speak(2, 0);
	my (undef, undef, $again) = begin($p, 'again');
	agree($again, 'and answers');
	$p->down;
	system 'umount', $mounted;
	undef $mounted;
};

$p->no_errors_logged('no other error', allow => [
	qr/the spool was removed|the spool is damaged|cannot be stored as it was said/,
	qr/the disk of state_dir is full|not reloaded|the spool cannot be written/]);
done_testing;
