package ParleyTest::Http;

# An HTTP client that looks closely: nothing is decompressed, followed, remembered or retried.

use v5.36;

use Carp qw(croak);
use IO::Socket::INET;
use Mojo::IOLoop;
use Mojo::URL;
use Mojo::UserAgent;
use Time::HiRes qw(time);

use ParleyTest::Reply;
use ParleyTest::Sse;

# $url: scheme, host and port. Named: user, the userId header that is sent unless a request says
# otherwise.
sub new ($class, $url, %o) {
	my $ua = Mojo::UserAgent->new(
		max_redirects      => 0,
		connect_timeout    => 5,
		inactivity_timeout => 0,
	);
	$ua->cookie_jar->ignore(sub { 1 });
	return bless { url => $url, ua => $ua, user => $o{user} }, $class;
}

sub url ($self) { return $self->{url} }

sub get ($self, @o)  { return $self->request('GET',    @o) }
sub post ($self, @o) { return $self->request('POST',   @o) }
sub put ($self, @o)  { return $self->request('PUT',    @o) }
sub del ($self, @o)  { return $self->request('DELETE', @o) }

# One request to its end. Named: json (a value), form (a hash; a file is {content, filename}),
# body (bytes, called JSON unless headers say otherwise), query (a hash), headers, user (undef =
# none), timeout (30 s). Returns a ParleyTest::Reply; aborted is set when the body was cut off.
sub request ($self, $method, $path, %o) {
	my $tx = $self->_tx($method, $path, \%o);
	my $said = _watch($tx);

	$self->{ua}->request_timeout($o{timeout} // 30)->start($tx);
	return ParleyTest::Reply->new(%$said, _end($tx, $said), body => $tx->res->body);
}

# One event stream to its end; see streams.
sub stream ($self, @request) {
	my ($reply) = $self->streams(\@request);
	return $reply;
}

# Several event streams at once: each a list [method, path, %o] as for request, with
#   on_event     called with (event, leave) for each event; leave is a function that hangs up
#   leave_after  hang up after so many events
#   timeout      hang up after so many seconds (30)
#   raw          the events' data is left as bytes
# Returns one ParleyTest::Reply for each, which has beside code, headers and body:
#   events, comments   see ParleyTest::Sse
#   begun, ended       times of the headers and of the end
#   aborted            the server ended the body improperly: a text that says so
#   left, timed_out    it was us who hung up, and why
#   rest               bytes after the last whole event
sub streams ($self, @requests) {
	croak 'streams() inside streams()' if Mojo::IOLoop->is_running;
	my ($open, @replies) = (scalar @requests);

	for my $i (0 .. $#requests) {
		my ($method, $path, %o) = @{ $requests[$i] };
		$self->_open($self->_tx($method, $path, \%o), \%o, sub ($reply) {
			$replies[$i] = $reply;
			Mojo::IOLoop->stop unless --$open;
		});
	}
	Mojo::IOLoop->start if $open;
	return @replies;
}

# Begins one event stream and returns; $done gets its reply, as streams would return it, when it has
# ended. The caller runs Mojo::IOLoop.
sub open ($self, $method, $path, $done, %o) {
	return $self->_open($self->_tx($method, $path, \%o), \%o, $done);
}

# Sends bytes as they are over a connection of its own and returns all that comes back until the
# server closes, or is silent for so many seconds.
sub raw ($self, $bytes, $seconds = 2) {
	my $url = Mojo::URL->new($self->{url});
	my %peer = (PeerAddr => $url->host, PeerPort => $url->port, Timeout => 5);
	my $socket = IO::Socket::INET->new(%peer) or croak "$self->{url}: $@";
	my ($answer, $ready) = ('', '');

	local $SIG{PIPE} = 'IGNORE';
	print {$socket} $bytes;
	$socket->flush;
	while (1) {
		vec($ready = '', fileno $socket, 1) = 1;
		last unless select $ready, undef, undef, $seconds;
		last unless sysread $socket, $answer, 65536, length $answer;
	}
	return $answer;
}

sub _tx ($self, $method, $path, $o) {
	my %headers = %{ $o->{headers} // {} };
	my $user = exists $o->{user} ? $o->{user} : $self->{user};
	my $url = Mojo::URL->new($self->{url} . $path);

	$url->query($o->{query}) if $o->{query};
	$headers{userId} = $user if defined $user && !exists $headers{userId};
	$headers{'Content-Type'} = 'application/json'
	    if defined $o->{body} && !exists $headers{'Content-Type'};
	delete @headers{ grep { !defined $headers{$_} } keys %headers };
	my %form = %{ $o->{form} // {} };
	$_ = { %$_ } for grep { ref eq 'HASH' } values %form;   # Mojolicious empties what it sends
	my @content = exists $o->{json} ? (json => $o->{json})
	    : $o->{form}                ? (form => \%form)
	    : defined $o->{body}        ? $o->{body}
	    :                             ();
	return $self->{ua}->build_tx($method => $url => \%headers, @content);
}

# Notes the headers as they arrive: Mojolicious rewrites those of a chunked body at its end.
sub _watch ($tx, $begun = sub { }) {
	my %said = (code => 0, headers => {}, head => '');

	$tx->res->content->auto_decompress(0)->once(body => sub ($content) {
		my $headers = $content->headers;
		$said{code} = $tx->res->code;
		$said{headers} = { map { lc $_ => $headers->header($_) } @{ $headers->names } };
		$said{head} = join "\n", $tx->res->code . ' ' . ($tx->res->message // ''),
		    $headers->to_string, '';
		$begun->();
	});
	return \%said;
}

# How it ended: error when there was no answer, aborted when the body did not end as HTTP says.
# A body without length or chunks ends with its connection.
sub _end ($tx, $said) {
	my ($content, $headers) = ($tx->res->content, $said->{headers});
	my $whole = $content->is_finished || $content->relaxed
	    && !defined $headers->{'transfer-encoding'} && !defined $headers->{'content-length'};
	my $error = $said->{code} ? undef : ($tx->error // {})->{message} // 'no answer';
	return (error => $error, aborted => $whole ? undef : $error // 'the body was cut off');
}

sub _open ($self, $tx, $o, $done) {
	my $sse = ParleyTest::Sse->new(raw => $o->{raw});
	my ($body, $begun, $why, @events, $timer) = ('');
	my $said = _watch($tx, sub { $begun = time });

	my $leave = sub ($reason = 'left') {
		$why //= $reason;
		Mojo::IOLoop->remove($tx->connection) if $tx->connection;
	};
	$tx->res->content->unsubscribe('read')->on(read => sub ($, $bytes) {
		return if $why;
		$body .= $bytes;
		for my $event ($sse->feed($bytes)) {
			push @events, $event;
			$o->{on_event}->($event, $leave) if $o->{on_event};
			$leave->() if $o->{leave_after} && @events >= $o->{leave_after};
			return if $why;
		}
	});
	$timer = Mojo::IOLoop->timer(($o->{timeout} // 30) => sub { $leave->('timed_out') });
	$self->{ua}->request_timeout(0)->start($tx => sub ($, $tx) {
		Mojo::IOLoop->remove($timer);
		my $reply = ParleyTest::Reply->new(
			%$said, _end($tx, $said),
			body     => $body,
			events   => \@events,
			comments => $sse->comments,
			rest     => $sse->rest,
			begun    => $begun,
			ended    => time,
		);
		@$reply{$why, 'aborted'} = (1, undef) if $why;
		undef $leave;
		$done->($reply);
	});
	return;
}

1;
