package ParleyTest::Streams;

# What the tests of resumed streams say again and again.

use v5.36;

use Exporter   qw(import);
use Test::More ();

use ParleyTest::Sse;

our @EXPORT = qw(data_lines ids_of refused_natively resume steps turn_of watched);

# The data lines of a stream, as bytes: what is the same however often it is told.
sub data_lines ($s) { return map { $_->{raw} =~ /^(data: .*)$/m ? $1 : () } @{ $s->events } }

sub ids_of ($s) { return map { $_->{id} } @{ $s->events } }

sub turn_of ($s) { return $s->header('x-stream-id') }

# GET /v1/streams/<turn>; options as for ParleyTest::stream, and: last (a Last-Event-ID).
sub resume ($p, $turn, %o) {
	my $last = delete $o{last};
	$o{headers} = { %{ $o{headers} // {} }, 'Last-Event-ID' => $last } if defined $last;
	return $p->stream(GET => "/v1/streams/$turn", %o);
}

# A stream that is followed from within on_event of another: a whole reply with its events.
sub watched ($reply) {
	$reply->{events} = [ParleyTest::Sse->new->feed($reply->body)];
	return $reply;
}

# A script: deltas with so many seconds between two of them.
sub steps ($pause, @texts) {
	return { steps => [map({ ({ delta => $_ }, { sleep => $pause }) } @texts),
		{ finish => 'stop' }, { done => 1 }] };
}

# A test: the reply fails with this status in the native envelope, its message like that.
sub refused_natively ($reply, $status, $like, $name) {
	my $error = ($reply->json // {})->{error} // {};
	my $ok = $reply->code == $status && ($error->{code} // 0) == $status
	    && ($error->{message} // '') =~ $like
	    && join(',', sort keys %$error) eq 'code,message,type';
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return Test::More::ok($ok, $name)
	    || Test::More::diag("wanted $status $like, got " . $reply->code . ' '
	    . ($reply->error // $reply->body));
}

1;
