package Bench::Soak::Watch;

# Samples of the service while it is at work, into a file of comma-separated values and kept.

use strict;
use warnings;

use File::Find ();
use IO::Handle;
use Mojo::JSON qw(decode_json);
use Time::HiRes qw(time);

use Bench::Proc qw(pss);

my @OF_EACH = qw(pss_anon_kib pss_kib descriptors threads);
my @OF_ALL  = qw(streams turns_running turns_done db_connections spool_bytes errors warnings);

# Bench::Soak::Watch->new(sides, file => where to, streams => code that counts those open)
sub new {
    my ($class, %arg) = @_;
    my $self = bless { %arg, began => time, samples => [], at => 0, lines => {} }, $class;

    $self->{workers} = [$self->workers];
    open $self->{out}, '>', $self->{file} or die "$self->{file}: $!\n";
    $self->{out}->autoflush;
    print { $self->{out} } join(',', 'seconds',
        (map { my $n = $_; map {"worker${n}_$_"} @OF_EACH } 1 .. @{ $self->{workers} }), @OF_ALL),
        "\n";
    return $self;
}

# The workers by pid; the master is not one.
sub workers {
    my ($self) = @_;
    my $master = $self->{sides}{pids}{parley};
    return sort { $a <=> $b } grep { $_ != $master } $self->{sides}->workers('P');
}

sub count {
    my ($dir) = @_;
    opendir my $d, $dir or return 0;
    return scalar grep { !/^\./ } readdir $d;
}

# How many of the process's descriptors are connections to the upstream.
sub to_upstream {
    my ($self, $pid) = @_;
    my $port = sprintf '%04X', $self->{sides}{upstream_port};
    my %inode;

    open my $f, '<', "/proc/$pid/net/tcp" or return 0;
    while (my $line = <$f>) {
        my @field = split ' ', $line;
        $inode{"socket:[$field[9]]"} = 1 if $field[2] =~ /:$port$/;
    }
    return scalar grep { $inode{ readlink($_) // '' } } glob "/proc/$pid/fd/*";
}

sub spool_bytes {
    my ($self) = @_;
    my $bytes = 0;

    File::Find::find({
            no_chdir => 1,
            wanted   => sub { $bytes += 512 * ((stat)[12] // 0) if -f },
        },
        grep { -d } "$self->{sides}{dir}/parley/state/spool"
    );
    return $bytes;
}

# Reads on in the log: counts errors and warnings by what they say. What is no line of the log
# (a sanitizer, an assertion) is an error.
sub read_log {
    my ($self) = @_;

    open my $f, '<', "$self->{sides}{dir}/parley/log/parley.log" or die "parley.log: $!\n";
    seek $f, $self->{at}, 0;
    while (my $line = <$f>) {
        last unless $line =~ /\n$/;
        $self->{at} += length $line;
        my $said = eval { decode_json($line) } // { level => 'error', msg => $line };
        next unless $said->{level} =~ /^(?:warn|error)/;
        my $why = $said->{kind} // $said->{why} // $said->{error};
        $self->{lines}{ $said->{level} }{ $said->{msg} . (defined $why ? ": $why" : '') }++;
    }
}

# level => {what => how often}
sub log_lines { return $_[0]{lines} }

sub look {
    my ($self) = @_;
    my %s = (seconds => time - $self->{began});

    $s{workers} = [
        map { {
                pid         => $_,
                pss_anon_kib => pss('Pss_Anon', $_),
                pss_kib     => pss('Pss', $_),
                descriptors => count("/proc/$_/fd"),
                threads     => count("/proc/$_/task"),
        } } @{ $self->{workers} }
    ];
    @s{qw(turns_running turns_done db_connections)} = split ' ', $self->{sides}->sql(
        'SELECT (SELECT COUNT(*) FROM turn WHERE ended_ms IS NULL),'
            . ' (SELECT COUNT(*) FROM turn WHERE ended_ms IS NOT NULL),'
            . ' (SELECT COUNT(*) - 1 FROM information_schema.processlist)'
    );
    $self->read_log;
    $s{streams}     = $self->{streams}->();
    $s{spool_bytes} = $self->spool_bytes;
    $s{errors}      = total($self->{lines}{error});
    $s{warnings}    = total($self->{lines}{warn});
    return \%s;
}

sub total {
    my ($of) = @_;
    my $n = 0;

    $n += $_ for values %{ $of // {} };
    return $n;
}

# One more sample, kept and written.
sub sample {
    my ($self) = @_;
    my $s = $self->look;

    push @{ $self->{samples} }, $s;
    print { $self->{out} } join(',', sprintf('%.0f', $s->{seconds}),
        (map { my $w = $_; map { $w->{$_} } @OF_EACH } @{ $s->{workers} }), @$s{@OF_ALL}), "\n";
    return $s;
}

# A field over all workers, of each sample: [seconds, value]…
sub series {
    my ($self, $field) = @_;

    return map { my $s = $_; [$s->{seconds}, of($s, $field)] } @{ $self->{samples} };
}

sub of {
    my ($s, $field) = @_;
    my $sum = 0;

    return $s->{$field} if defined $s->{$field};
    $sum += $_->{$field} for @{ $s->{workers} };
    return $sum;
}

1;
