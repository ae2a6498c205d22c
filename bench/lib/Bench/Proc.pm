package Bench::Proc;

# Processes of the bench: starting and ending them, and what the kernel says they used.

use strict;
use warnings;

use Encode qw(decode_utf8);
use Exporter 'import';
use IO::Handle;
use IO::Socket::INET;
use JSON::PP;
use POSIX ();
use Time::HiRes qw(sleep time);

our @EXPORT_OK = qw(cpu end_all family free_port job load pss spawn within);

my %started;    # pid -> 1: leaders of process groups of our own

# spawn(log, command…): in a process group of its own, its output in the log; the pid.
sub spawn {
    my ($log, @command) = @_;
    my $pid = fork // die "fork: $!\n";

    if ($pid == 0) {
        POSIX::setpgid(0, 0);
        open STDIN,  '<',  '/dev/null' or POSIX::_exit(71);
        open STDOUT, '>>', $log        or POSIX::_exit(73);
        open STDERR, '>&', \*STDOUT    or POSIX::_exit(73);
        exec { $command[0] } @command or print STDERR "$command[0]: $!\n";
        POSIX::_exit(69);
    }
    $started{$pid} = 1;
    return $pid;
}

# Waits until the code is true: its value, or dies with what was waited for.
sub within {
    my ($seconds, $what, $code) = @_;
    my $until = time + $seconds;

    while (time < $until) {
        my $value = $code->();
        return $value if $value;
        sleep 0.02;
    }
    die "$what: not within $seconds s\n";
}

# Ends all that spawn started, each by its own group.
sub end_all {
    for my $signal (qw(TERM KILL)) {
        kill $signal => $_ for keys %started;
        kill $signal => map { -$_ } keys %started if $signal eq 'KILL';
        my $until = time + 5;
        while (%started && time < $until) {
            for my $pid (keys %started) {
                delete $started{$pid} if waitpid($pid, POSIX::WNOHANG()) != 0;
            }
            sleep 0.02 if %started;
        }
    }
}

# Ends one of them before.
sub end_one {
    my ($pid) = @_;

    kill TERM => $pid;
    waitpid $pid, 0;
    delete $started{$pid};
}

# Is a process of ours still there?
sub running { my ($pid) = @_; return waitpid($pid, POSIX::WNOHANG()) == 0 }

sub slurp {
    my ($file) = @_;
    open my $f, '<', $file or return '';
    local $/ = undef;
    return scalar <$f> // '';
}

# The processes and all that descend from them.
sub family {
    my %in = map { $_ => 1 } @_;
    my %parent;

    for my $dir (glob '/proc/[0-9]*') {
        my ($pid) = $dir =~ /(\d+)$/;
        $parent{$pid} = $1 if slurp("$dir/stat") =~ /.*\) \S (\d+)/s;
    }
    my $more = 1;
    while ($more) {
        my @new = grep { !$in{$_} && $in{ $parent{$_} } } keys %parent;
        @in{@new} = (1) x @new;
        $more = @new;
    }
    return grep { exists $parent{$_} } keys %in;
}

# Seconds of CPU that all threads of these processes have used, by the scheduler's own count.
sub cpu {
    my $ns = 0;

    for my $pid (@_) {
        $ns += (split ' ', slurp("$_/schedstat") || 0)[0] for glob "/proc/$pid/task/[0-9]*";
    }
    return $ns / 1e9;
}

# KiB that these processes have in memory, shared pages divided among those who share: all (Pss),
# or without what is mapped from files (Pss_Anon), whose share depends on who else runs.
sub pss {
    my ($field, @pids) = @_;
    my $kib = 0;

    for my $pid (@pids) {
        $kib += $1 if slurp("/proc/$pid/smaps_rollup") =~ /^$field:\s+(\d+)/m;
    }
    return $kib;
}

# A TCP port that is free, below those that outgoing connections take.
sub free_port {
    for (1 .. 100) {
        my $port   = 10000 + int rand 20000;
        my $socket = IO::Socket::INET->new(
            LocalAddr => '127.0.0.1',
            LocalPort => $port,
            Listen    => 1,
            ReuseAddr => 1
        );
        return $port if $socket;
    }
    die "no free port\n";
}

# job(command…): the bytes of its output, or dies with what it said.
sub job {
    my (@command) = @_;
    my $pid = open(my $out, '-|') // die "fork: $!\n";

    if ($pid == 0) {
        open STDIN,  '<',  '/dev/null' or POSIX::_exit(71);
        open STDERR, '>&', \*STDOUT    or POSIX::_exit(71);
        exec { $command[0] } @command or print "$command[0]: $!\n";
        POSIX::_exit(69);
    }
    my $said = do { local $/ = undef; <$out> // '' };
    close $out or die "@command[0 .. ($#command > 2 ? 2 : $#command)]: " . decode_utf8($said);
    return $said;
}

# load({word => code…}, command…): runs the load generator, calls the code of each word that it
# says, and gives the figures of its last line. While code runs, the load goes on.
sub load {
    my ($on, @command) = @_;
    pipe my $in,   my $hold or die "pipe: $!\n";
    pipe my $said, my $out  or die "pipe: $!\n";
    my $pid = fork // die "fork: $!\n";

    if ($pid == 0) {
        open STDIN,  '<&', $in  or POSIX::_exit(71);
        open STDOUT, '>&', $out or POSIX::_exit(71);
        exec { $command[0] } @command or POSIX::_exit(69);
    }
    close $in;
    close $out;
    my $last = '';
    while (my $line = <$said>) {
        chomp($last = $line);
        $on->{$last}->() if $on->{$last};
        close $hold if $last eq 'end';
    }
    waitpid $pid, 0;
    die "load: exit code " . ($? >> 8) . "\n" if $? != 0;
    return decode_json($last);
}

1;
