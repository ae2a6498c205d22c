package Bench::Rows;

# The rows: what each measures (on one side, once) and which figures come of it. The targets
# stand here and nowhere else.

use strict;
use warnings;

use List::Util qw(first sum);

use Bench::Proc qw(cpu family load pss);

my @STREAM_FAULTS = (
    'streams that failed, were silent, cut or not stored; misplaced deltas',
    qw(failed silent cut unstored gaps)
);

# Bench::Rows->new(sides, load => program, quick => flag, most => descriptors of a process)
sub new {
    my ($class, %arg) = @_;

    return bless {%arg}, $class;
}

# name => sides in turn, seconds of one measurement, how it is made, its figures
sub table {
    my ($self) = @_;
    my $q = $self->{quick};
    my $most = $q ? 500 : $self->{most} - 500 < 10000 ? $self->{most} - 500 : 10000;

    return (
        latency => {
            title   => '50 streams x 20 deltas/s',
            sides   => [qw(L H P)],
            seconds => $q ? 8 : 16,
            streams => 50,
            once    => sub {
                $self->plateau($_[0], streams => 50, pace => 'r20n4000',
                    rate => 100, settle => $q ? 1 : 3, window => $q ? 4 : 10);
            },
            figures => \&latency_figures,
        },
        throughput => {
            title   => $q ? '100 streams x 100 deltas/s' : '400 streams, 40,000 deltas/s offered',
            sides   => [qw(L H P)],
            seconds => $q ? 10 : 17,
            streams => $q ? 100 : 400,
            # Answers of 1,200 deltas that end by themselves, after the window.
            once => sub {
                $self->plateau($_[0], streams => $q ? 100 : 400,
                    pace => $q ? 'r100n1000' : 'r100n1200',
                    rate => 400, settle => $q ? 1 : 2, window => $q ? 4 : 8, drain => 20);
            },
            figures => \&throughput_figures,
        },
        open10k => {
            title   => "$most open streams x 1 delta/s",
            sides   => [qw(L P)],
            seconds => 30 + $most / 200,
            # L has no target here: it is seen once, for the other's sake.
            skip => sub { my ($side, $repeat) = @_; return $side eq 'L' && $repeat > 1 },
            once => sub {
                $self->plateau($_[0], streams => $most, pace => 'r1n1200', rate => 200,
                    settle => $q ? 2 : 4, window => $q ? 4 : 15, pss => 'Pss');
            },
            figures => \&open10k_figures,
        },
        short => {
            title   => 'Short requests, 16 kept connections',
            sides   => [qw(L H P)],
            seconds => $q ? 5 : 11,
            streams => 1,
            once    => sub { $self->requests($_[0], $q ? 1 : 3) },
            figures => \&short_figures,
        },
        leave => {
            title   => 'A client leaves in mid-answer (on_disconnect = cancel)',
            sides   => [qw(L H P)],
            seconds => 5,
            streams => 20,
            once    => sub { $self->leaves($_[0], $q ? 5 : 10) },
            figures => \&leave_figures,
        },
        stall => {
            title   => '50 streams x 20 deltas/s beside ten clients that stopped reading',
            sides   => [qw(P)],
            seconds => $q ? 45 : 55,
            once    => sub { $self->stalls($_[0], $q ? 4 : 8) },
            figures => \&stall_figures,
        },
        durable50 => {
            title   => 'What durability costs: 50 streams x 20 deltas/s, and whole turns',
            sides   => [qw(P)],
            seconds => $q ? 50 : 90,
            once    => sub {
                $self->durability($_[0], streams => 50, pace => 'r20n4000', rate => 100,
                    settle => $q ? 1 : 3, window => $q ? 4 : 8,
                    turns => $q ? { 1000 => 20, 20 => 100 } : { 1000 => 100, 20 => 400 });
            },
            figures => \&durable_figures,
        },
        durable1000 => {
            title   => 'What durability costs: 1,000 streams x 10 deltas/s',
            sides   => [qw(P)],
            seconds => $q ? 60 : 75,
            once    => sub {
                $self->durability($_[0], streams => $q ? 200 : 1000, pace => 'r10n4000',
                    rate => 200, settle => $q ? 1 : 4, window => $q ? 4 : 10);
            },
            figures => \&durable_figures,
        },
    );
}

# ---- measurements ----------------------------------------------------------------------------

