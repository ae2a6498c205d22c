package ParleyTest::Fcgi;

# A request straight to the workers, as a web server would pass it on from any address.

use v5.36;

use Carp     qw(croak);
use Exporter qw(import);
use IO::Socket::UNIX;

use ParleyTest::Reply;

our @EXPORT_OK = qw(from_address);

my ($BEGIN, $PARAMS, $STDIN, $STDOUT) = (1, 4, 5, 6);

sub record ($type, $content) { return pack('CCnnCC', 1, $type, 1, length $content, 0, 0)
    . $content }

sub pair ($name, $value) {
	return join '', map({ pack 'N', length($_) | 1 << 31 } $name, $value), $name, $value;
}

# Named: headers. Returns a ParleyTest::Reply.
sub from_address ($p, $address, $method, $path, %o) {
	my %headers = %{ $o{headers} // {} };
	my $socket = IO::Socket::UNIX->new(Peer => "$p->{stack}/run/fcgi.sock")
	    or croak "socket: $@";
	my %param = (REQUEST_METHOD => $method, REQUEST_URI => $path, REMOTE_ADDR => $address,
	    QUERY_STRING => '', map { 'HTTP_' . uc(s/-/_/gr) => $headers{$_} } keys %headers);
	my ($bytes, $out) = ('', '');

	print {$socket} record($BEGIN, pack 'nCx5', 1, 0),
	    record($PARAMS, join '', map { pair($_, $param{$_}) } sort keys %param),
	    record($PARAMS, ''), record($STDIN, '');
	$socket->flush;
	1 while sysread $socket, $bytes, 65536, length $bytes;
	while (length $bytes >= 8) {
		my (undef, $type, undef, $n, $pad) = unpack 'CCnnC', $bytes;
		$out .= substr $bytes, 8, $n if $type == $STDOUT;
		substr $bytes, 0, 8 + $n + $pad, '';
	}
	my ($head, $body) = split /\r\n\r\n/, $out, 2;
	my %said = map { /^([^:]+): (.*)$/ ? (lc $1 => $2) : () } split /\r\n/, $head // '';
	return ParleyTest::Reply->new(code => ($said{status} // 0) =~ s/ .*//r, head => $head // '',
	    headers => \%said, body => $body // '');
}

1;
