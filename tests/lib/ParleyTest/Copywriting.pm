package ParleyTest::Copywriting;

# What the tests of the dialect "copywriting" say again and again.

use v5.36;

use Exporter   qw(import);
use Mojo::JSON qw(decode_json);
use Test::More ();

our @EXPORT = qw($SEND an_app an_assistant message refused shown told);

our $SEND = '/copywriting/dialogue/sse/send-message';

# Headers that show the key, and want English.
sub shown ($key, %more) {
	return { 'x-api-key' => "Bearer $key", Accept => 'text/event-stream',
	    'Accept-Language' => 'en', %more };
}

# A body.
sub message ($content, %more) {
	return { speechUserDialogueMessage => { content => $content, %{
	    delete $more{said} // {} } },
	    %more };
}

# What a stream says: {first, text, last, ends}.
sub told ($s) {
	my @data = map { $_->{data} } @{ $s->events };
	my $first = shift @data;

	return { first => $first, text => join('', map { $_->{result} } @data), last => $data[-1],
	    ends => scalar grep { $_->{isEnd} } @data };
}

sub made ($p, @args) {
	my ($exit, $out, $err) = $p->parley(@args, '--json');
	die "parley @args: exit $exit\n$err" if $exit;
	return decode_json($out);
}

# {id, version, release_key}
sub an_assistant ($p, $name, @args) { return made($p, 'assistant', 'add', $name, @args) }

# {id}
sub an_app ($p, $name, @args) { return made($p, 'app', 'add', $name, @args) }

# A test: it fails with this status, a message like that.
sub refused ($reply, $status, $like, $name) {
	my $body = $reply->json // {};
	my $ok = $reply->code == $status && ($body->{code} // 0) == $status
	    && ($body->{msg} // '') =~ $like && !defined $body->{data}
	    && join(',', sort keys %$body) eq 'code,data,msg';
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return Test::More::ok($ok, $name)
	    || Test::More::diag("wanted $status $like, got " . $reply->code . ' '
	    . ($reply->error // $reply->body));
}

1;
