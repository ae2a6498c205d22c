package Demo::Stream;

# A reply as server-sent events, in the shape of OpenAI's chat.completion.chunk. Each write waits
# until the kernel has taken the one before, so a client that does not read stops the answer.

use v5.36;

use Mojo::IOLoop;
use Mojo::JSON qw(encode_json);
use Socket     qw(SOL_SOCKET SO_LINGER);

# Sends the status line and the headers. $head: id, created, model of the chunks; $usage: the
# chunks carry "usage":null, as they do when the client asked for the usage at the end.
sub new ($class, $c, $head, $usage) {
	my $headers = $c->res->headers;
	$headers->content_type('text/event-stream; charset=utf-8') unless $headers->content_type;
	$headers->cache_control('no-cache') unless $headers->cache_control;
	$headers->transfer_encoding('chunked');
	$c->res->code(200) unless $c->res->code;
	$c->render_later->write;
	return bless {
		c      => $c,
		tx     => $c->tx,
		events => 0,
		head   => {
			%$head,
			object             => 'chat.completion.chunk',
			system_fingerprint => 'fp_demo',
			$usage ? (usage => undef) : (),
		},
	}, $class;
}

sub on_ready ($self, $cb) { $self->{ready} = $cb; return }

# Events that were sent.
sub events ($self) { return $self->{events} }

sub chunk ($self, $delta, %more) {
	my $choice = {
		index         => 0,
		delta         => $delta,
		logprobs      => undef,
		finish_reason => delete $more{finish},
	};
	return $self->event({ %{ $self->{head} }, choices => [$choice], %more });
}

sub usage ($self, $usage) {
	return $self->event({ %{ $self->{head} }, choices => [], usage => $usage });
}

sub event ($self, $data) {
	$self->{events}++;
	return $self->raw('data: ' . encode_json($data) . "\n\n");
}

sub bytewise ($self, $gap) {
	$self->{gap} = $gap;
	return 1;
}

sub raw ($self, $bytes) {
	return 1 unless length $bytes;
	if (defined $self->{gap}) {
		$self->_trickle($bytes, 0);
	} else {
		$self->_write($bytes, sub { $self->{ready} && $self->{ready}->() });
	}
	return 0;
}

# Ends the HTTP body as HTTP wants it ended.
sub end ($self) {
	$self->{c}->write("0\r\n\r\n");
	$self->{c}->write('');
	return;
}

# Closes the connection where it stands; with $reset the client sees ECONNRESET.
sub cut ($self, $reset) {
	my $id = $self->{tx}->connection;

	Mojo::IOLoop->next_tick(sub {           # not below the server's own write
		my $stream = Mojo::IOLoop->stream($id) or return;
		setsockopt $stream->handle, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0) if $reset;
		$stream->close;
	});
	return;
}

# One chunk, framed here: Mojolicious would hold back the line end of each until the next one.
sub _write ($self, $bytes, $then) {
	$self->{c}->write(sprintf("%x\r\n%s\r\n", length $bytes, $bytes), sub { $then->() });
	return;
}

sub _trickle ($self, $bytes, $at) {
	return unless $self->{ready};
	return $self->{ready}->() if $at == length $bytes;
	$self->_write(substr($bytes, $at, 1), sub {
		Mojo::IOLoop->timer($self->{gap} => sub { $self->_trickle($bytes, $at + 1) });
	});
	return;
}

1;
