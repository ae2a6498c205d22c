package ParleyTest::Sse;

# Server-sent events out of bytes as they arrive.

use v5.36;

use Mojo::JSON  qw(decode_json);
use Time::HiRes qw(time);

# Named: raw, nothing is decoded, which takes its time where messages are long.
sub new ($class, %o) { return bless { rest => '', comments => [], raw => $o{raw} }, $class }

# Takes bytes, returns the events that are whole by now: {data, raw, id, event, at}. data is the
# decoded JSON, or the text where it is none (or the bytes, see new); raw the bytes of the event
# without the empty line that ends it; at the time of its arrival.
sub feed ($self, $bytes) {
	my @events;

	# Of a long event most bytes bring no end: they are not looked at once more.
	my $new = length $self->{rest};
	$self->{rest} .= $bytes;
	return if substr($self->{rest}, $new > 3 ? $new - 3 : 0) !~ /\n\r?\n/;
	while ($self->{rest} =~ /\r?\n\r?\n/) {
		my ($raw, %event) = (substr $self->{rest}, 0, $-[0]);
		substr($self->{rest}, 0, $+[0]) = '';
		for my $line (split /\r?\n/, $raw) {
			my ($name, $value) = $line =~ /\A([^:]*)(?:: ?(.*))?\z/s;
			$value //= '';
			if    (!length $name)   { push @{ $self->{comments} }, $value }
			elsif ($name eq 'data') { push @{ $event{data} }, $value }
			else                    { $event{$name} = $value }
		}
		next unless $event{data};
		my $data = join "\n", @{ $event{data} };
		push @events, { %event, raw => $raw, at => time,
			data => $self->{raw} ? $data : value($data) };
	}
	return @events;
}

# The comments seen, such as pings.
sub comments ($self) { return $self->{comments} }

# Bytes of an event that has not ended.
sub rest ($self) { return $self->{rest} }

sub value ($bytes) {
	my $value = eval { decode_json($bytes) };
	return $value if defined $value;
	utf8::decode(my $text = $bytes);
	return $text;
}

1;
