package Demo::Faults;

# What the server does on demand (--control): scripts that wait for the next requests of a model,
# and the log of the requests seen.
#
#   POST /_script     {"model":"demo-a", ...}; "*" is any model. Scripts of a model form a queue:
#                     the first serves `times` requests (1; 0 = for ever), then the next.
#     times           how many requests it serves
#     hang_before     true: accept the request and never say a word; a number: so many seconds
#     wire            these bytes in place of any HTTP response, then the connection is closed
#     status, headers of the response; without steps an error body in OpenAI's shape goes with it
#     body            the whole body, instead of that
#     steps           a list for Demo::Player; a request without "stream" gets them as one object
#   DELETE /_script   forgets them all
#   GET /_log         [{n, time, method, path, model, headers, body, port, scripted, status, events,
#                     ended, ended_at}], oldest first. Header names are in lower case, body is
#                     decoded; ended is running, complete (the server said all it had to say) or
#                     aborted (the client left before); port is the client's, so equal ports mean
#                     one connection
#   DELETE /_log      clears it

use v5.36;

use Mojo::IOLoop;
use Mojo::JSON   qw(decode_json);
use Scalar::Util qw(looks_like_number);
use Time::HiRes  qw(time);

use Demo::Player;

my %KEY = map { $_ => 1 } qw(model times hang_before wire status headers body steps);

sub new ($class, @models) {
	return bless { models => { map { $_ => 1 } @models, '*' }, queue => {}, log => [], n => 0 },
	    $class;
}

# Installs the control routes.
sub routes ($self, $r) {
	$r->post('/_script' => sub ($c) {
		my $script = eval { decode_json($c->req->body) };
		my $why    = $self->complaint($script);
		return $c->render(json => { error => $why }, status => 400) if defined $why;
		push @{ $self->{queue}{ $script->{model} } }, { times => 1, %$script };
		$c->render(json => { queued => scalar @{ $self->{queue}{ $script->{model} } } });
	});
	$r->delete('/_script' => sub ($c) {
		$self->{queue} = {};
		$c->rendered(204);
	});
	$r->get('/_log' => sub ($c) { $c->render(json => $self->{log}) });
	$r->delete('/_log' => sub ($c) {
		$self->{log} = [];
		$c->rendered(204);
	});
	return;
}

# Says what is wrong with a script, or undef.
sub complaint ($self, $script) {
	return 'a script is a JSON object' unless ref $script eq 'HASH';
	my ($unknown) = sort grep { !$KEY{$_} } keys %$script;
	return "unknown field: $unknown" if defined $unknown;
	return 'model names none of the models' unless $self->{models}{ $script->{model} // '' };
	return 'a script needs one of hang_before, wire, status, body, steps'
	    unless grep { exists $script->{$_} } qw(hang_before wire status body steps);
	for my $key (qw(times status)) {
		return "$key must be a number"
		    if exists $script->{$key} && !looks_like_number($script->{$key});
	}
	return 'headers must be an object' if ref($script->{headers} // {}) ne 'HASH';
	return exists $script->{steps} ? Demo::Player::complaint($script->{steps}) : undef;
}

# The script that serves the next request of this model, or undef.
sub take ($self, $model) {
	for my $name ($model, '*') {
		my $queue = $self->{queue}{$name} or next;
		my $script = $queue->[0] // next;
		shift @$queue if $script->{times} && --$script->{times} == 0;
		return $script;
	}
	return undef;
}

# A row of the log for this request, to be kept up to date by the caller.
sub entry ($self, $c, $model, $body) {
	my $headers = $c->req->headers->to_hash;
	my $entry = {
		n       => ++$self->{n},
		time    => time,
		method  => $c->req->method,
		path    => $c->req->url->path->to_string,
		model   => $model,
		headers => { map { lc $_ => $headers->{$_} } keys %$headers },
		body    => $body,
		port    => $c->tx->remote_port,
		ended   => 'running',
	};
	push @{ $self->{log} }, $entry;
	return $entry;
}

# Answers the request as the script says; $play plays steps on it.
sub perform ($self, $script, $c, $play) {
	$c->render_later;
	if (my $silence = $script->{hang_before}) {
		return if ref $silence;
		my $tx = $c->tx;
		my $timer = Mojo::IOLoop->timer($silence => sub { respond($script, $c, $play) });
		$tx->on(finish => sub { Mojo::IOLoop->remove($timer) });
		return;
	}
	return respond($script, $c, $play);
}

sub respond ($script, $c, $play) {
	if (defined $script->{wire}) {
		utf8::encode(my $bytes = $script->{wire});
		$c->res->code(0);               # nobody shall take it for a client that left
		my $stream = Mojo::IOLoop->stream($c->tx->connection);
		$stream->write($bytes => sub ($stream) { $stream->close });
		return;
	}
	$c->res->code($script->{status} // 200);
	my $headers = $script->{headers} // {};
	$c->res->headers->header($_ => $headers->{$_}) for sort keys %$headers;
	return $play->($script->{steps}) if $script->{steps};
	if (defined $script->{body}) {
		utf8::encode(my $bytes = $script->{body});
		$c->res->headers->content_type('application/json')
		    unless $c->res->headers->content_type;
		return $c->render(data => $bytes, status => $c->res->code);
	}
	return $c->trouble($c->res->code, 'The script of this request says so.');
}

1;