# Opens streams on a side and measures them on the plateau, beside them perhaps some more that read
# or that stop reading, at a pace of their own: the load generator's figures, and
#   worker_us, nginx_us   CPU per delta of the side's processes and of nginx
#   pss                   KiB of the side's processes at the end (pss => field of the kernel's)
#   cut                   answers that had to come to their end and did not (drain)
#   unstored              streams whose answer is not in P's database
#   late_us, missed       how late the upstream was at worst, deltas that it left out
sub plateau {
    my ($self, $side, %o) = @_;
    my $s      = $self->{sides};
    my $more   = ($o{reading} // 0) + ($o{stalled} // 0);
    my @paces  = (($o{pace}) x $o{streams}, ($o{more_pace}) x $more);
    my @asking = $s->stream_options($side, $o{relay}, @paces);
    my ($count) = $o{pace} =~ /n(\d+)/;
    my (@workers, @nginx, %cpu, $pss);
    my $look = sub { $cpu{ $_[0] } = [cpu(@workers), cpu(@nginx)] };

    my $newest = $s->newest_answer($side);
    $s->upstream_stats;    # its maxima begin anew
    my $r = load(
        {
            open => sub {
                @workers = $s->workers($side);
                @nginx   = family($s->{pids}{nginx});
            },
            begin => sub { $look->('begin') },
            end   => sub { $look->('end'); $pss = pss($o{pss}, @workers) if $o{pss} },
        },
        $self->{load}, 'streams', @asking,
        '--streams', $o{streams} + ($o{reading} // 0), '--rate', $o{rate}, '--settle', $o{settle},
        '--window', $o{window}, '--count', $count, '--drain', $o{drain} // 0,
        $o{stalled} ? ('--stalled', $o{stalled}) : ()
    );
    my $stats = $s->upstream_stats;
    my ($worker, $nginx) =
        map { $r->{deltas} ? ($cpu{end}[$_] - $cpu{begin}[$_]) / $r->{deltas} * 1e6 : 0 } 0, 1;
    $r->{trouble} = 'the upstream was still answering 15 s later' unless $s->quiet;
    my $asked = $o{streams} + $more;
    # Those that were left in mid-answer are stored too, as far as they came.
    my $stored =
        $s->stored_answers($side, $newest, $asked, $o{relay}, $o{drain} ? $count : undef);
    return {
        %$r,
        pss       => $pss,
        worker_us => $worker,
        nginx_us  => $nginx,
        cut       => $o{drain} ? $o{streams} - $r->{whole} - $r->{failed} : 0,
        unstored  => $asked - $stored,
        late_us   => $stats->{late_us},
        missed    => $stats->{missed},
    };
}

# One address over and over: requests a second, latency, and CPU per request of the side's
# processes, of nginx and of the database.
sub get {
    my ($self, $side, $path, $window, @more) = @_;
    my $s   = $self->{sides};
    my %who = (
        worker => [$s->workers($side)],
        nginx  => [family($s->{pids}{nginx})],
        db     => [$s->{pids}{database} // ()],
    );
    my %cpu;
    my $r = load(
        {
            map {
                my $word = $_;
                $word => sub { $cpu{$_}{$word} = cpu(@{ $who{$_} }) for keys %who }
            } qw(begin end)
        },
        $self->{load}, 'get', '--port', $s->{ lc "${side}_port" }, '--path', $path,
        '--connections', 16, '--settle', 0.5, '--window', $window, @more
    );
    for (keys %who) {
        $r->{"${_}_us"} =
            $r->{requests} ? ($cpu{$_}{end} - $cpu{$_}{begin}) / $r->{requests} * 1e6 : 0;
    }
    $r->{trouble} = "$path: $r->{failed} failed: $r->{reply}" if $r->{failed};
    return $r;
}

# /healthz, and where there is a database /task/list, whose figures begin with list_. PHP-FPM's are
# taken once more without kept connections to it: those begin with each_.
sub requests {
    my ($self, $side, $window) = @_;
    my $s     = $self->{sides};
    my @tasks = $s->{pids}{parley} ? ('--header', 'userId: ' . $s->make_lister(3)) : ();
    my @plan  = (['', $side, $side eq 'H' ? '/healthz.php' : '/healthz']);
    my %r;

    push @plan, ['each_', 'E', '/healthz.php'] if $side eq 'H';
    push @plan, ['list_', 'P', '/task/list', @tasks] if $side eq 'P';
    if ($side eq 'H' && @tasks) {
        push @plan, ['list_',      'H', '/tasklist.php', @tasks];
        push @plan, ['each_list_', 'E', '/tasklist.php', @tasks];
    }
    for (@plan) {
        my ($prefix, $of, $path, @more) = @$_;
        my $one = $self->get($of, $path, $window, @more);
        $r{"$prefix$_"} = $one->{$_} for keys %$one;
        $r{refused} += $one->{failed};
        $r{trouble} //= $one->{trouble};
    }
    return \%r;
}

# Clients leave one after the other: from their close until the upstream sees it, ms each.
sub leaves {
    my ($self, $side, $times) = @_;
    my $s = $self->{sides};

    $s->upstream_get('/_aborts');
    my $r = load({}, $self->{load}, 'leave', $s->stream_options($side, 0, ('r20n4000') x $times),
        '--times', $times, '--deltas', 5);
    $s->quiet;
    my %seen = map { (split)[0, 1] } split /\n/, $s->upstream_get('/_aborts');
    my @ms   = map { $seen{ $_->[0] } ? ($seen{ $_->[0] } - $_->[1]) / 1e6 : () } @{ $r->{leaves} };

    $r->{trouble} = sprintf '%d of %d clients were not noticed to leave', $times - @ms, $times
        if @ms < $times;
    @ms = sort { $a <=> $b } @ms;
    return { %$r, ms => \@ms, worst_ms => $ms[-1], median_ms => $ms[@ms / 2] };
}

# The same streams alone, with ten more clients, and with those ten having stopped reading. The ten
# get 1,200 deltas at once, some 370 KiB: enough to fill every buffer on the way to them, Parley's
# own included; then they go on at the others' pace. Each time in workers that are new, as memory
# that was in use once stays with a process.
sub stalls {
    my ($self, $side, $window) = @_;
    my $k    = 10;
    my $more = 'r20n4000b1200';
    my %ways = (
        alone   => {},
        reading => { reading => $k, more_pace => $more },
        stalled => { stalled => $k, more_pace => $more },
    );
    my %r;

    for my $way (sort keys %ways) {
        $self->{sides}->renew($side);
        $r{$way} = $self->plateau($side, %{ $ways{$way} }, streams => 50, pace => 'r20n4000',
            rate => 100, settle => 6, window => $window, pss => 'Pss_Anon');
    }
    return {
        %r,
        kib         => ($r{stalled}{pss} - $r{alone}{pss}) / $k,
        kib_reading => ($r{reading}{pss} - $r{alone}{pss}) / $k,
        behind      => $k - $r{stalled}{caught_up},
        trouble     => (first { $_ } map { $_->{trouble} } values %r),
        map {
            my $name = $_;
            $name => sum(map { $_->{$name} } values %r)
        } qw(failed silent gaps unstored)
    };
}

# The ways a turn can go: only relayed, through the spool into the store, and with checkpoints for
# other hosts; each in new workers.
my %WAYS = (
    relay   => [1, cluster => 'false'],
    spool   => [0, cluster => 'false'],
    cluster => [0, cluster => 'true'],
);

# Each way: streams on the plateau, and where `turns` are wanted (deltas of an answer => how many
# of them), whole turns from the question to the store. CPU of all threads of the workers.
sub durability {
    my ($self, $side, %o) = @_;
    my $s     = $self->{sides};
    my $turns = delete $o{turns} // {};
    my %r;

    for my $way (sort keys %WAYS) {
        my ($relay, @set) = @{ $WAYS{$way} };
        $s->renew($side, @set);
        $r{$way} = $self->plateau($side, %o, relay => $relay);
        for my $deltas (sort keys %$turns) {
            my $n       = $turns->{$deltas};
            my @workers = $s->workers($side);
            my $before  = cpu(@workers);
            my $whole   = $self->plateau($side, streams => $n, pace => "r400n$deltas",
                rate => $n / 4, settle => 0.1, window => 0.1, drain => 20, relay => $relay);
            $r{$way}{"turn${deltas}_us"} = (cpu(@workers) - $before) / $n * 1e6;
            $r{$way}{$_} += $whole->{$_} for qw(failed silent gaps unstored);
            $r{$way}{trouble} //= $whole->{trouble};
        }
    }
    return {
        %r,
        trouble => (first { $_ } map { $_->{trouble} } values %r),
        map {
            my $name = $_;
            $name => sum(map { $_->{$name} } values %r)
        } qw(failed silent gaps unstored)
    };
}

# ---- figures ---------------------------------------------------------------------------------
# Each: what it is, its unit, for each side the values of the repeats; what is judged (`of`, the
# values of the repeats), how (op, limit), and by which accounting (cpu binds; clock is beside it).

sub column {
    my ($of, $side, $name) = @_;

    return [map { $_->{$name} // () } @{ $of->{$side} // [] }];
}

sub columns {
    my ($of, $name, $scale) = @_;

    return { map { $_ => [map { $_ * ($scale // 1) } @{ column($of, $_, $name) }] } keys %$of };
}

# Repeat by repeat, a / b.
sub ratio {
    my ($a, $b) = @_;
    my $n = @$a < @$b ? @$a : @$b;

    return [map { $b->[$_] ? $a->[$_] / $b->[$_] : () } 0 .. $n - 1];
}

sub compared {
    my ($what, $unit, $by, $values, $over, $under, $op, $limit) = @_;

    return {
        what   => $what, unit => $unit, by => $by, values => $values,
        of     => ratio($values->{$over} // [], $values->{$under} // []),
        as     => "$over/$under", op => $op, limit => $limit,
    };
}

# What must not happen at all; the fields that count it.
sub faults {
    my ($of, $what, @names) = @_;
    my %values;

    for my $side (keys %$of) {
        $values{$side} = [map { sum(map { $_ // 0 } @$_{@names}) } @{ $of->{$side} }];
    }
    return {
        what => $what, unit => '', by => 'count',
        values => \%values, of => $values{P} // [], op => '<=', limit => 0, worst => 1,
    };
}

sub latency_figures {
    my ($of) = @_;

    return (
        compared('delay p50', 'us', 'clock', columns($of, 'p50_us'), qw(P L <= 2.3)),
        compared('delay p99', 'us', 'clock', columns($of, 'p99_us'), qw(P L <= 3)),
        compared('worker CPU per delta', 'us', 'cpu', columns($of, 'worker_us'), qw(P H <= 0.75)),
        {
            what => 'deltas delayed by 38 to 45 ms', unit => '%', by => 'clock',
            values => columns($of, 'step40', 100),
            of => [map { $_ * 100 } @{ column($of, 'P', 'step40') }], op => '<=', limit => 0.1,
        },
        { what => 'nginx CPU per delta', unit => 'us', values => columns($of, 'nginx_us') },
        faults($of, @STREAM_FAULTS),
    );
}

sub throughput_figures {
    my ($of) = @_;

    return (
        compared('deltas/s', '', 'clock', columns($of, 'rate'), qw(P L >= 0.99)),
        compared('worker CPU per delta', 'us', 'cpu', columns($of, 'worker_us'), qw(P H <= 0.6)),
        compared('delay p50', 'us', 'clock', columns($of, 'p50_us'), qw(P L <= 4)),
        { what => 'delay p99', unit => 'us', values => columns($of, 'p99_us') },
        { what => 'nginx CPU per delta', unit => 'us', values => columns($of, 'nginx_us') },
        faults($of, @STREAM_FAULTS),
    );
}

sub open10k_figures {
    my ($of) = @_;
    my $each = [map { $_->{pss} / $_->{streams} } @{ $of->{P} // [] }];

    return (
        faults($of, @STREAM_FAULTS),
        {
            what => 'worker memory (Pss) per stream', unit => 'KiB', by => 'count',
            values => { P => $each }, of => $each, op => '<=', limit => 32,
        },
        { what => 'delay p50', unit => 'us', values => columns($of, 'p50_us') },
        { what => 'delay p99', unit => 'us', values => columns($of, 'p99_us') },
        {
            what => 'from request to first bytes, p50', unit => 'ms',
            values => columns($of, 'begin_p50_us', 0.001),
        },
    );
}

# Only the sides that have workers.
sub worked {
    my ($of, $name) = @_;

    return columns({ map { $_ => $of->{$_} } grep { $_ ne 'L' } keys %$of }, $name);
}

# H's values of one name beside P's of another.
sub beside {
    my ($of, $h, $p) = @_;

    return { H => column($of, 'H', $h), P => column($of, 'P', $p) };
}

sub short_figures {
    my ($of) = @_;
    my $rate  = columns($of, 'rate');
    my $whole = {
        map {
            my $side = $_;
            $side => [map { $_->{worker_us} + $_->{nginx_us} } @{ $of->{$side} }]
        } keys %$of
    };

    return (
        compared('/healthz: requests/s, L = `return 200`', '', 'clock', $rate, qw(P L >= 0.33)),
        { what => '/healthz: nginx and worker CPU', unit => 'us', values => $whole },
        compared('/healthz: worker CPU', 'us', 'cpu', worked($of, 'worker_us'), qw(H P >= 2)),
        compared('/healthz: requests/s', '', 'clock', $rate, qw(P H >= 2)),
        compared('/healthz: requests/s, H not kept', '', 'clock',
            beside($of, qw(each_rate rate)), qw(P H)),
        compared('/task/list: worker CPU', 'us', 'cpu', worked($of, 'list_worker_us'),
            qw(H P >= 2)),
        compared('/task/list: requests/s', '', 'clock', worked($of, 'list_rate'), qw(P H >= 2)),
        compared('/task/list: requests/s, H not kept', '', 'clock',
            beside($of, qw(each_list_rate list_rate)), qw(P H)),
        { what => '/task/list: database CPU', unit => 'us', values => worked($of, 'list_db_us') },
        faults($of, 'failed requests', 'refused'),
    );
}

sub leave_figures {
    my ($of) = @_;
    my $worst = columns($of, 'worst_ms');

    return (
        {
            what => 'slowest leaving, from close() to the upstream', unit => 'ms', by => 'clock',
            values => $worst, of => $worst->{P} // [], op => '<=', limit => 5,
        },
        { what => 'median leaving', unit => 'ms', values => columns($of, 'median_ms') },
        faults($of, 'failed streams', 'failed'),
    );
}

sub durable_figures {
    my ($of) = @_;
    my @p = @{ $of->{P} // [] };
    my @figures;

    # The targets are for answers of 1,000 deltas and more; a short one is shown beside them.
    for my $what (['worker_us', 'delta', 1], ['turn1000_us', 'turn of 1,000 deltas', 1],
        ['turn20_us', 'turn of 20 deltas', 0])
    {
        my ($name, $unit, $judged) = @$what;
        my %us;
        for my $way (qw(relay spool cluster)) {
            $us{$way} = [map { $_->{$way}{$name} // () } @p];
        }
        next unless @{ $us{relay} };
        push @figures,
            {
                what => "worker CPU per $unit, only relayed", unit => 'us',
                values => { P => $us{relay} },
            },
            {
                what => "worker CPU per $unit, spooled and stored", unit => 'us',
                values => { P => $us{spool} }, of => ratio(@us{qw(spool relay)}),
                as => 'spool/relay', by => 'cpu', $judged ? (op => '<=', limit => 1.15) : (),
            },
            {
                what => "worker CPU per $unit, with checkpoints", unit => 'us',
                values => { P => $us{cluster} }, of => ratio(@us{qw(cluster relay)}),
                as => 'cluster/relay', by => 'cpu', $judged ? (op => '<=', limit => 1.4) : (),
            };
    }
    return (@figures, faults($of, 'streams that failed, were silent or not stored; misplaced deltas',
        qw(failed silent gaps unstored)));
}

sub stall_figures {
    my ($of) = @_;
    my @p = @{ $of->{P} // [] };
    my %p50;

    for my $way (qw(alone reading stalled)) {
        $p50{$way} = [map { $_->{$way}{p50_us} } @p];
    }
    return (
        { what => 'delay p50, alone', unit => 'us', values => { P => $p50{alone} } },
        { what => 'delay p50, ten more read', unit => 'us', values => { P => $p50{reading} } },
        {
            what => 'delay p50, ten more stalled', unit => 'us', values => { P => $p50{stalled} },
            of   => ratio(@p50{qw(stalled alone)}), medians => [@p50{qw(stalled alone)}],
            as   => 'stalled/alone', op => '<=', limit => 1.2, by => 'clock',
        },
        {
            what => 'memory (Pss_Anon) added by one that reads', unit => 'KiB',
            values => { P => column($of, 'P', 'kib_reading') },
        },
        {
            what => 'memory (Pss_Anon) added by one that stalled', unit => 'KiB', by => 'count',
            values => { P => column($of, 'P', 'kib') }, of => column($of, 'P', 'kib'),
            op => '<=', limit => 64,
        },
        faults($of, 'failed streams, misplaced deltas, clients that never caught up',
            qw(failed silent gaps unstored behind)),
    );
}

1;
