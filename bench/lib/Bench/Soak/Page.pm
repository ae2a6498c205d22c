package Bench::Soak::Page;

# From samples to figures, a table and a picture.

use strict;
use warnings;

use Exporter 'import';
use List::Util qw(max min sum);

our @EXPORT_OK = qw(median number sixth slope svg table);

sub median {
    my @v = sort { $a <=> $b } @_;

    return 0 unless @v;
    return @v % 2 ? $v[@v / 2] : ($v[@v / 2 - 1] + $v[@v / 2]) / 2;
}

# The values of a series ([seconds, value]…) in the nth sixth of so many seconds.
sub sixth {
    my ($n, $seconds, @series) = @_;

    return map { $_->[1] }
        grep { $_->[0] > $seconds * ($n - 1) / 6 && $_->[0] <= $seconds * $n / 6 } @series;
}

# Least squares: how much a series grows in a minute.
sub slope {
    my @series = @_;
    my ($sxx, $sxy) = (0, 0);

    return 0 if @series < 2;
    my $x = sum(map { $_->[0] } @series) / @series;
    my $y = sum(map { $_->[1] } @series) / @series;
    for (@series) {
        $sxx += ($_->[0] - $x)**2;
        $sxy += ($_->[0] - $x) * ($_->[1] - $y);
    }
    return $sxx ? 60 * $sxy / $sxx : 0;
}

sub number {
    my ($n) = @_;
    my $text = sprintf abs $n >= 100 || $n == int $n ? '%.0f' : '%.2f', $n;

    1 while $text =~ s/^(-?\d+)(\d{3})/$1,$2/;
    return $text;
}

# Rows [what, found, wanted or '', holds or undef]: Markdown.
sub table {
    my @rows = @_;
    my $text = "| figure | found | wanted | |\n|---|---|---|---|\n";

    for my $row (@rows) {
        my ($what, $found, $wanted, $holds) = @$row;
        my $verdict = !defined $holds ? '' : $holds ? 'holds' : '**does not**';
        $text .= '| ' . join(' | ', $what, $found, $wanted // '', $verdict) . " |\n";
    }
    return $text;
}

my ($WIDTH, $HEIGHT, $LEFT, $TOP) = (720, 150, 70, 34);

# A round number that is not below this one.
sub ceiling {
    my ($n) = @_;
    my $step = 1;

    $step *= 10 while $step * 10 <= $n;
    for my $by (1, 2, 5, 10) {
        return $by * $step if $by * $step >= $n;
    }
}

# One curve from y on: its axis from 0, its name, its line.
sub panel {
    my ($y, $seconds, $title, @series) = @_;
    my $most = ceiling(max(1, map { $_->[1] } @series));
    my $text = '';

    for my $part (0, 0.5, 1) {
        my $at = $y + $HEIGHT * (1 - $part);
        $text .= sprintf qq(<path class="grid" d="M%d %.1fH%d"/>\n), $LEFT, $at, $LEFT + $WIDTH;
        $text .= sprintf qq(<text x="%d" y="%.1f" text-anchor="end">%s</text>\n), $LEFT - 8,
            $at + 4, number($part * $most);
    }
    $text .= sprintf qq(<text x="%d" y="%.1f">%s</text>\n), $LEFT, $y - 10, $title;
    return $text . sprintf qq(<polyline points="%s"/>\n), join ' ', map {
        sprintf '%.1f,%.1f', $LEFT + $WIDTH * $_->[0] / $seconds,
            $y + $HEIGHT * (1 - $_->[1] / $most)
    } @series;
}

# svg(seconds, [title, [seconds, value]…]…): a curve below the other over the same time.
sub svg {
    my ($seconds, @curves) = @_;
    my $step = $HEIGHT + 46;
    my ($width, $height) = ($LEFT + $WIDTH + 24, $TOP + $step * @curves + 4);
    my $bottom = $TOP + $step * @curves - 24;
    my $text = <<"END";
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 $width $height" role="img">
<style>
rect { fill: #fff }
text { font: 12px sans-serif; fill: #333 }
.grid { stroke: #ddd; fill: none }
polyline { stroke: #06c; stroke-width: 1.5; fill: none; stroke-linejoin: round }
</style>
<rect width="$width" height="$height"/>
END
    for my $n (0 .. $#curves) {
        my ($title, @series) = @{ $curves[$n] };
        $text .= panel($TOP + $step * $n, $seconds, $title, @series);
    }
    for my $n (0 .. 6) {
        $text .= sprintf qq(<text x="%.1f" y="%.1f" text-anchor="middle">%s min</text>\n),
            $LEFT + $WIDTH * $n / 6, $bottom, number($seconds / 60 * $n / 6);
    }
    return "$text</svg>\n";
}

1;
