package Bench::Report;

# From the values of the repeats to a page: median and spread of each, and what the targets say.

use strict;
use warnings;

use Exporter 'import';
use List::Util qw(max min);

our @EXPORT_OK = qw(machine page);

sub median {
    my @v = sort { $a <=> $b } @_;

    return @v % 2 ? $v[@v / 2] : ($v[@v / 2 - 1] + $v[@v / 2]) / 2;
}

# Three digits that mean something.
sub number {
    my ($n) = @_;
    my $digits = abs $n >= 100 ? 0 : abs $n >= 10 ? 1 : 2;
    my $text = sprintf "%.${digits}f", $n;

    $text =~ s/\.?0+$// if $text =~ /\./;
    1 while $text =~ s/^(\d+)(\d{3})/$1,$2/;
    return $text;
}

# "2.3 (2.1 to 2.6)"
sub spread {
    my @v = @_;
    my $middle = number(median(@v));

    return $middle if @v == 1 || min(@v) == max(@v);
    return sprintf '%s (%s to %s)', $middle, number(min(@v)), number(max(@v));
}

# What is judged, as a number: the median of the repeats; where one bad repeat is one too many,
# the worst; where it is said so, the ratio of two medians.
sub result {
    my ($f) = @_;

    return undef unless @{ $f->{of} // [] };
    return median(@{ $f->{medians}[0] }) / (median(@{ $f->{medians}[1] }) || 1) if $f->{medians};
    return $f->{worst} ? max(@{ $f->{of} }) : median(@{ $f->{of} });
}

sub verdict {
    my ($f, $result) = @_;

    return '' unless defined $f->{limit};
    return 'not measured' unless defined $result;
    my $met = $f->{op} eq '<=' ? $result <= $f->{limit} : $result >= $f->{limit};
    return $met ? 'pass' : '**short**';
}

# One row's table; ($text, number of targets missed or not measured)
sub table {
    my ($title, @figures) = @_;
    my ($text, $missed) = ("## $title\n\n", 0);

    $text .= "| figure | L | H | P | result | target | |\n|---|---|---|---|---|---|---|\n";
    for my $f (@figures) {
        my $result = result($f);
        my $unit   = $f->{unit} ? " $f->{unit}" : '';
        my @cells  = map { @$_ ? spread(@$_) : '' } map { $f->{values}{$_} // [] } qw(L H P);
        my $found  = '';
        if (defined $result) {
            my $range = $f->{worst} ? number($result) : spread(@{ $f->{of} });
            $range =~ s/^\S+/number($result)/e;
            $found = $f->{as} ? "$f->{as} = $range" : "$range$unit";
        }
        my $target = defined $f->{limit} ? "$f->{op} $f->{limit} ($f->{by})" : '';
        my $verdict = verdict($f, $result);
        $missed++ if $verdict ne '' && $verdict ne 'pass';
        my $what = $f->{unit} ? "$f->{what}, $f->{unit}" : $f->{what};
        $text .= '| ' . join(' | ', $what, @cells, $found, $target, $verdict) . " |\n";
    }
    return ("$text\n", $missed);
}

sub first_line {
    my ($file, $pattern) = @_;

    open my $f, '<', $file or return '';
    while (<$f>) {
        return $1 if /$pattern/;
    }
    return '';
}

# The machine in words.
sub machine {
    my $cores = () = glob '/sys/devices/system/cpu/cpu[0-9]*';
    my $gib = first_line('/proc/meminfo', qr/^MemTotal:\s+(\d+)/) / 1024 / 1024;

    return sprintf '%s, %d cores, %.0f GiB, Linux %s',
        first_line('/proc/cpuinfo', qr/^model name\s*:\s*(.*)/) || 'unknown CPU', $cores, $gib,
        first_line('/proc/sys/kernel/osrelease', qr/(.*)/);
}

# The whole page: head => lines, rows => [{title, figures, troubles}…]; ($text, $missed)
sub page {
    my (%arg) = @_;
    my ($text, $all) = ("# Parley, measured\n\n", 0);

    $text .= join('', map { "- $_\n" } @{ $arg{head} }) . "\n";
    for my $row (@{ $arg{rows} }) {
        my ($part, $missed) = table($row->{title}, @{ $row->{figures} });
        $text .= $part;
        $text .= join('', map { "- $_\n" } @{ $row->{troubles} }) . "\n" if @{ $row->{troubles} };
        $all += $missed;
    }
    $text .= $all ? "Targets missed or not measured: $all\n" : "Every target is met.\n";
    return ($text, $all);
}

1;
