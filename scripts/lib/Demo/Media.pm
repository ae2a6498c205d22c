package Demo::Media;

# Pictures, sounds and vectors of the demo: made from their input alone, the same every time.

use v5.36;
use utf8;

use Compress::Zlib qw(compress crc32);
use Digest::MD5    qw(md5);
use Encode         qw(encode_utf8);
use Exporter       qw(import);
use POSIX          qw(fmod);

use Demo::Text qw(words);

our @EXPORT_OK = qw(png wav_seconds embedding);

my $CELLS = 8;

# A PNG of that size: a mirrored pattern on a colour that runs from top to bottom, both drawn
# from the text. Whole rows are repeated, so a big one costs little.
sub png ($text, $width, $height) {
	my @seed = unpack 'C*', md5(encode_utf8($text)) . md5('more ' . encode_utf8($text));
	my ($hue, $ink) = ($seed[0] / 256, rgb($seed[1] / 256, 0.75, 0.95));
	my $rows = '';

	for my $y (0 .. $height - 1) {
		my $down = $y / $height;
		my $paper = rgb(fmod($hue + 0.25 * $down, 1), 0.45, 0.35 + 0.4 * $down);
		my $band = int $down * $CELLS;
		my $row = '';
		for my $cell (0 .. $CELLS - 1) {
			my $half  = $cell < $CELLS / 2 ? $cell : $CELLS - 1 - $cell;
			my $inked = $seed[$band * $CELLS / 2 % 28 + $half] & 1 << $half;
			my $right = int(($cell + 1) * $width / $CELLS);
			$row .= ($inked ? $ink : $paper) x ($right - length($row) / 3);
		}
		$rows .= "\0$row";
	}
	return "\x89PNG\r\n\x1a\n"
	    . png_chunk('IHDR', pack 'NNC5', $width, $height, 8, 2, 0, 0, 0)
	    . png_chunk('IDAT', compress($rows))
	    . png_chunk('IEND', '');
}

sub png_chunk ($type, $data) {
	return pack('N', length $data) . $type . $data . pack('N', crc32($type . $data));
}

# Hue, saturation and value (0..1) as three bytes.
sub rgb ($h, $s, $v) {
	my @part = map {
		my $k = fmod($_ + $h * 6, 6);
		my $ramp = $k < 4 - $k ? $k : 4 - $k;
		$v - $v * $s * ($ramp < 0 ? 0 : $ramp > 1 ? 1 : $ramp);
	} 5, 3, 1;
	return pack 'C3', map { int 255 * $_ } @part;
}

# Seconds of sound in a WAV file, undef when it is none.
sub wav_seconds ($bytes) {
	return undef unless $bytes =~ /^RIFF....WAVE/s;
	my ($at, $rate) = (12, 0);
	while ($at + 8 <= length $bytes) {
		my ($id, $size) = unpack 'a4V', substr $bytes, $at, 8;
		$rate = unpack 'x8V', substr $bytes, $at + 8, 12 if $id eq 'fmt ' && $size >= 12;
		if ($id eq 'data') {
			my $left = length($bytes) - $at - 8;
			return $rate ? ($size < $left ? $size : $left) / $rate : undef;
		}
		$at += 8 + $size + $size % 2;
	}
	return undef;
}

# A unit vector: each word of the text adds or takes one in the dimension of its hash. Texts with
# words in common are near each other.
sub embedding ($text, $dimensions) {
	my @v = (0) x $dimensions;
	my @words = words($text);

	for my $word (@words ? @words : $text) {
		my ($place, $sign) = unpack 'NC', md5(encode_utf8($word));
		$v[$place % $dimensions] += $sign & 1 ? 1 : -1;
	}
	my $square = 0;
	$square += $_ * $_ for @v;
	if (!$square) {                 # the words took each other away
		$v[0] = $square = 1;
	}
	return map { $_ / sqrt $square } @v;
}

1;
