package ParleyTest::Process;

# Child processes of a test: run to their end, or kept beside it; and the promise that whatever
# was started is ended with the test, however that ends.

use v5.36;

use Carp         qw(croak);
use Config       ();
use POSIX        ();
use Scalar::Util qw(refaddr weaken);
use Time::HiRes  qw(sleep time);

my $OWNER = $$;
my %guarded;            # address -> object with a tear_down method, weak
my @order;

# Promises to call $object->tear_down at the end of the program, the youngest object first, unless
# the object is gone by then (its own DESTROY has called it). INT, TERM and HUP are ends like
# others.
sub guard ($object) {
	weaken($guarded{ refaddr $object } = $object);
	push @order, refaddr $object;
	my %number;
	@number{ split ' ', $Config::Config{sig_name} } = split ' ', $Config::Config{sig_num};
	for my $name (qw(INT TERM HUP)) {
		$SIG{$name} //= sub { exit 128 + $number{$name} };
	}
	return;
}

# True in the process that started the test, false in its forked children.
sub is_owner () { return $$ == $OWNER }

END {
	if (is_owner()) {
		local ($?, $@, $!);
		for my $address (reverse @order) {
			my $object = delete $guarded{$address} or next;
			eval { $object->tear_down; 1 } or warn $@;
		}
	}
}

# Starts a program. Named: stdin (text, default none), stdout, stderr (file names, default
# /dev/null), env (added to the environment; undef removes). Returns the process id.
sub start ($command, %o) {
	my $pid = fork // croak "fork: $!";
	return $pid if $pid;

	# From here on only exec or _exit: the test's END blocks are the parent's.
	local $SIG{__DIE__} = local $SIG{__WARN__} = 'DEFAULT';
	$SIG{$_} = 'DEFAULT' for qw(INT TERM HUP PIPE CHLD);
	for my $name (keys %{ $o{env} // {} }) {
		if (defined $o{env}{$name}) { $ENV{$name} = $o{env}{$name} }
		else { delete $ENV{$name} }
	}
	eval {
		reopen(0, '<', $o{stdin}  // '/dev/null');
		reopen(1, '>', $o{stdout} // '/dev/null');
		reopen(2, '>', $o{stderr} // '/dev/null');
		no warnings 'exec';
		exec { $command->[0] } @$command;
	};
	syswrite STDERR, "$command->[0]: " . ($@ || "$!\n");
	POSIX::_exit(127);
}

# Opened and moved by number: the test may have its STDOUT tied or closed.
sub reopen ($fd, $mode, $file) {
	my $flags = $mode eq '<' ? POSIX::O_RDONLY()
	    : POSIX::O_WRONLY() | POSIX::O_CREAT() | POSIX::O_APPEND();
	my $new = POSIX::open($file, $flags, 0600) // die "$file: $!\n";
	POSIX::dup2($new, $fd) // die "dup2: $!\n";
	POSIX::close($new) if $new != $fd;
	return;
}

# Runs a program to its end. Named: stdin (text), env, seconds (120), dir (for scratch files).
# Returns (exit, stdout, stderr) as bytes; exit is 128 + signal, or 124 when it took too long.
sub capture ($command, %o) {
	my $base = sprintf '%s/run-%d-%d', $o{dir} // '/tmp', $$, ++state $n;
	my %file = map { $_ => "$base.$_" } qw(in out err);

	spew($file{in}, $o{stdin} // '');
	my $pid = start($command, env => $o{env}, stdin => $file{in}, stdout => $file{out},
		stderr => $file{err});
	my $status = wait_for($pid, $o{seconds} // 120);
	my $exit = defined $status ? ($status & 127 ? 128 + ($status & 127) : $status >> 8) : 124;
	stop($pid) unless defined $status;
	my ($out, $err) = map { slurp($file{$_}) } qw(out err);
	unlink values %file;
	return ($exit, $out, $err);
}

# Waits for a child; its status, or undef when it still runs after that many seconds.
sub wait_for ($pid, $seconds) {
	my $until = time + $seconds;
	while (1) {
		my $got = waitpid $pid, POSIX::WNOHANG();
		return $? if $got == $pid;
		return 0  if $got == -1;
		return undef if time > $until;
		sleep 0.005;
	}
}

# Ends a child: TERM, and KILL when it does not obey within 5 seconds.
sub stop ($pid) {
	kill TERM => $pid or return;
	return if defined wait_for($pid, 5);
	kill KILL => $pid;
	wait_for($pid, 5);
	return;
}

# A free port of the loopback, below those that the kernel hands to clients.
sub free_port () {
	require IO::Socket::INET;
	state $next = 20_000 + $$ * 7 % 10_000;
	for (1 .. 1000) {
		my $port = 20_000 + $next++ % 12_000;
		my %local = (LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 1);
		return $port if IO::Socket::INET->new(%local);
	}
	croak 'no free port between 20000 and 32000';
}

sub slurp ($file) {
	open my $fh, '<:raw', $file or return '';
	local $/;
	return scalar(<$fh>) // '';
}

sub spew ($file, $bytes) {
	open my $fh, '>:raw', $file or croak "$file: $!";
	print {$fh} $bytes;
	close $fh or croak "$file: $!";
	return;
}

1;
