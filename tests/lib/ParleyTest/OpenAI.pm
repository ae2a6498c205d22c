package ParleyTest::OpenAI;

# What the tests of the dialect "openai" say again and again.

use v5.36;

use Exporter   qw(import);
use Test::More ();

our @EXPORT = qw($CHAT bearer question refused said_by told);

our $CHAT = '/v1/chat/completions';

# Headers that show the key, and want English.
sub bearer ($key, %more) {
	return { Authorization => "Bearer $key", 'Accept-Language' => 'en', %more };
}

# A body: a user's question, to m-a unless it says otherwise.
sub question ($text, %more) {
	return { model => 'm-a', messages => [{ role => 'user', content => $text }], %more };
}

# What a stream of chunks says: {text, reasoning, calls, finish, usage, roles, error, done}; calls
# is a list of [id, name, arguments].
sub told ($s) {
	my %told = (text => '', reasoning => '', calls => [], roles => []);
	for my $data (map { $_->{data} } @{ $s->events }) {
		if (!ref $data) {
			$told{done}++ if $data eq '[DONE]';
			next;
		}
		$told{error} //= $data->{error};
		$told{usage} //= $data->{usage};
		my $choice = ($data->{choices} // [])->[0] // next;
		my $delta = $choice->{delta};
		push @{ $told{roles} }, $delta->{role} if defined $delta->{role};
		$told{text}      .= $delta->{content}           // '';
		$told{reasoning} .= $delta->{reasoning_content} // '';
		for my $piece (@{ $delta->{tool_calls} // [] }) {
			my $call = $told{calls}[ $piece->{index} ] //= [undef, undef, ''];
			$call->[0] //= $piece->{id};
			$call->[1] //= $piece->{function}{name};
			$call->[2] .= $piece->{function}{arguments} // '';
		}
		$told{finish} //= $choice->{finish_reason};
	}
	return \%told;
}

# The message of a reply that is no stream.
sub said_by ($reply) { return (($reply->json // {})->{choices} // [{}])->[0]{message} // {} }

# A test: it fails with this status, a message like that, this code (undef: none) and this param.
sub refused ($reply, $status, $like, $code, $param, $name) {
	my $error = ($reply->json // {})->{error} // {};
	my @same = ([$error->{code}, $code], [$error->{param}, $param]);
	my $ok = $reply->code == $status && ($error->{message} // '') =~ $like
	    && join(',', sort keys %$error) eq 'code,message,param,type'
	    && !grep { ($_->[0] // '') ne ($_->[1] // '') } @same;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return Test::More::ok($ok, $name)
	    || Test::More::diag("wanted $status $like, got " . $reply->code . ' '
	    . ($reply->error // $reply->body));
}

1;
