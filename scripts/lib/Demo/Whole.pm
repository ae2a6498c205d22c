package Demo::Whole;

# A reply that is not streamed: gathers what the steps say into one chat.completion object. What
# only a stream can do (raw bytes, comments) leaves it unmoved.

use v5.36;

use Mojo::IOLoop;

sub new ($class, $c, $head) {
	return bless {
		c       => $c->render_later,
		tx      => $c->tx,
		message => { role => 'assistant', content => undef },
		reply   => { %$head, object => 'chat.completion', system_fingerprint => 'fp_demo' },
		events  => 0,
	}, $class;
}

sub on_ready ($self, $cb) { return }
sub events ($self)        { return $self->{events} }
sub event ($self, $data)  { return 1 }
sub raw ($self, $bytes)   { return 1 }
sub bytewise ($self, $)   { return 1 }

sub chunk ($self, $delta, %more) {
	my $message = $self->{message};

	$self->{events}++;
	$self->{finish} = delete $more{finish} if exists $more{finish};
	$self->{reply} = { %{ $self->{reply} }, %more };
	for my $key (keys %$delta) {
		if ($key eq 'tool_calls') {
			$self->_call($_) for @{ $delta->{tool_calls} };
		} elsif ($key =~ /content$/) {
			$message->{$key} = ($message->{$key} // '') . $delta->{$key}
			    if defined $delta->{$key};
		} else {
			$message->{$key} = $delta->{$key};
		}
	}
	return 1;
}

sub usage ($self, $usage) {
	$self->{reply}{usage} = $usage;
	return 1;
}

sub end ($self) {
	$self->{c}->render(json => {
		%{ $self->{reply} },
		choices => [{
			index         => 0,
			message       => $self->{message},
			logprobs      => undef,
			finish_reason => $self->{finish},
		}],
	});
	return;
}

sub cut ($self, $reset) {
	my $id = $self->{tx}->connection;
	Mojo::IOLoop->next_tick(sub { Mojo::IOLoop->remove($id) });
	return;
}

# A fragment of a tool call: the first one of an index names it, the others add arguments.
sub _call ($self, $part) {
	my $call = $self->{message}{tool_calls}[$part->{index}]
	    //= { function => { arguments => '' } };

	$call->{$_} = $part->{$_} for grep { defined $part->{$_} } qw(id type);
	$call->{function}{name} = $part->{function}{name} if defined $part->{function}{name};
	$call->{function}{arguments} .= $part->{function}{arguments} // '';
	return;
}

1;
