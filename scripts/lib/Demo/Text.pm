package Demo::Text;

# What the demo knows about text: its language, its words, its length in tokens.

use v5.36;
use utf8;

use Encode     qw(encode_utf8);
use Exporter   qw(import);
use List::Util qw(uniq);
use POSIX      qw(ceil);

our @EXPORT_OK = qw(is_chinese tokens first_tokens pieces words sentences nearest excerpt);

my $CJK = qr/[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}]/;

sub is_chinese ($text) { return scalar $text =~ /\p{Han}/ }

# Tokens of a text, counted as Parley estimates them: one per CJK character and one per four
# other bytes.
sub tokens ($text) {
	my $cjk = () = $text =~ /$CJK/g;
	my $rest = length encode_utf8($text =~ s/$CJK//gr);
	return $cjk + ceil($rest / 4);
}

# The longest beginning of a text, by whole pieces, that has at most $max tokens.
sub first_tokens ($text, $max) {
	my $out = '';
	for my $piece (pieces($text)) {
		last if tokens($out . $piece) > $max;
		$out .= $piece;
	}
	return $out;
}

# A text cut as a model would emit it: a word with the blanks after it, or two Chinese characters.
# Joined again the pieces are the text, byte for byte.
sub pieces ($text) {
	return $text =~ /\G(?: $CJK{1,2}[，。！？；：、」』]?\n* | (?:(?!$CJK)\S)+\s* | \s+ )/gxs;
}

# The words of a text, folded: Latin words and numbers whole, Chinese runs as overlapping pairs.
sub words ($text) {
	my @words;
	for my $run (lc($text) =~ /(?:$CJK)+|(?:(?!$CJK)[\p{Alnum}])+/g) {
		if ($run =~ /$CJK/ && length $run > 1) {
			push @words, map { substr $run, $_, 2 } 0 .. length($run) - 2;
		} else {
			push @words, $run;
		}
	}
	return @words;
}

sub sentences ($text) {
	return grep { /\w/ } map { s/^\s+|\s+$//gr }
	    split /\n+|(?<=[。！？；])|(?<=[.!?;])\s+/, $text;
}

# The at most $max sentences of @texts that share most words with the question, best first.
# A word counts the more, the fewer sentences have it.
sub nearest ($question, $max, @texts) {
	my @sentences = map { sentences($_) } @texts;
	my %asked = map { $_ => 1 } words($question);
	my (%df, @found);

	my @words = map { [uniq words($_)] } @sentences;
	$df{$_}++ for map { @$_ } @words;
	for my $i (0 .. $#sentences) {
		my $score = 0;
		$score += log(1 + @sentences / $df{$_}) for grep { $asked{$_} } @{ $words[$i] };
		push @found, [$score, $i] if $score > 0;
	}
	@found = sort { $b->[0] <=> $a->[0] || $a->[1] <=> $b->[1] } @found;
	splice @found, $max if @found > $max;
	return map { $sentences[$_->[1]] } @found;
}

# A text on one line and not longer than $max characters.
sub excerpt ($text, $max) {
	$text = $text =~ s/\s+/ /gr =~ s/^ | $//gr;
	return length $text > $max ? substr($text, 0, $max - 1) . '…' : $text;
}

1;
