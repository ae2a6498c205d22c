package Bench::Soak::Judge;

# What the load has left: what clients heard against what is stored, and the rows of the page, each
# [what, found, wanted or nothing, whether it holds or undef].

use strict;
use warnings;

use Encode qw(encode_utf8);
use List::Util qw(max);

use Bench::Soak::Page qw(median number sixth slope);
use Bench::Soak::Plain;
use Bench::Soak::Watch;

my $GROWTH = 1.05;    # of the medians, the last sixth of the time against the second
my $SPARE  = 16;      # descriptors that a rested worker may have more than a new one
my $SHOWN  = 10;      # of a list of what is wrong

# Bench::Soak::Judge->new(sides, plain, unruly, watch, seconds, streams => wanted,
# start, end => looks before and after, rested => descriptors after that are no connections to the
# upstream, upstream => its figures)
sub new {
    my ($class, %arg) = @_;

    return bless {%arg}, $class;
}

# (\@rows, what else there is to say as Markdown)
sub judge {
    my ($self) = @_;
    my $wrong = { %{ $self->{unruly}->wrong }, %{ $self->{plain}{wrong} // {} } };
    my $log = $self->{watch}->log_lines;
    my @plain = $self->compare_plain;
    my @crowd = $self->compare_crowd;
    my @rows = (
        $self->of_load,
        ['kinds of request answered otherwise than they should be', count_of($wrong), 0, !%$wrong],
        $self->of_answers(\@plain, \@crowd),
        ['errors in the log', Bench::Soak::Watch::total($log->{error}), 0, !$log->{error}],
        $self->of_workers,
    );
    my @logged = map { in_words($_, $log->{$_}) } sort keys %$log;

    return (\@rows,
        join '', list_of(in_words('answered', $wrong)), list_of(@{ $plain[1] }),
        list_of(@{ $crowd[1] }), list_of(@logged));
}

sub count_of { return scalar keys %{ $_[0] } }

sub list_of {
    my @what = @_;
    my $more = @what - $SHOWN;

    splice @what, $SHOWN, $more, "and $more more" if $more > 0;
    return join '', map {"- $_\n"} @what;
}

sub in_words {
    my ($name, $of) = @_;

    return map {"$name: $_ ($of->{$_} times)"} sort keys %{ $of // {} };
}

# ---- what the store has

# Is every answer there as it was heard? (number of answers, [what is wrong…])
sub compare_plain {
    my ($self) = @_;
    my $stories = $self->{plain}->stories;
    my (%row, @wrong);

    for (split /\n/, $self->{sides}->sql(<<'END')) {
SELECT t.question, a.status, COALESCE(LENGTH(a.text) - LENGTH(REPLACE(a.text, '@', '')), 0)
FROM turn t JOIN answer a ON a.turn = t.id WHERE t.question LIKE 'soak %'
END
        my ($n, $status, $stamps) = /^soak (\d+) at \S+\t(\w+)\t(\d+)/ or next;
        push @wrong, "$n: stored twice" if $row{$n};
        $row{$n} = { status => $status, stamps => $stamps };
    }
    for my $n (sort { $a <=> $b } keys %$stories) {
        my $story = $stories->{$n};
        my @why = (
            Bench::Soak::Plain::complaint($story),
            Bench::Soak::Plain::missing($story, $row{$n})
        );
        push @wrong, map {"$n ($story->{mood}, $story->{pace}): $_"} grep {defined} @why;
    }
    return (count_of(\%row), \@wrong);
}

# Is what the crowd heard a prefix of what is stored, and all of it where they heard the end?
sub compare_crowd {
    my ($self) = @_;
    my @told = $self->{unruly}->told;
    my (%text, @wrong);

    for (split /\n/, $self->{sides}->sql(<<'END')) {
SELECT t.id, HEX(a.text)
FROM turn t JOIN answer a ON a.turn = t.id WHERE t.question LIKE 'Question %'
END
        my ($turn, $hex) = split /\t/;
        $text{$turn} = $hex eq 'NULL' ? '' : pack 'H*', $hex;
    }
    for my $story (@told) {
        my $stored = $text{ $story->{turn} };
        my $heard  = encode_utf8($story->{text});
        my $all    = $story->{over} =~ /^(?:whole|stored)$/;

        next if defined $stored && ($all ? $stored eq $heard : index($stored, $heard) == 0);
        push @wrong, "turn $story->{turn} ($story->{kind}, $story->{fate}, $story->{over}): "
            . (defined $stored ? 'other text is stored' : 'nothing is stored');
    }
    return (scalar @told, \@wrong);
}

# ---- rows

sub of_load {
    my ($self) = @_;
    my ($plain, $unruly, $end) = @$self{qw(plain unruly end)};
    my $figures = $plain->{figures};
    my $count   = $plain->count;
    my @open    = $self->{watch}->series('streams');
    my $open    = median(map { sixth($_, $self->{seconds}, @open) } 2 .. 6);
    my $least   = 0.95 * $self->{streams};
    my $ms      = sub { return join ', ', map { sprintf '%.1f', $figures->{$_} / 1000 } @_ };
    my @unruly  = (
        ($count->{leave} // 0) + ($unruly->{said}{left} // 0),
        $unruly->{comebacks}, $unruly->{said}{stopped} // 0, $count->{stall} // 0
    );

    return (
        ['streams open, median', number($open), '>= ' . number($least), $open >= $least],
        ['turns', number($end->{turns_done})],
        ['deltas that clients received', number($figures->{deltas} + $unruly->{events})],
        ['delay of a delta p50, p99, ms', $ms->(qw(p50_us p99_us))],
        ['from request to first bytes p50, p99, ms', $ms->(qw(begin_p50_us begin_p99_us))],
        ['clients that left, came back, stopped, stalled', join ', ', map { number($_) } @unruly],
        ['short requests, bad ones', join ', ', map { number($unruly->{$_}) } qw(short bad)],
    );
}

sub of_answers {
    my ($self, $plain, $crowd) = @_;
    my $open   = $self->{end}{turns_running};
    my $count  = $self->{plain}->count;
    my $faults = ($count->{cut} // 0) + ($count->{refused} // 0);
    my ($answers, $failed, $booked, $off) = split ' ', $self->{sides}->sql(<<'END');
SELECT (SELECT COUNT(*) FROM answer),
(SELECT COUNT(*) FROM answer WHERE status IN ('error', 'timeout')),
(SELECT COUNT(*) FROM ledger),
(SELECT COALESCE(SUM(amount), 0) FROM ledger) - (SELECT COALESCE(SUM(cost), 0) FROM answer)
END
    my $heard = sub {
        my ($whose, $n, $wrong) = @_;
        return ["answers of $whose that are stored otherwise than heard",
            number(scalar @$wrong) . ' of ' . number($n), 0, !@$wrong];
    };

    return (
        ['cut, refused by the upstream', join ', ',
            map { number($self->{upstream}{$_}) } qw(cuts refused)],
        ['answers that were to fail, that failed', number($faults) . ', ' . number($failed),
            'the same', $faults == $failed],
        $heard->('the many', @$plain),
        $heard->('the crowd', @$crowd),
        ['turns open at the end', $open, 0, $open == 0],
        ['answers, rows of the ledger', number($answers) . ', ' . number($booked), 'the same',
            $answers == $booked],
        ['sum of the ledger less cost of the answers', $off + 0, 0, $off == 0],
    );
}

# A field's medians in the second and in the last sixth of the time, judged.
sub growth {
    my ($self, $what, $field) = @_;
    my @series = $self->{watch}->series($field);
    my ($early, $late) = map { median(sixth($_, $self->{seconds}, @series)) } 2, 6;
    my $ratio = $early ? $late / $early : 0;
    my $slope = slope(grep { $_->[0] > $self->{seconds} / 6 } @series);

    return (
        ["$what, second sixth, last sixth",
            sprintf('%s, %s = %.3f x', number($early), number($late), $ratio),
            "<= $GROWTH x", $ratio <= $GROWTH],
        ["$what, slope in a minute after the first sixth", sprintf '%.1f', $slope],
    );
}

sub of_workers {
    my ($self) = @_;
    my ($watch, $start, $end) = @$self{qw(watch start end)};
    my $of   = \&Bench::Soak::Watch::of;
    my @was  = @{ $watch->{workers} };
    my %is   = map { $_ => 1 } $watch->workers;
    my $gone = grep { !$is{$_} } @was;
    my ($before, $after) = map { $of->($_, 'descriptors') } $start, $end;
    my ($threads, $now)  = map { $of->($_, 'threads') } $start, $end;
    my ($spool, $connections) = map { my $field = $_; max(map { $_->[1] } $watch->series($field)) }
        qw(spool_bytes db_connections);

    return (
        ['workers that ended', $gone, 0, !$gone && keys %is == @was],
        $self->growth('memory (Pss_Anon), KiB', 'pss_anon_kib'),
        $self->growth('descriptors', 'descriptors'),
        ['descriptors before, after, of which not kept to the upstream',
            "$before, $after, $self->{rested}", "<= $SPARE more for each worker",
            $self->{rested} <= $before + $SPARE * @was],
        ['threads before, after', "$threads, $now", 'no more', $now <= $threads],
        ['connections to the database, most', $connections],
        ['spool, most, at the end, MiB',
            join ', ', map { sprintf '%.0f', $_ / 1048576 } $spool, $end->{spool_bytes}],
    );
}

1;
