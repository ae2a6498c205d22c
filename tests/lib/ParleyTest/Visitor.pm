package ParleyTest::Visitor;

# What the tests of websites' assistants say again and again.

use v5.36;

use Exporter   qw(import);
use Mojo::JSON qw(decode_json encode_json);
use Test::More ();

use ParleyTest::Process;

our @EXPORT = qw($CHAT $KEY_LIKE added an_assistant asked_of desc_of heard visitor_refused
    with_key);
our $CHAT = '/v1/openapi/chat';
our $KEY_LIKE = qr/\Aapi_[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\z/;

# What `parley … --json` has made of a file, or of its arguments.
sub added ($p, @args) {
	my $spec = ref $args[-1] ? pop @args : undef;
	if ($spec) {
		push @args, $p->dir . '/spec.json';
		ParleyTest::Process::spew($args[-1], encode_json($spec));
	}
	my ($exit, $out, $err) = $p->parley(@args, '--json');
	die "@args: $err" if $exit;
	return decode_json($out);
}

# The id of an assistant that answers by m-a unless the arguments say otherwise.
sub an_assistant ($p, %o) {
	my %args = (model => 'm-a', %o);
	return added($p, qw(assistant add Guide), map {
		my $name = $_;
		map { ("--$name", $_) } ref $args{$name} ? @{ $args{$name} } : $args{$name};
	} sort keys %args)->{id};
}

# A request that shows the key as the document has it, and wants English.
sub with_key ($key, %o) {
	my $query = delete $o{query} // {};
	my $headers = delete $o{headers} // {};
	return (user => undef, query => { apiKey => $key, %$query },
	    headers => { 'Accept-Language' => 'en', %$headers }, %o);
}

# The requests for chats that models have seen, and what the last of them was told.
sub asked_of ($p) { return grep { $_->{path} =~ m{/chat/completions\z} } $p->upstream_log }

sub heard ($p) {
	return [map { [@$_{qw(role content)}] } @{ (asked_of($p))[-1]{body}{messages} }];
}

# All that a stream says, put together.
sub desc_of ($s) {
	return join '', map { ref $_->{data} ? $_->{data}{desc} // '' : '' } @{ $s->events };
}

# A test: the reply fails with that status, a sentence like that, in the document's envelope.
sub visitor_refused ($reply, $status, $like, $name) {
	my $json = $reply->json // {};
	my $ok = $reply->code == $status && join(',', sort keys %$json) eq 'Code,Data,Msg'
	    && $json->{Code} == 4000 && !defined $json->{Data} && ($json->{Msg} // '') =~ $like;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return Test::More::ok($ok, $name)
	    || Test::More::diag("wanted $status $like, got " . $reply->code . ' '
	    . ($reply->error // $reply->body));
}

1;
