package ParleyTest::Socket;

# A client of a WebSocket that does what it is told, right or wrong: raw frames over a socket.

use v5.36;
use utf8;

use Carp             qw(croak);
use Digest::SHA      qw(sha1_base64);
use IO::Socket::INET ();
use IO::Socket::UNIX ();
use Mojo::JSON       qw(decode_json encode_json);
use Mojo::Util       qw(url_escape);
use Time::HiRes      qw(time);

my $KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
my $GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
my %OP = (text => 1, binary => 2, close => 8, ping => 9, pong => 10);
my %NAME = reverse %OP;

# Named: port or unix, path, query (a hash), headers (undef = not sent), early (bytes right behind
# the request). What was answered is in status, head and body; open is true after 101.
sub new ($class, %o) {
	my $self = bless { buf => '', pings => 0, heard => [] }, $class;
	$self->{io} = $o{unix} ? IO::Socket::UNIX->new(Peer => $o{unix})
	    : IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $o{port});
	croak "no connection: $!" if !$self->{io};
	my %headers = (Host => 'localhost', Upgrade => 'websocket', Connection => 'Upgrade',
	    'Sec-WebSocket-Key' => $KEY, 'Sec-WebSocket-Version' => 13, %{ $o{headers} // {} });
	my $query = join '&', map { url_escape($_) . '=' . url_escape(to_bytes($o{query}{$_})) }
	    sort keys %{ $o{query} // {} };
	my $target = $o{path} . (length $query ? "?$query" : '');
	$self->bytes(join("\r\n", ($o{method} // 'GET') . " $target HTTP/1.1",
	    map({ "$_: $headers{$_}" } grep { defined $headers{$_} } sort keys %headers), '', '')
	    . ($o{early} // ''));
	$self->_head;
	return $self;
}

sub to_bytes ($s) { utf8::encode(my $t = $s); return $t }

sub _head ($self) {
	my $until = time + 15;
	while ($self->{buf} !~ /\r\n\r\n/ && $self->_more($until)) { }
	$self->{buf} =~ s/\A(.*?\r\n)\r\n//s or return;
	$self->{head} = $1;
	($self->{status}) = $self->{head} =~ m{\AHTTP/1\.1 (\d+)};
	$self->{open} = $self->{status} == 101;
	return if $self->{open};
	my ($length) = $self->{head} =~ /^Content-Length: (\d+)/mi;
	while ((!defined $length || length $self->{buf} < $length) && $self->_more($until)) { }
	$self->{body} = $self->{buf};
	return;
}

sub status ($self) { return $self->{status} // 0 }
sub head ($self)   { return $self->{head} // '' }
sub body ($self)   { return $self->{body} // '' }
sub json ($self)   { return eval { decode_json($self->body) } }
sub pings ($self)  { return $self->{pings} }

sub accept_ok ($self) {
	my $want = sha1_base64($KEY . $GUID) . '=';
	return $self->head =~ /^Sec-WebSocket-Accept: \Q$want\E\r$/mi;
}

# More bytes; false at the end or when there is no time left.
sub _more ($self, $until) {
	my $wait = $until - time;
	vec(my $bits = '', fileno $self->{io}, 1) = 1;
	return 0 if $wait <= 0 || !select $bits, undef, undef, $wait;
	my $n = sysread $self->{io}, $self->{buf}, 65536, length $self->{buf};
	$self->{ended} = 1 if !$n;
	return $n;
}

# ---- out

sub bytes ($self, $bytes) {
	local $SIG{PIPE} = 'IGNORE';
	while (length $bytes) {
		my $n = syswrite $self->{io}, $bytes;
		return $self if !$n;
		substr $bytes, 0, $n, '';
	}
	return $self;
}

# A frame as bytes. Named: fin (1), rsv (0), op (text, a name or a number), mask (1).
sub frame ($payload, %o) {
	my $op = $o{op} // 'text';
	my $n = length $payload;
	my $masked = ($o{mask} // 1) ? 0x80 : 0;
	my $frame = pack 'C', (($o{fin} // 1) << 7) | (($o{rsv} // 0) << 4) | ($OP{$op} // $op);
	$frame .= $n < 126 ? pack('C', $masked | $n)
	    : $n < 65536 ? pack('Cn', $masked | 126, $n) : pack('CQ>', $masked | 127, $n);
	return $frame . $payload if !$masked;
	my $mask = "\x37\xfa\x21\x3d";
	return $frame . $mask . ($payload ^. substr $mask x ($n / 4 + 1), 0, $n);
}

sub send ($self, $payload, %o) { return $self->bytes(frame($payload, %o)) }
sub say ($self, $object)       { return $self->send(encode_json($object)) }
sub close ($self, $code = 1000, $why = '') {
	return $self->send(pack('n', $code) . $why, op => 'close');
}
sub gone ($self) { $self->{io}->close; return }

# ---- in

# The next frame but pings, which are answered: {op, payload}; undef at the end or in vain.
sub hear ($self, $seconds = 15) {
	my $until = time + $seconds;
	while (my $f = $self->_frame($until)) {
		return $f if $f->{op} ne 'ping';
		$self->{pings}++;
		$self->send($f->{payload}, op => 'pong') if !$self->{mute};
	}
	return;
}

sub mute ($self) { $self->{mute} = 1; return $self }

sub _frame ($self, $until) {
	for (;;) {
		if ($self->{buf} =~ /\A(.)([\x00-\x7f])/s) {
			my ($first, $n, $at) = (ord $1, ord $2, 2);
			($n, $at) = (unpack('x2 n', $self->{buf}), 4)
			    if $n == 126 && length $self->{buf} >= 4;
			($n, $at) = (unpack('x2 Q>', $self->{buf}), 10)
			    if $n == 127 && length $self->{buf} >= 10;
			if (length $self->{buf} >= $at + $n && ($at > 2 || $n < 126)) {
				my $payload = substr $self->{buf}, $at, $n;
				substr $self->{buf}, 0, $at + $n, '';
				return { op => $NAME{ $first & 15 } // 'unknown',
				    fin => $first >> 7, payload => $payload };
			}
		}
		return if !$self->_more($until);
	}
}

# The next message, decoded; undef where something else came.
sub object ($self, $seconds = 15) {
	my $f = $self->hear($seconds);
	return defined $f && $f->{op} eq 'text' ? decode_json($f->{payload}) : undef;
}

# All messages up to the one that is finished.
sub turn ($self, $seconds = 15) {
	my @objects;
	while (my $o = $self->object($seconds)) {
		push @objects, $o;
		last if $o->{finished};
	}
	return @objects;
}

# What a turn's messages say.
sub text_of (@objects) { return join '', map { @{ $_->{parts} } } @objects }

# The code with which the server closes, whatever comes before; 1005 without one, 0: no close came.
sub closed ($self, $seconds = 15) {
	while (my $f = $self->hear($seconds)) {
		next if $f->{op} ne 'close';
		return length $f->{payload} < 2 ? 1005 : unpack 'n', $f->{payload};
	}
	return 0;
}

# Is the connection over?
sub ended ($self, $seconds = 10) {
	my $until = time + $seconds;
	while (!$self->{ended} && $self->_more($until)) { }
	return $self->{ended};
}

1;
