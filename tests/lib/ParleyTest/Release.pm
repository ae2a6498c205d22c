package ParleyTest::Release;

# What the tests of published assistants say again and again.

use v5.36;

use Exporter   qw(import);
use Mojo::JSON qw(decode_json);
use Test::More ();

our @EXPORT = qw($CHAT an_assistant release_refused shape);
our $CHAT = '/studio/rag/data/v1/release:chat';

# An assistant that answers by m-a unless the arguments of `parley assistant add` say otherwise:
# {id, version, release_key}. It is published (publish => 0: not; 'public': for everybody).
sub an_assistant ($p, %o) {
	my $publish = delete $o{publish} // 1;
	my %args = (model => 'm-a', %o);
	my ($exit, $out, $err) = $p->parley('assistant', 'add', 'Helper', '--json', map {
		my $name = $_;
		map { ("--$name", $_) } ref $args{$name} ? @{ $args{$name} } : $args{$name};
	} sort keys %args);
	die "assistant add: $err" if $exit;
	my $made = decode_json($out);
	($exit, undef, $err) = $p->parley('assistant', 'publish', $made->{id},
	    $publish eq 'public' ? '--public' : ()) if $publish;
	die "assistant publish: $err" if $exit;
	return $made;
}

# A test: the reply fails with that status and google.rpc.Code, its message like that, in the
# envelope of the source document. Returns the details by their types.
sub release_refused ($reply, $status, $code, $like, $name) {
	my $json = $reply->json;
	my $ok = $reply->code == $status && ref $json eq 'HASH'
	    && join(',', sort keys %$json) eq 'code,details,message' && $json->{code} == $code
	    && $json->{message} =~ $like && ref $json->{details} eq 'ARRAY';
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	Test::More::ok($ok, $name)
	    || Test::More::diag("wanted $status/$code $like, got " . $reply->code . ' '
	    . ($reply->error // $reply->body));
	return { map { $_->{'@type'} =~ s{^type\.googleapis\.com/google\.rpc\.}{}r => $_ }
	    @{ $ok ? $json->{details} : [] } };
}

# What a value is made of: names and types, of an array those of its first element.
sub shape ($v) {
	return ref $v eq 'HASH' ? { map { $_ => shape($v->{$_}) } keys %$v }
	    : ref $v eq 'ARRAY' ? [@$v ? shape($v->[0]) : ()]
	    : !defined $v ? 'null'
	    : Mojo::JSON::encode_json([$v]) =~ /^\["/ ? 'string' : 'number';
}

1;
