package Demo::Player;

# Plays a list of steps on one reply: the demo's own answers and the scripts of the tests alike.
# A step is a hash with one of the keys below; `repeat` has `steps` beside it.
#
#   {"delta":"text"}          content of the answer          {"reasoning":"text"}
#   {"chunk":{...}}           a whole `delta` object, e.g. a role or tool_calls
#   {"tool_calls":[{"name":"x","arguments":{...}}]}  calls as a model streams them; id may be given
#   {"citations":[...]}       a chunk with that list at its top level
#   {"finish":"stop"}         the chunk that ends the choice
#   {"usage":{...}}           the chunk without choices that counts the tokens
#   {"done":true}             data: [DONE]
#   {"json":{...}}            one event with exactly that object
#   {"raw":"text"}            these bytes (UTF-8), not framed   {"hex":"f09f"} any bytes
#   {"comment":"keep-alive"}  an SSE comment
#   {"big":1048576}           one delta with that many bytes of content
#   {"sleep":0.2}             seconds of silence
#   {"bytewise":true}         from here on each byte in a packet of its own; a fraction = seconds
#                             between two of them
#   {"repeat":3,"steps":[]}   0 = for ever
#   {"hang":true}             silence until the client leaves
#   {"close":true}            cut the connection now, inside the HTTP body; "reset" = with RST
#
# Where the steps run out without close or hang, the HTTP body ends properly.
#
# The reply (Demo::Stream or Demo::Whole) takes what the steps say. Its methods return true when
# the play goes on at once, false when the reply will call play() again.

use v5.36;

use Mojo::IOLoop;
use Mojo::JSON   qw(to_json);
use Scalar::Util qw(looks_like_number);

use Demo::Calls qw(call_steps);

my %STEP = (
	delta     => sub ($p, $text, $)  { $p->{reply}->chunk({ content => $text }) },
	reasoning => sub ($p, $text, $)  { $p->{reply}->chunk({ reasoning_content => $text }) },
	chunk     => sub ($p, $delta, $) { $p->{reply}->chunk($delta) },
	tool_calls => sub ($p, $calls, $) {
		push @{ $p->{frames} }, { steps => [call_steps(with_ids(@$calls))], at => 0,
		    left => 1 };
		return 1;
	},
	citations => sub ($p, $list, $)  { $p->{reply}->chunk({}, citations => $list) },
	finish    => sub ($p, $why, $)   { $p->{reply}->chunk({}, finish => $why) },
	usage     => sub ($p, $usage, $) { $p->{reply}->usage($usage) },
	done      => sub ($p, $, $)      { $p->{reply}->raw("data: [DONE]\n\n") },
	json      => sub ($p, $data, $)  { $p->{reply}->event($data) },
	raw       => sub ($p, $text, $)  { utf8::encode($text); $p->{reply}->raw($text) },
	hex       => sub ($p, $hex, $)   { $p->{reply}->raw(pack 'H*', $hex =~ s/\s+//gr) },
	comment   => sub ($p, $text, $)  { utf8::encode($text); $p->{reply}->raw(": $text\n\n") },
	big       => sub ($p, $size, $)  { $p->{reply}->chunk({ content => filler($size) }) },
	bytewise  => sub ($p, $gap, $)   { $p->{reply}->bytewise($gap < 1 ? $gap : 0.0005) },
	close     => sub ($p, $how, $)   { $p->{ended} = 1; $p->{reply}->cut($how eq 'reset'); 0 },
	hang      => sub ($p, $, $)      { 0 },
	sleep     => sub ($p, $seconds, $) {
		$p->{timer} = Mojo::IOLoop->timer($seconds => sub { $p->play });
		return 0;
	},
	repeat    => sub ($p, $times, $step) {
		push @{ $p->{frames} }, { steps => $step->{steps}, at => 0, left => $times
		    || 'inf' };
		return 1;
	},
);

# Says what is wrong with a list of steps, or undef.
sub complaint ($steps) {
	return 'steps must be a list' unless ref $steps eq 'ARRAY';
	for my $step (@$steps) {
		return 'a step must be an object' unless ref $step eq 'HASH';
		my ($kind, @more) = sort grep { $_ ne 'steps' } keys %$step;
		return 'a step has one kind, not ' . keys(%$step) if !defined $kind || @more;
		return "unknown step: $kind" unless $STEP{$kind};
		my $value = $step->{$kind};
		return "$kind takes a number" if $kind =~ /^(?:sleep|big|repeat)$/
		    && !(looks_like_number($value) && $value >= 0);
		return 'hex takes pairs of hexadecimal digits'
		    if $kind eq 'hex' && $value !~ /^(?:\s*[0-9a-f]{2})*\s*$/i;
		return 'tool_calls takes a list of objects with a name' if $kind eq 'tool_calls'
		    && !(ref $value eq 'ARRAY' && @$value
		    && !grep { ref ne 'HASH' || !length($_->{name} // '') } @$value);
		if ($kind eq 'repeat') {
			return 'repeat needs steps' unless @{ $step->{steps} // [] };
			my $inner = complaint($step->{steps});
			return $inner if defined $inner;
		} elsif ($step->{steps}) {
			return "$kind takes no steps";
		}
	}
	return undef;
}

# Calls with what they need: an id, and their arguments as text, which may be none at all.
sub with_ids (@calls) {
	my $n = 0;
	return map {
		my $arguments = $_->{arguments} // '{}';
		$n++;
		{
			id        => $_->{id} // "call_$n",
			name      => $_->{name},
			arguments => ref $arguments ? to_json($arguments) : $arguments,
		}
	} @calls;
}

# A player of these steps on this reply; starts with play().
sub new ($class, $reply, $steps) {
	my $self = bless {
		reply  => $reply,
		frames => [{ steps => $steps, at => 0, left => 1 }],
	}, $class;
	$reply->on_ready(sub { $self->play });
	return $self;
}

# Goes on until a step has to wait. After the last one the reply is ended.
sub play ($self) {
	return if $self->{stopped};
	while (my $step = $self->_next) {
		my ($kind) = grep { $STEP{$_} } keys %$step;
		return unless $STEP{$kind}->($self, $step->{$kind}, $step);
	}
	$self->{ended} = 1;
	$self->{reply}->end;
	return;
}

# True when the steps were played to their end.
sub ended ($self) { return $self->{ended} }

# Events that were sent.
sub events ($self) { return $self->{reply}->events }

# The client has gone: nothing more is said, and the player may be freed.
sub stop ($self) {
	$self->{stopped} = 1;
	Mojo::IOLoop->remove(delete $self->{timer}) if $self->{timer};
	$self->{reply}->on_ready(undef);
	return;
}

sub _next ($self) {
	my $frames = $self->{frames};
	while (@$frames) {
		my $frame = $frames->[-1];
		return $frame->{steps}[$frame->{at}++] if $frame->{at} < @{ $frame->{steps} };
		$frame->{at} = 0;
		pop @$frames if --$frame->{left} <= 0;
	}
	return undef;
}

sub filler ($size) {
	my $line = '0123456789 abcdefghijklmnopqrstuvwxyz';
	return substr $line x (1 + $size / length $line), 0, $size;
}

1;
